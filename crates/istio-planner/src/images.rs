//! Every image that a node pulls for a plan and its restarts.
//!
//! An apply makes new pods of the workloads whose template it changes; the new istiod makes those of Gateway API
//! gateways; a restart makes those of injected workloads. The proxies of all of them come from the injector as the apply
//! leaves it. What runs beside a proxy (the application's own images) is no image of the upgrade.

use istio_catalog::Version;
use serde::Serialize;
use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use crate::dataplane::{self, Injected};
use crate::input::{self, Asked, Input};
use crate::inventory::{self, Made};
use crate::kubernetes::containers;
use crate::outcome::{
    Change, ChangeClass, ControlPlane, FieldChange, Ref, Restart, RestartHow, RestartReason,
};
use crate::plan::{Action, Plan, Wait};
use crate::planning::{Planned, plan_with_objects};
use crate::snapshot::{Pod, Snapshot};

mod reference;

pub use reference::Reference;

/// How many pulls Docker Hub allows one address without an account.
pub const ANONYMOUS_PULLS: usize = 100;

/// The hours for which it counts them (docs.docker.com, Docker Hub usage and limits).
pub const ANONYMOUS_HOURS: usize = 6;

/// What a plan and its restarts pull.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// The version that the plan leads to.
    pub target: String,
    /// By registry, sorted.
    pub registries: Vec<Registry>,
    /// The target's release was rendered, so that the images of the apply are among them.
    pub rendered: bool,
}

/// What is pulled from one registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// The registry with its path, for example `docker.io/istio`.
    pub registry: String,
    /// Each image once, sorted.
    pub images: Vec<Image>,
    /// How many pulls there are at most: each image once on each node that needs it.
    pub pulls: usize,
    /// It is Docker Hub, which counts the pulls of an address that has no account.
    pub limited: bool,
}

/// An image, and what needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The reference, as a node pulls it.
    pub image: String,
    /// What brings it: `apply`, `restart`, `istiod` (gateways that istiod makes) or `template` (named by an injection
    /// template).
    pub by: Vec<&'static str>,
    /// The workloads whose pods need it.
    pub workloads: Vec<Ref>,
    /// Their pods.
    pub pods: usize,
    /// The nodes on which it may be pulled: those on which the pods run now; as many as pods where that is not told.
    pub nodes: usize,
}

/// Returns what the request of an input pulls.
pub fn images(input: &Input) -> Images {
    let Planned { outcome, predicted } = plan_with_objects(input);
    let changes: Vec<Change> = outcome
        .changes
        .iter()
        .map(|it| Change {
            predicted: predicted.get(&it.object).cloned(),
            ..it.clone()
        })
        .collect();
    let plane = input::meant(&outcome.inventory, &Asked::new(&input.request)).one();
    let effect = Effect {
        snapshot: &input.snapshot,
        plane,
        target: outcome.target.version.as_deref().unwrap_or_default(),
        changes: &changes,
        restarts: &outcome.restarts,
    };
    effect.images()
}

/// Returns what a plan that was made before pulls, in the cluster as it is now.
///
/// A workload of which the plan only knows that it is applied counts by what is sent, so that fields of others (an image
/// that somebody edited, replicas) are not seen.
pub fn of_plan(plan: &Plan, snapshot: &Snapshot) -> Images {
    let actions = plan.steps.iter().flat_map(|it| &it.actions);
    let mut changes: Vec<Change> = actions.clone().filter_map(change).collect();
    changes.extend(kept(plan, snapshot, &changes));
    let mut restarts: Vec<Restart> = actions.filter_map(restart).collect();
    let waits = plan.steps.iter().flat_map(|it| &it.waits);
    let made = Made::new(snapshot, inventory::is_active);
    restarts.extend(waits.filter_map(|it| rolled(it, &made)));
    let inventory = inventory::inventory(snapshot);
    let mut planes = inventory
        .control_planes
        .iter()
        .filter(|it| it.namespace == plan.namespace);
    // A plan does not name the revision: it is known where the namespace has one.
    let plane = planes.next().filter(|_| planes.next().is_none());
    let effect = Effect {
        snapshot,
        plane,
        target: &plan.target,
        changes: &changes,
        restarts: &restarts,
    };
    effect.images()
}

