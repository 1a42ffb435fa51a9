//! Which workloads keep an old proxy, why, and how it can be restarted (domain §8.2).

use istio_catalog::Version;
use sorted::{SortedMap, SortedSet};

use super::after::{Injection, is_current};
use super::check_inject::namespace_labels;
use super::policy::Candidate;
use super::{Context, Trouble, gateway, native};
use crate::inventory::{self, Controller, Role, controller, is_active, proxy_container, role};
use crate::outcome::{Change, Ref, Restart, RestartHow, RestartReason, Subject};
use crate::snapshot::{Container, Pod, Snapshot, Workload, objects};

type Labels = SortedMap<String, String>;

/// What is to be restarted.
#[derive(Debug, Clone, Default)]
pub struct Renewals {
    /// Workloads whose proxies stay old until they are restarted, sorted by kind, namespace and name.
    pub restarts: Vec<Restart>,
    /// What stands in the way, and whose.
    pub troubles: Vec<(Trouble, Subject)>,
    /// The version of the proxies that the injector gives afterwards.
    pub proxy_version: Option<Version>,
}

/// Returns the workloads whose proxies stay old until they are restarted.
///
/// A workload is listed with [`RestartHow::None`] when no restart restarts its proxy, or when one would harm.
pub fn restarts(snapshot: &Snapshot, context: Context<'_>) -> Renewals {
    let judge = Judge {
        snapshot,
        context,
        now: Injection::now(snapshot, context.plane),
        after: Injection::after(snapshot, context),
        namespaces: namespaces(snapshot),
        rolled: rolled(context.changes),
    };
    let mut groups: SortedMap<Controller, Vec<&Pod>> = SortedMap::new();
    for pod in snapshot
        .pods
        .values()
        .filter(|it| is_active(it) && is_data_plane(role(it)))
    {
        groups
            .entry(controller(snapshot, pod))
            .or_default()
            .push(pod);
    }
    let mut restarts = Vec::new();
    let mut troubles = Vec::new();
    let mut seen = SortedSet::new();
    for (controller, pods) in groups {
        let group = Group::new(snapshot, controller, pods);
        if let Some(verdict) = judge.judge(&group) {
            troubles.extend(verdict.trouble.map(|it| (it, group.subject())));
            restarts.extend(verdict.renewal.map(|it| group.restart(it)));
        }
        troubles.extend(judge.overlap(&group).map(|it| (it, group.subject())));
        seen.insert(group.controller);
    }
    for workload in snapshot.workloads.values() {
        if let Some((restart, subject)) = judge.without_pods(workload, &seen) {
            restarts.push(restart);
            troubles.push((Trouble::KubeInject, subject));
        }
    }
    sorted::sort_by(&mut restarts, |a, b| {
        let (a, b) = (&a.object, &b.object);
        (&a.kind, &a.namespace, &a.name).cmp(&(&b.kind, &b.namespace, &b.name))
    });
    Renewals {
        restarts,
        troubles,
        proxy_version: Some(judge.proxy_version().clone()),
    }
}

fn is_data_plane(role: Role) -> bool {
    match role {
        Role::Sidecar | Role::Gateway | Role::GatewayApi | Role::Other => true,
        Role::Istiod | Role::Operator | Role::Cni | Role::Ztunnel => false,
    }
}

/// The labels of every namespace in the export.
fn namespaces(snapshot: &Snapshot) -> SortedMap<&str, Labels> {
    objects(snapshot, "", "Namespace")
        .filter_map(|(it, _)| Some((it.name.as_str(), namespace_labels(snapshot, &it.name)?)))
        .collect()
}

/// The objects whose template the apply changes.
fn rolled(changes: &[Change]) -> SortedSet<&Ref> {
    let rolls = |it: &&Change| {
        let mut fields = it.fields.iter();
        fields.any(|it| it.path.starts_with("spec.template."))
    };
    changes.iter().filter(rolls).map(|it| &it.object).collect()
}

/// The pods that one workload makes.
pub(super) struct Group<'a> {
    controller: Controller,
    workload: Option<&'a Workload>,
    pods: Vec<&'a Pod>,
    /// The version of each pod's proxy; `None` for pods without one.
    proxies: Vec<Option<Proxy>>,
}

/// A proxy that runs.
struct Proxy {
    /// `None` where no evidence tells.
    version: Option<Version>,
    image: String,
    native: bool,
}

/// What is to be done about a workload.
struct Renewal {
    how: RestartHow,
    reason: RestartReason,
    to: Option<Version>,
}

/// What a workload needs, and what is to be said about it.
#[derive(Default)]
struct Verdict {
    renewal: Option<Renewal>,
    trouble: Option<Trouble>,
}

