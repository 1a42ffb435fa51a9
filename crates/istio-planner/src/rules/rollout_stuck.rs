//! `rollout-stuck`: rollouts of the apply, of istiod and of restarts that cannot make a new pod.
//!
//! Only what is certain from the export is told: a place that the scheduler would refuse on every node, a quota or limit
//! that the API server would hold against the new pod, a volume that one pod at a time may mount. Room for CPU and memory
//! on the nodes is another rule's (`room-missing`).

mod places;
mod quota;

use istio_catalog::ComponentName;
use sorted::SortedMap;

use places::Running;
use serde_json::Value;

use super::room_missing::{replicas, rolled, scaled};
use super::{Situation, enumerate, text};
use crate::inventory::Made;
use crate::outcome::{Change, Finding, Level, Ref, RestartHow, Subject};
use crate::rules::Code;
use crate::rules::Explanation;
use crate::snapshot::{Pod, Workload, named, workload};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A rollout of the control plane, of a gateway or of a restarted workload cannot make its new pod.",
    why: "Where no pod may be unavailable, the new pod comes before an old one goes. Required anti-affinity, host ports, node \
          selectors and taints, a ResourceQuota or LimitRange, or a volume that one node alone may mount can each refuse it. \
          The rollout then waits for ever: the upgrade stops at that step, half done.",
    settle: "Allow one pod to be unavailable (`strategy.rollingUpdate.maxUnavailable: 1`) where old and new cannot stand side by \
             side, or make the place: another node, more quota, requests and limits that the namespace accepts.",
    source: "kubernetes@v1.36.3:pkg/controller/deployment/rolling.go; pkg/scheduler/framework/plugins (interpodaffinity, \
             nodeports, nodeaffinity, tainttoleration, volumerestrictions); plugin/pkg/admission/resourcequota and limitranger",
    link: Some(
        "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment",
    ),
};

/// A workload whose pods are made again.
struct Rolling<'a> {
    object: Ref,
    subject: Subject,
    /// As it will be.
    workload: Workload,
    /// Pods wanted in the end.
    replicas: i64,
    /// Pods that may be away meanwhile.
    unavailable: i64,
    /// Those that run.
    old: Vec<&'a Pod>,
    /// `resources` of containers that the injector adds.
    injected: Vec<Value>,
    /// The apply makes it: the request can change it.
    applied: bool,
}

/// Why a rollout stands still, each with the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Paused,
    NoNode,
    Affinity,
    Ports,
    Quota,
    Limits,
    Volume,
}

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let rolling = rolling(situation);
    let running = Running::new(situation.snapshot);
    let mut found: SortedMap<Cause, Vec<(&Rolling, String)>> = SortedMap::new();
    for one in &rolling {
        for (cause, why) in one.stuck(situation, &running) {
            found.entry(cause).or_default().push((one, why));
        }
    }
    found
        .into_iter()
        .map(|(cause, list)| finding(cause, &list))
        .collect()
}

/// Names that a title or detail holds.
const NAMED: usize = 5;

fn finding(cause: Cause, list: &[(&Rolling, String)]) -> Finding {
    let mut names: Vec<_> = list.iter().take(NAMED).map(|(it, _)| it.name()).collect();
    let more = list.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let details: Vec<_> = list
        .iter()
        .take(NAMED)
        .map(|(it, why)| format!("{}: {why}", it.name()))
        .collect();
    let one = list.len() == 1;
    let finding = Finding::new(
        Code::RolloutStuck,
        Level::Warn,
        format!(
            "The rollout{} of {} cannot move: {}",
            if one { "" } else { "s" },
            enumerate(&names),
            cause.words()
        ),
        format!(
            "{}. The step waits for it until its time is over, and the upgrade stops there",
            details.join(". ")
        ),
    );
    let applied = list.iter().any(|(it, _)| it.applied);
    finding
        .about(list.iter().map(|(it, _)| it.subject.clone()))
        .fix(cause.fix(applied))
}

