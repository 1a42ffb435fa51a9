//! Every image that a node pulls for a plan and its restarts.
//!
//! An apply makes new pods of the workloads whose template it changes; the new istiod makes those of Gateway API
//! gateways; a restart makes those of injected workloads. The proxies of all of them come from the injector as the apply
//! leaves it. What runs beside a proxy (the application's own images) is no image of the upgrade.

use std::collections::{BTreeMap, BTreeSet};

use istio_catalog::Version;
use serde::Serialize;
use serde_json::Value;

use crate::dataplane::{self, Injected};
use crate::input::{self, Asked, Input};
use crate::inventory::{self, Made};
use crate::kubernetes::containers;
use crate::outcome::{Change, ChangeClass, Ref, Restart, RestartHow};
use crate::planning::{Planned, plan_with_objects};
use crate::snapshot::{Pod, Snapshot};

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
    let snapshot = &input.snapshot;
    let mut pulls = Pulls {
        snapshot,
        made: Made::of(snapshot, inventory::is_active),
        found: BTreeMap::new(),
    };
    let plane = input::meant(&outcome.inventory, &Asked::of(&input.request)).one();
    let to = outcome
        .target
        .version
        .as_deref()
        .and_then(Version::parse_tag);
    let changes: Vec<Change> = outcome
        .changes
        .iter()
        .map(|it| Change {
            predicted: predicted.get(&it.object).cloned(),
            ..it.clone()
        })
        .collect();
    let injected = plane.zip(to.as_ref()).map(|(plane, to)| {
        let context = dataplane::Context {
            plane,
            to,
            changes: &changes,
        };
        Injected::by(snapshot, context)
    });
    for change in changes.iter().filter(|it| makes_pods(it)) {
        pulls.apply(change, injected.as_ref());
    }
    for restart in &outcome.restarts {
        pulls.restart(restart, injected.as_ref());
    }
    Images {
        target: outcome.target.version.unwrap_or_default(),
        registries: pulls.by_registry(),
        rendered: injected.is_some_and(|it| it.is_rendered()),
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
    found: BTreeMap<String, Found>,
}

/// What needs an image.
#[derive(Default)]
struct Found {
    by: BTreeSet<&'static str>,
    workloads: BTreeSet<Ref>,
    /// Namespace and name of each pod, and of pods that are not there yet their number.
    pods: BTreeSet<(String, String)>,
    nodes: BTreeSet<String>,
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
        let annotations: BTreeMap<String, String> = annotations
            .and_then(|it| serde_json::from_value(it.clone()).ok())
            .unwrap_or_default();
        let spec = template.and_then(|it| it.get("spec"));
        let mut images = BTreeSet::new();
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
        let images: BTreeSet<String> = injected.images(&annotations).collect();
        let pods = usize::try_from(restart.pods).unwrap_or(usize::MAX);
        self.add(&images, by, &restart.object, pods);
        if restart.how != RestartHow::Auto {
            let templates = injected.literals(&annotations);
            self.add(&templates, "template", &restart.object, pods);
        }
    }

    /// The annotations of the next pod of a workload.
    fn annotations(&self, object: &Ref) -> BTreeMap<String, String> {
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

    fn add(&mut self, images: &BTreeSet<String>, by: &'static str, object: &Ref, expected: usize) {
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
        let mut registries: BTreeMap<String, Vec<Image>> = BTreeMap::new();
        for (image, found) in self.found {
            let registry = registry_of(&image);
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

/// Returns the registry of an image with its path, without the image's own name. What names no host is Docker Hub's.
pub fn registry_of(image: &str) -> String {
    let name = image.split_once('@').map_or(image, |it| it.0);
    let path = name.rsplit_once('/').map(|it| it.0);
    match path {
        None => "docker.io/library".to_owned(),
        Some(path) => {
            let host = path.split('/').next().unwrap_or_default();
            if host.contains(['.', ':']) || host == "localhost" {
                path.replacen("index.docker.io", "docker.io", 1)
            } else {
                format!("docker.io/{path}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::registry_of;

    #[test]
    fn an_image_without_a_host_is_docker_hub_s() {
        assert_eq!(
            registry_of("docker.io/istio/pilot:1.30.3"),
            "docker.io/istio"
        );
        assert_eq!(registry_of("istio/pilot:1.30.3"), "docker.io/istio");
        assert_eq!(registry_of("busybox"), "docker.io/library");
        assert_eq!(registry_of("h:5000/istio/pilot@sha256:1"), "h:5000/istio");
        assert_eq!(registry_of("localhost/pilot:1"), "localhost");
    }
}