impl<'a> Group<'a> {
    fn new(snapshot: &'a Snapshot, controller: Controller, pods: Vec<&'a Pod>) -> Self {
        let proxies = pods
            .iter()
            .map(|pod| {
                let container = proxy_container(pod)?;
                Some(Proxy {
                    version: inventory::of_proxy(snapshot, pod),
                    image: container.image.clone(),
                    native: container.restart_always,
                })
            })
            .collect();
        Self {
            workload: controller.workload(snapshot),
            controller,
            pods,
            proxies,
        }
    }

    /// A pod with a proxy, or any.
    fn sample(&self) -> Option<&'a Pod> {
        let proxied = self.pods.iter().find(|it| proxy_container(it).is_some());
        proxied.or(self.pods.first()).copied()
    }

    /// What the next pod is made from: the template, or without one the pod itself.
    fn next(&self) -> Option<Candidate<'_>> {
        let pod = self.sample()?;
        Some(
            match self
                .workload
                .filter(|it| !it.template_containers.is_empty())
            {
                Some(it) => Candidate {
                    namespace: &it.namespace,
                    labels: &it.template_labels,
                    annotations: &it.template_annotations,
                    host_network: it.template_host_network,
                },
                None => Candidate {
                    namespace: &pod.namespace,
                    labels: &pod.labels,
                    annotations: &pod.annotations,
                    host_network: pod.host_network,
                },
            },
        )
    }

    /// The proxy in the template, unless the injector is to fill in its image.
    fn proxy_in_template(&self) -> Option<&'a Container> {
        let containers = &self.workload?.template_containers;
        containers
            .iter()
            .find(|it| it.name == "istio-proxy" && !it.image.is_empty() && it.image != "auto")
    }

    /// Whether istioctl renders this workload: the apply itself rolls it.
    fn is_rendered(&self) -> bool {
        const MARKS: [&str; 2] = ["operator.istio.io/component", "operator.istio.io/managed"];
        let marked = |labels: &Labels| MARKS.iter().any(|it| labels.contains_key(*it));
        let workload = self
            .workload
            .is_some_and(|it| marked(&it.labels) || marked(&it.template_labels));
        workload || self.sample().is_some_and(|it| marked(&it.labels))
    }

    fn restart(&self, renewal: Renewal) -> Restart {
        let mut proxies: SortedMap<String, u32> = SortedMap::new();
        for proxy in &self.proxies {
            let version = match proxy {
                None => "none".to_owned(),
                Some(it) => it
                    .version
                    .as_ref()
                    .map_or_else(|| "unknown".to_owned(), Version::to_string),
            };
            *proxies.entry(version).or_default() += 1;
        }
        Restart {
            object: self.controller.object.clone(),
            pods: u32::try_from(self.pods.len()).unwrap_or(u32::MAX),
            proxies,
            to: renewal.to.map(|it| it.to_string()),
            how: renewal.how,
            reason: renewal.reason,
        }
    }

    fn subject(&self) -> Subject {
        let origin = self
            .workload
            .map(|it| &it.origin)
            .or_else(|| self.sample().map(|it| &it.origin));
        let object = self.controller.object.clone();
        match origin {
            Some(origin) => Subject::exported(object, origin),
            None => Subject::new(object),
        }
    }

    /// How a new pod can be had, and what stands against a rollout.
    fn how(&self) -> (RestartHow, Option<Trouble>) {
        let workload = self.workload;
        let on_delete = workload.is_some_and(|it| it.strategy.as_deref() == Some("OnDelete"));
        match self.controller.object.kind.as_str() {
            "Deployment" if workload.is_some_and(|it| it.paused) => {
                (RestartHow::None, Some(Trouble::Paused))
            }
            "StatefulSet" | "DaemonSet" if on_delete => {
                (RestartHow::Evict, Some(Trouble::OnDelete))
            }
            "StatefulSet" if workload.is_some_and(|it| it.partition > 0) => {
                (RestartHow::Evict, Some(Trouble::Partition))
            }
            "Deployment" | "StatefulSet" | "DaemonSet" => (RestartHow::Rollout, None),
            // Its own restart needs its controller; an evicted pod is made again by its ReplicaSet.
            "ReplicaSet" | "Rollout" => (RestartHow::Evict, None),
            "Pod" => (RestartHow::None, Some(Trouble::BarePod)),
            "Job" => (RestartHow::None, Some(Trouble::Job)),
            "CronJob" => (RestartHow::None, Some(Trouble::CronJob)),
            _ => (RestartHow::None, Some(Trouble::Unknown)),
        }
    }
}

/// What all groups are judged by.
struct Judge<'a> {
    snapshot: &'a Snapshot,
    context: Context<'a>,
    now: Injection<'a>,
    after: Injection<'a>,
    namespaces: SortedMap<&'a str, Labels>,
    /// The objects whose template the apply changes.
    rolled: SortedSet<&'a Ref>,
}