impl Cause {
    fn words(self) -> &'static str {
        match self {
            Self::Paused => "it is paused",
            Self::NoNode => "no node accepts the pod",
            Self::Affinity => "required anti-affinity leaves no node free beside the pods that run",
            Self::Ports => "the host ports are taken on every node by the pods that run",
            Self::Quota => "a ResourceQuota has no room for the new pod",
            Self::Limits => "a LimitRange refuses the pod",
            Self::Volume => "its volume cannot be mounted by the old and the new pod at once",
        }
    }

    fn fix(self, applied: bool) -> String {
        let strategy = if applied {
            "`k8s.strategy.rollingUpdate` of the component"
        } else {
            "`spec.strategy.rollingUpdate` of the workload"
        };
        match self {
            Self::Paused => "Resume it with `kubectl rollout resume` before the upgrade".to_owned(),
            Self::NoNode => {
                "Correct the node selector, affinity or tolerations, or add a node that suits"
                    .to_owned()
            }
            Self::Affinity => format!(
                "Set `maxUnavailable: 1` in {strategy}, so that an old pod goes first; or prefer the anti-affinity instead of \
                 requiring it, or add a node"
            ),
            Self::Ports => format!(
                "Set `maxUnavailable: 1` and `maxSurge: 0` in {strategy}, so that an old pod goes first, or add a node"
            ),
            Self::Quota => format!(
                "Raise the ResourceQuota by one pod and what it asks for, or set `maxUnavailable: 1` in {strategy}; give \
                 containers the requests and limits that the quota demands"
            ),
            Self::Limits => {
                "Give the container resources inside the LimitRange's bounds, or widen the bounds"
                    .to_owned()
            }
            Self::Volume => format!(
                "Use the strategy Recreate, or `maxSurge: 0` and `maxUnavailable: 1` in {strategy}"
            ),
        }
    }
}

/// Everything that the apply, istiod or a restart rolls, once each.
fn rolling<'a>(situation: &Situation<'a>) -> Vec<Rolling<'a>> {
    let mut all: SortedMap<Ref, Rolling> = SortedMap::new();
    let made = Made::new(situation.snapshot, super::runs);
    if let Some(desired) = situation.desired {
        let rolled = rolled(desired.changes);
        let mut changes: SortedMap<(&str, &str), Vec<&Change>> = SortedMap::new();
        for change in desired.changes {
            let key = (change.object.kind.as_str(), change.object.name.as_str());
            changes.entry(key).or_default().push(change);
        }
        for component in &desired.rendering.components {
            for object in &component.objects {
                let Some(one) =
                    Rolling::applied(situation, &made, &changes, object, &component.objects)
                else {
                    continue;
                };
                if rolled.contains(&one.object) {
                    all.insert(one.object.clone(), one);
                }
            }
        }
    }
    let restarts = situation
        .restarts
        .iter()
        .filter(|it| matches!(it.how, RestartHow::Rollout | RestartHow::Auto));
    for restart in restarts {
        if !all.contains_key(&restart.object)
            && let Some(one) = Rolling::restarted(situation, &made, &restart.object)
        {
            all.insert(restart.object.clone(), one);
        }
    }
    all.into_values().collect()
}

impl<'a> Rolling<'a> {
    /// A workload as the apply leaves it.
    fn applied(
        situation: &Situation<'a>,
        made: &Made<'a>,
        changes: &SortedMap<(&str, &str), Vec<&Change>>,
        rendered: &Value,
        beside: &[Value],
    ) -> Option<Self> {
        let kind =
            text(rendered, "/kind").filter(|it| matches!(*it, "Deployment" | "DaemonSet"))?;
        let name = text(rendered, "/metadata/name")?;
        let change = changes.get(&(kind, name))?.iter().find(|it| {
            text(rendered, "/metadata/namespace")
                .is_none_or(|namespace| it.object.namespace.as_deref() == Some(namespace))
        })?;
        let predicted = change.predicted.as_ref().unwrap_or(rendered);
        let mut workload = workload(predicted)?;
        workload.namespace = change.object.namespace.clone().unwrap_or_default();
        let count = replicas(situation, rendered, beside, &change.object);
        let subject = match situation.snapshot.objects.get(&change.object) {
            Some(kept) => Subject::kept(&change.object, kept),
            None => Subject::new(change.object.clone()),
        };
        let injected = if workload
            .template_containers
            .iter()
            .any(|it| it.image == "auto")
        {
            proxy_resources(situation)
        } else {
            Vec::new()
        };
        Some(Self::new(
            made,
            change.object.clone(),
            subject,
            workload,
            count,
            injected,
            true,
        ))
    }