/// What a write of a plan does to an object, as far as pods depend on it.
fn change(action: &Action) -> Option<Change> {
    let (object, predicted, expected, class) = match action {
        Action::Apply {
            object,
            manifest,
            expected,
            ..
        } => (
            object,
            Some(manifest),
            expected,
            if expected.exists {
                ChangeClass::Change
            } else {
                ChangeClass::Create
            },
        ),
        Action::Replace {
            object,
            manifest,
            expected,
        } => (object, Some(manifest), expected, ChangeClass::Replace),
        Action::Delete { object, expected } => (object, None, expected, ChangeClass::Delete),
        Action::Ensure { .. } | Action::Patch { .. } | Action::Restart { .. } => return None,
    };
    let fields = expected.fields.iter().map(|(path, from)| FieldChange {
        path: path.clone(),
        from: Some(from.clone()),
        to: None,
        owner: None,
    });
    Some(Change {
        object: object.clone(),
        component: String::new(),
        class,
        fields: fields.collect(),
        predicted: predicted.cloned(),
    })
}

/// The configuration of injectors that a plan leaves as it is.
fn kept(plan: &Plan, snapshot: &Snapshot, written: &[Change]) -> Vec<Change> {
    let is_written = |object: &Ref| written.iter().any(|it| it.object == *object);
    let objects = snapshot.objects.iter().filter(|(it, _)| {
        it.kind == "ConfigMap"
            && it.namespace.as_deref() == Some(plan.namespace.as_str())
            && !is_written(it)
    });
    let unchanged = objects.map(|(object, found)| Change {
        object: object.clone(),
        component: String::new(),
        class: ChangeClass::Unchanged,
        fields: Vec::new(),
        predicted: Some(found.value.clone()),
    });
    unchanged.collect()
}

fn restart(action: &Action) -> Option<Restart> {
    let Action::Restart {
        object,
        how,
        pods,
        to,
        ..
    } = action
    else {
        return None;
    };
    Some(Restart {
        object: object.clone(),
        pods: *pods,
        proxies: SortedMap::new(),
        to: to.clone(),
        how: *how,
        // The plan does not keep it, and no image depends on it.
        reason: RestartReason::StaleImage,
    })
}

/// A gateway that the new istiod makes anew.
fn rolled(wait: &Wait, made: &Made<'_>) -> Option<Restart> {
    let Wait::AutoRollout { object, to, .. } = wait else {
        return None;
    };
    Some(Restart {
        object: object.clone(),
        pods: u32::try_from(made.by(object).len()).unwrap_or(u32::MAX),
        proxies: SortedMap::new(),
        to: Some(to.clone()),
        how: RestartHow::Auto,
        // The plan does not keep it, and no image depends on it.
        reason: RestartReason::StaleImage,
    })
}

/// What makes new pods.
struct Effect<'a> {
    snapshot: &'a Snapshot,
    plane: Option<&'a ControlPlane>,
    target: &'a str,
    /// With predicted objects.
    changes: &'a [Change],
    restarts: &'a [Restart],
}

impl Effect<'_> {
    fn images(&self) -> Images {
        let to = Version::parse_tag(self.target);
        let injected = self.plane.zip(to.as_ref()).map(|(plane, to)| {
            let context = dataplane::Context {
                plane,
                to,
                changes: self.changes,
            };
            Injected::by(self.snapshot, context)
        });
        let mut pulls = Pulls {
            snapshot: self.snapshot,
            made: Made::new(self.snapshot, inventory::is_active),
            found: SortedMap::new(),
        };
        for change in self.changes.iter().filter(|it| makes_pods(it)) {
            pulls.apply(change, injected.as_ref());
        }
        for restart in self.restarts {
            pulls.restart(restart, injected.as_ref());
        }
        Images {
            target: self.target.to_owned(),
            registries: pulls.by_registry(),
            rendered: injected.is_some_and(|it| it.is_rendered()),
        }
    }
}
/// Whether an apply makes new pods of a workload.
fn makes_pods(change: &Change) -> bool {
    let template = |it: &Change| {
        it.fields
            .iter()
            .any(|it| it.path.starts_with("spec.template"))
    };
    matches!(change.object.kind.as_str(), "Deployment" | "DaemonSet")
        && match change.class {
            ChangeClass::Create | ChangeClass::Replace => true,
            ChangeClass::Change | ChangeClass::TakeOver => template(change),
            ChangeClass::Unchanged | ChangeClass::Delete | ChangeClass::Orphan => false,
        }
}

/// What is found, by image.
struct Pulls<'a> {
    snapshot: &'a Snapshot,
    made: Made<'a>,
    found: SortedMap<String, Found>,
}

/// What needs an image.
#[derive(Default)]
struct Found {
    by: SortedSet<&'static str>,
    workloads: SortedSet<Ref>,
    /// Namespace and name of each pod, and of pods that are not there yet their number.
    pods: SortedSet<(String, String)>,
    nodes: SortedSet<String>,
    /// Pods whose node is not told.
    elsewhere: usize,
}