/// What injection makes of the next pod.
enum Fate {
    /// It gets a proxy of the upgraded control plane.
    Injected,
    /// It gets a proxy of another one.
    Elsewhere,
    /// It gets none.
    Alone,
    /// The export does not tell.
    Unknown,
}

impl Judge<'_> {
    fn judge(&self, group: &Group<'_>) -> Option<Verdict> {
        let pod = group.sample()?;
        let next = group.next()?;
        if group.proxies.iter().all(Option::is_none) {
            return self.without_proxy(group, next);
        }
        if role(pod) == Role::GatewayApi {
            return self.made_by_istiod(group, pod);
        }
        if let Some(proxy) = group.proxy_in_template() {
            return self.in_template(group, proxy);
        }
        // Without its template in the export, a gateway that no injector has touched tells the same.
        let untouched = !pod.annotations.contains_key("sidecar.istio.io/status");
        if group.workload.is_none() && untouched && group.is_rendered() {
            return None;
        }
        if self.is_rolled_by_apply(group) {
            return None;
        }
        match self.fate(&self.after, pod, next) {
            Fate::Elsewhere => None,
            Fate::Alone => {
                let today = !matches!(self.fate(&self.now, pod, next), Fate::Alone);
                let trouble = if today {
                    Trouble::Gap
                } else {
                    Trouble::LosesProxy
                };
                // A proxy that is restarted by nothing but is not old is no work of this upgrade.
                let renewal = self.is_old(group, next).then_some(Renewal {
                    how: RestartHow::None,
                    reason: RestartReason::WouldLoseProxy,
                    to: None,
                });
                Some(Verdict {
                    renewal,
                    trouble: Some(trouble),
                })
            }
            Fate::Injected | Fate::Unknown => self.injected(group, next),
        }
    }

    /// Pods that have no proxy, though the next ones would get one.
    fn without_proxy(&self, group: &Group<'_>, next: Candidate<'_>) -> Option<Verdict> {
        let pod = group.sample()?;
        let injected = matches!(self.fate(&self.after, pod, next), Fate::Injected);
        let renewal = Renewal {
            how: RestartHow::None,
            reason: RestartReason::MissingProxy,
            to: Some(self.proxy_version().clone()),
        };
        injected.then_some(Verdict {
            renewal: Some(renewal),
            trouble: None,
        })
    }

    /// Gateways and waypoints that the new istiod rolls by itself once it leads.
    fn made_by_istiod(&self, group: &Group<'_>, pod: &Pod) -> Option<Verdict> {
        let ours = gateway::is_of(self.snapshot, self.context.plane, pod);
        let old = group
            .proxies
            .iter()
            .flatten()
            .any(|it| it.version.as_ref() != Some(self.proxy_version()));
        let renewal = Renewal {
            how: RestartHow::Auto,
            reason: RestartReason::StaleImage,
            to: Some(self.proxy_version().clone()),
        };
        (ours && old).then_some(Verdict {
            renewal: Some(renewal),
            trouble: None,
        })
    }

    /// A template that names the proxy's image: new pods run it again.
    fn in_template(&self, group: &Group<'_>, proxy: &Container) -> Option<Verdict> {
        let version = inventory::of_image(&proxy.image);
        if group.is_rendered() || version.as_ref() == Some(self.context.to) {
            return None;
        }
        let injected = group.workload.is_some_and(|it| {
            it.template_annotations
                .contains_key("sidecar.istio.io/status")
        });
        let (reason, trouble) = if injected {
            (RestartReason::KubeInject, Trouble::KubeInject)
        } else {
            (RestartReason::PinnedImage, Trouble::ImageInTemplate)
        };
        let renewal = Renewal {
            how: RestartHow::None,
            reason,
            to: version,
        };
        Some(Verdict {
            renewal: Some(renewal),
            trouble: Some(trouble),
        })
    }

    /// A workload without pods whose template holds an old proxy: the next pods run it.
    fn without_pods(
        &self,
        workload: &Workload,
        seen: &SortedSet<Controller>,
    ) -> Option<(Restart, Subject)> {
        let controller = Controller {
            object: Ref {
                api_version: workload.api_version.clone(),
                kind: workload.kind.clone(),
                namespace: Some(workload.namespace.clone()),
                name: workload.name.clone(),
            },
        };
        let injected = workload
            .template_annotations
            .contains_key("sidecar.istio.io/status");
        // What a controller makes from a template has its template; a Job does not run again.
        let lasting = workload.owner.is_none() && workload.kind != "Job";
        if !injected || !lasting || seen.contains(&controller) {
            return None;
        }
        let group = Group {
            workload: Some(workload),
            controller,
            pods: Vec::new(),
            proxies: Vec::new(),
        };
        let verdict = self.in_template(&group, group.proxy_in_template()?)?;
        let subject = group.subject();
        Some((group.restart(verdict.renewal?), subject))
    }

    /// Whether the apply changes the workload's template, so that its pods are made again anyway.
    fn is_rolled_by_apply(&self, group: &Group<'_>) -> bool {
        self.rolled.contains(&group.controller.object)
    }

    fn injected(&self, group: &Group<'_>, next: Candidate<'_>) -> Option<Verdict> {
        if !self.is_old(group, next) {
            return self
                .mode_changes(group, next)
                .then(|| Self::renew(group, RestartReason::NativeSidecar, self.proxy_version()));
        }
        if let Some(pin) = next.annotations.get(PIN) {
            let renewal = Renewal {
                how: RestartHow::None,
                reason: RestartReason::PinnedImage,
                to: inventory::of_image(pin),
            };
            return Some(Verdict {
                renewal: Some(renewal),
                trouble: Some(Trouble::PinnedImage),
            });
        }
        Some(Self::renew(
            group,
            RestartReason::StaleImage,
            self.proxy_version(),
        ))
    }

    fn renew(group: &Group<'_>, reason: RestartReason, to: &Version) -> Verdict {
        let (how, trouble) = group.how();
        Verdict {
            renewal: Some(Renewal {
                how,
                reason,
                to: Some(to.clone()),
            }),
            trouble,
        }
    }

    /// Whether some proxy is not the one that the target injects.
    fn is_old(&self, group: &Group<'_>, next: Candidate<'_>) -> bool {
        let to = self.proxy_version();
        if let Some(pin) = next.annotations.get(PIN) {
            return inventory::of_image(pin).as_ref() != Some(to);
        }
        // A gateway's pod may name its own image in an overlay of the injection template.
        let own = next.annotations.contains_key("inject.istio.io/templates");
        let wanted = self.after.image.as_ref().filter(|_| !own);
        group
            .proxies
            .iter()
            .flatten()
            .any(|it| !is_current(&it.image, it.version.as_ref(), to, wanted, next.annotations))
    }

    /// The version of the proxies that the target injects: the target's own, unless the request names another tag.
    fn proxy_version(&self) -> &Version {
        let tag = self.after.image.as_ref().and_then(|it| it.version.as_ref());
        tag.unwrap_or(self.context.to)
    }

    /// Whether the proxies would change between a container and a native sidecar.
    fn mode_changes(&self, group: &Group<'_>, next: Candidate<'_>) -> bool {
        if group.sample().is_none_or(|it| role(it) != Role::Sidecar) {
            return false;
        }
        let native = native::asked(next.annotations)
            .or_else(|| native::default(self.snapshot, self.context.to, &self.after.environment));
        native.is_some_and(|native| group.proxies.iter().flatten().any(|it| it.native != native))
    }

    fn fate(&self, injection: &Injection<'_>, pod: &Pod, next: Candidate<'_>) -> Fate {
        let plane = self.context.plane;
        let Some(namespace) = self.namespaces.get(next.namespace) else {
            return self.unseen(pod);
        };
        if injection.injectors.is_empty() {
            return self.unseen(pod);
        }
        let called = injection.injectors.called(namespace, next.labels);
        let ours = called.iter().any(|it| {
            it.revision == plane.revision
                && it
                    .namespace
                    .as_ref()
                    .is_none_or(|it| *it == plane.namespace)
        });
        if called.is_empty() {
            Fate::Alone
        } else if !ours {
            Fate::Elsewhere
        } else if injection.policy.refuses(next).is_some() {
            Fate::Alone
        } else {
            Fate::Injected
        }
    }

    /// Without namespaces or injectors in the export: a pod is injected again by whoever injected it.
    fn unseen(&self, pod: &Pod) -> Fate {
        let ours = inventory::revision(pod).is_none_or(|it| it == self.context.plane.revision);
        if ours { Fate::Unknown } else { Fate::Elsewhere }
    }

    /// Whether more than one configuration injects the next pod.
    fn overlap(&self, group: &Group<'_>) -> Option<Trouble> {
        let next = group.next()?;
        let namespace = self.namespaces.get(next.namespace)?;
        let several = |injection: &Injection<'_>| {
            let called = injection.injectors.called(namespace, next.labels);
            let first = called.first().map(|it| it.configuration);
            called.iter().any(|it| Some(it.configuration) != first)
        };
        if !several(&self.after) || self.after.policy.refuses(next).is_some() {
            return None;
        }
        Some(if several(&self.now) {
            Trouble::Overlap
        } else {
            Trouble::NewOverlap
        })
    }
}

/// The annotation by which a pod chooses its proxy's image.
pub(super) const PIN: &str = "sidecar.istio.io/proxyImage";