    /// A workload that is made again as it is.
    fn restarted(situation: &Situation<'a>, made: &Made<'a>, object: &Ref) -> Option<Self> {
        let key = (
            object.kind.clone(),
            object.namespace.clone().unwrap_or_default(),
            object.name.clone(),
        );
        let workload = situation.snapshot.workloads.get(&key)?;
        if !matches!(workload.kind.as_str(), "Deployment" | "DaemonSet") {
            return None;
        }
        let proxy = workload
            .template_containers
            .iter()
            .find(|it| it.name == "istio-proxy");
        let injected = if proxy.is_none_or(|it| it.image == "auto") {
            proxy_resources(situation)
        } else {
            Vec::new()
        };
        Some(Self::new(
            made,
            object.clone(),
            super::workload_subject(workload),
            workload.clone(),
            workload.replicas,
            injected,
            false,
        ))
    }

    fn new(
        made: &Made<'a>,
        object: Ref,
        subject: Subject,
        workload: Workload,
        replicas: i64,
        injected: Vec<Value>,
        applied: bool,
    ) -> Self {
        let daemon = object.kind == "DaemonSet";
        let amount = |value: Option<&Value>, default: Value, up: bool| {
            scaled(
                value.unwrap_or(&default),
                if daemon { 1 } else { replicas },
                up,
            )
        };
        let (surge, unavailable) = if daemon {
            (0.into(), 1.into())
        } else {
            ("25%".into(), "25%".into())
        };
        let surge = amount(workload.max_surge.as_ref(), surge, true);
        let unavailable = amount(workload.max_unavailable.as_ref(), unavailable, false);
        let old = made.by(&object).to_vec();
        Self {
            subject,
            replicas,
            // Both may not be zero: the controller then lets one pod go (deployment/util, ResolveFenceposts).
            unavailable: if surge == 0 && unavailable == 0 {
                1
            } else {
                unavailable
            },
            old,
            object,
            workload,
            injected,
            applied,
        }
    }

    fn name(&self) -> String {
        format!(
            "{} {}/{}",
            self.object.kind,
            self.object.namespace.as_deref().unwrap_or_default(),
            self.object.name
        )
    }

    /// Whether old pods go before, or without waiting for, new ones.
    fn may_go_first(&self) -> bool {
        self.unavailable > 0
            || self.workload.strategy.as_deref() == Some("Recreate")
            || self.old.is_empty()
    }

    /// Why it cannot move, if it cannot: each cause is to be settled.
    fn stuck(&self, situation: &Situation, running: &Running) -> Vec<(Cause, String)> {
        if self.replicas == 0 || self.workload.strategy.as_deref() == Some("OnDelete") {
            return Vec::new();
        }
        if self.workload.paused {
            return vec![(Cause::Paused, "`spec.paused` is true".to_owned())];
        }
        let mut causes = quota::shortage(situation, self);
        causes.extend(places::shortage(running, self));
        causes.extend(self.volume(situation));
        causes
    }

    /// A volume that one pod, or the pods of one node, may mount.
    fn volume(&self, situation: &Situation) -> Option<(Cause, String)> {
        if self.may_go_first() || self.object.kind != "Deployment" {
            return None;
        }
        let namespace = self.object.namespace.as_deref();
        let modes = |claim: &str| -> Option<Vec<String>> {
            let claims = "PersistentVolumeClaim";
            let (_, kept) = named(situation.snapshot, "", claims, namespace, claim)?;
            let modes = kept.value.pointer("/spec/accessModes")?.as_array()?;
            Some(
                modes
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        };
        let several = situation.snapshot.nodes.len() != 1;
        self.workload.placement.claims.iter().find_map(|claim| {
            let modes = modes(claim)?;
            let only = |mode: &str| !modes.is_empty() && modes.iter().all(|it| it == mode);
            let why = if only("ReadWriteOncePod") {
                format!("PersistentVolumeClaim {claim} is ReadWriteOncePod, and no pod may be unavailable")
            } else if only("ReadWriteOnce") && several {
                format!(
                    "PersistentVolumeClaim {claim} is ReadWriteOnce, so a new pod on another node waits for the old one, \
                     which waits for it: no pod may be unavailable"
                )
            } else {
                return None;
            };
            Some((Cause::Volume, why))
        })
    }
}

/// What the target gives to proxies that it injects.
fn proxy_resources(situation: &Situation) -> Vec<Value> {
    let values = situation.desired.and_then(|it| {
        let pilot = it
            .rendering
            .components
            .iter()
            .find(|it| it.name == ComponentName::Pilot)?;
        pilot.values.pointer("/global/proxy/resources").cloned()
    });
    values.into_iter().collect()
}

#[cfg(test)]
mod tests;