impl Pulls<'_> {
    fn apply(&mut self, change: &Change, injected: Option<&Injected<'_>>) {
        let Some(object) = &change.predicted else {
            return;
        };
        let template = object.pointer("/spec/template");
        let annotations = template.and_then(|it| it.pointer("/metadata/annotations"));
        let annotations: SortedMap<String, String> = annotations
            .and_then(|it| serde_json::from_value(it.clone()).ok())
            .unwrap_or_default();
        let spec = template.and_then(|it| it.get("spec"));
        let mut images = SortedSet::new();
        for container in containers(spec) {
            match container.get("image").and_then(Value::as_str) {
                // The injector fills these in.
                Some("auto" | "") | None => {
                    images.extend(injected.into_iter().flat_map(|it| it.images(&annotations)));
                }
                Some(image) => {
                    images.insert(image.to_owned());
                }
            }
        }
        let expected = match change.object.kind.as_str() {
            "DaemonSet" => self.snapshot.nodes.len(),
            _ => object
                .pointer("/spec/replicas")
                .and_then(Value::as_u64)
                .and_then(|it| usize::try_from(it).ok())
                .unwrap_or(1),
        };
        self.add(&images, "apply", &change.object, expected);
    }

    fn restart(&mut self, restart: &Restart, injected: Option<&Injected<'_>>) {
        let Some(injected) = injected else {
            return;
        };
        let by = match restart.how {
            RestartHow::None => return,
            RestartHow::Auto => "istiod",
            RestartHow::Rollout | RestartHow::DeletePods | RestartHow::Evict => "restart",
        };
        let annotations = self.annotations(&restart.object);
        let images: SortedSet<String> = injected.images(&annotations).collect();
        let pods = usize::try_from(restart.pods).unwrap_or(usize::MAX);
        self.add(&images, by, &restart.object, pods);
        if restart.how != RestartHow::Auto {
            let templates = injected.literals(&annotations);
            self.add(&templates, "template", &restart.object, pods);
        }
    }

    /// The annotations of the next pod of a workload.
    fn annotations(&self, object: &Ref) -> SortedMap<String, String> {
        let key = (
            object.kind.clone(),
            object.namespace.clone().unwrap_or_default(),
            object.name.clone(),
        );
        let workload = self.snapshot.workloads.get(&key);
        let template = workload.filter(|it| !it.template_containers.is_empty());
        template.map_or_else(
            || {
                let pod = self.pods(object).next();
                pod.map(|it| it.annotations.clone()).unwrap_or_default()
            },
            |it| it.template_annotations.clone(),
        )
    }

    /// The pods that a workload has now.
    fn pods(&self, object: &Ref) -> impl Iterator<Item = &Pod> {
        self.made.by(object).iter().copied()
    }

    fn add(&mut self, images: &SortedSet<String>, by: &'static str, object: &Ref, expected: usize) {
        let pods: Vec<(String, String, Option<String>)> = self
            .pods(object)
            .map(|it| (it.namespace.clone(), it.name.clone(), it.node.clone()))
            .collect();
        for image in images {
            let found = self.found.entry(image.clone()).or_default();
            found.by.insert(by);
            found.workloads.insert(object.clone());
            for (namespace, name, node) in &pods {
                let is_new = found.pods.insert((namespace.clone(), name.clone()));
                match node {
                    Some(node) => {
                        found.nodes.insert(node.clone());
                    }
                    None if is_new => found.elsewhere += 1,
                    None => {}
                }
            }
            // Pods that are not there yet.
            for at in pods.len()..expected {
                let namespace = object.namespace.clone().unwrap_or_default();
                if found
                    .pods
                    .insert((namespace, format!("{}#{at}", object.name)))
                {
                    found.elsewhere += 1;
                }
            }
        }
    }

    fn by_registry(self) -> Vec<Registry> {
        let mut registries: SortedMap<String, Vec<Image>> = SortedMap::new();
        for (image, found) in self.found {
            let registry = Reference::read(&image).registry();
            registries.entry(registry).or_default().push(Image {
                by: found.by.into_iter().collect(),
                workloads: found.workloads.into_iter().collect(),
                pods: found.pods.len(),
                nodes: found.nodes.len() + found.elsewhere,
                image,
            });
        }
        registries
            .into_iter()
            .map(|(registry, images)| Registry {
                pulls: images.iter().map(|it| it.nodes).sum(),
                limited: registry == "docker.io" || registry.starts_with("docker.io/"),
                registry,
                images,
            })
            .collect()
    }
}
