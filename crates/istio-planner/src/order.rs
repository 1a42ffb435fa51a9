//! Changes in an order in which a mesh stays up: steps with their waits (domain §8.5, F-4, F-6).
//!
//! Upgrade: definitions and shared rights, istiod, its injection, the tag, gateways that istiod rolls, CNI, ztunnel,
//! gateways, deletions, workloads. Downgrade: the injection template first, which the newer istiod can read, then
//! proxies, ztunnel, CNI, istiod, and last the definitions.

pub mod pacing;

use istio_catalog::ComponentName;
use sorted::SortedMap;

use serde_json::Value;

use crate::desired::Desired;
use crate::diff::{DiffOutcome, Write, WriteHow};
use crate::outcome::{ChangeClass, Direction, Ref, Restart, RestartHow};
use crate::plan::{Action, Plan, Step, Wait, gateway_lease};
use crate::snapshot::Snapshot;
use pacing::Pacing;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The cluster.
    pub snapshot: &'a Snapshot,
    /// What the target wants.
    pub desired: &'a Desired<'a>,
    /// What it changes.
    pub diff: &'a DiffOutcome<'a>,
    /// Workloads whose proxies stay old.
    pub restarts: &'a [Restart],
    /// From where.
    pub source: Option<&'a str>,
    /// To where.
    pub target: &'a str,
    /// Upgrade or downgrade.
    pub direction: Option<Direction>,
    /// Written although a finding blocks.
    pub forced: bool,
}

/// Puts everything in order.
pub fn plan(context: &Context<'_>) -> Plan {
    let writes = &context.diff.writes;
    let is = |component: ComponentName| move |it: &Write<'_>| it.component == component;
    let injection =
        |it: &Write<'_>| it.component == ComponentName::Pilot && is_injection(&it.object);
    let istiod = |it: &Write<'_>| it.component == ComponentName::Pilot && !is_injection(&it.object);
    let gateways = gateways(writes);
    let others = |it: &Write<'_>| {
        ![
            ComponentName::Base,
            ComponentName::Pilot,
            ComponentName::Cni,
            ComponentName::Ztunnel,
            ComponentName::IngressGateways,
            ComponentName::EgressGateways,
        ]
        .into_iter()
        .any(|component| it.component == component)
    };
    let base = apply(
        "base",
        "Apply definitions and shared rights",
        writes,
        is(ComponentName::Base),
    );
    let cni = apply(
        "cni",
        "Apply the CNI node agent",
        writes,
        is(ComponentName::Cni),
    );
    let ztunnel = apply(
        "ztunnel",
        "Apply ztunnel",
        writes,
        is(ComponentName::Ztunnel),
    );
    let addons = apply("addons", "Apply other components", writes, others);
    let istiod = apply("pilot", "Apply istiod", writes, istiod);
    let injection = apply(
        "pilot-injection",
        "Apply injection and validation",
        writes,
        injection,
    );
    let tag = apply(
        "tag",
        "Apply the webhooks of the default tag",
        &context.diff.tag_writes,
        |_| true,
    );
    let rolled = rolled_by_istiod(context);
    let prune = prune(context);
    let pacing = Pacing::default();
    let waves = pacing::steps(context.snapshot, context.restarts, context.target, &pacing);
    let namespace = namespace(context);
    let steps: Vec<Step> = if context.direction == Some(Direction::Downgrade) {
        let mut steps = vec![namespace, injection];
        steps.extend(gateways);
        steps.extend(waves.into_iter().map(Some));
        steps.extend([ztunnel, cni, istiod, tag, rolled, addons, base, prune]);
        steps.into_iter().flatten().collect()
    } else {
        let mut steps = vec![
            namespace, base, istiod, injection, tag, rolled, addons, cni, ztunnel,
        ];
        steps.extend(gateways);
        steps.push(prune);
        steps.extend(waves.into_iter().map(Some));
        steps.into_iter().flatten().collect()
    };
    Plan {
        id: String::new(),
        source: context.source.map(str::to_owned),
        target: context.target.to_owned(),
        direction: context.direction,
        cluster: cluster(context.snapshot),
        namespace: context.desired.namespace.clone(),
        forced: context.forced,
        freeze: Vec::new(),
        steps,
    }
    .sealed()
}

/// What tells the cluster from all others: the uid of its namespace `kube-system`, which is made once, with the cluster.
fn cluster(snapshot: &Snapshot) -> Option<String> {
    let mut objects = snapshot.objects.iter();
    let (_, object) = objects.find(|(it, _)| {
        it.api_version == "v1" && it.kind == "Namespace" && it.name == "kube-system"
    })?;
    let uid = object.value["metadata"]["uid"].as_str()?;
    (!uid.is_empty()).then(|| uid.to_owned())
}

/// What an istiod reads or serves with its own templates: it changes only once an istiod that understands it runs
/// (domain §12).
fn is_injection(object: &Ref) -> bool {
    match object.kind.as_str() {
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => true,
        "ConfigMap" => object.name.starts_with("istio-sidecar-injector"),
        _ => false,
    }
}

/// One step for each gateway, ingress first.
fn gateways(writes: &[Write<'_>]) -> Vec<Option<Step>> {
    let mut names: Vec<(ComponentName, &str)> = Vec::new();
    for component in ComponentName::GATEWAYS {
        for write in writes.iter().filter(|it| it.component == component) {
            let name = (component, write.instance.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
        .into_iter()
        .map(|(component, instance)| {
            let id = format!("{}-{instance}", component.as_str().to_lowercase());
            let title = format!("Apply gateway {instance}");
            apply(id.trim_end_matches('-'), &title, writes, |it| {
                it.component == component && it.instance == instance
            })
        })
        .collect()
}

/// The writes of one step, in an order in which each finds what it needs (domain §11, F-6), and the waits that
/// follow from them.
fn apply(
    id: &str,
    title: &str,
    writes: &[Write<'_>],
    of: impl Fn(&Write<'_>) -> bool,
) -> Option<Step> {
    let mut writes: Vec<&Write<'_>> = writes.iter().filter(|it| of(it)).collect();
    if writes.is_empty() {
        return None;
    }
    // Stable: within a kind istioctl's own order stays.
    sorted::sort_by_key(&mut writes, |it| {
        (it.how == WriteHow::Patch, rank(&it.object.kind))
    });
    let component = writes.first().map(|it| it.component.clone());
    Some(Step {
        id: format!("apply-{id}"),
        title: title.to_owned(),
        component,
        actions: writes.iter().map(|it| action(it)).collect(),
        waits: writes.iter().filter_map(|it| wait(it)).collect(),
        pause: 0,
    })
}

/// What is needed first comes first; a controller comes after everything that its pods read.
fn rank(kind: &str) -> u8 {
    match kind {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        "ResourceQuota" => 2,
        "ServiceAccount" => 3,
        "ClusterRole" | "Role" => 4,
        "ClusterRoleBinding" | "RoleBinding" => 5,
        "NetworkPolicy" => 6,
        "ConfigMap" | "Secret" => 7,
        "PodDisruptionBudget" => 9,
        "Service" => 10,
        "Deployment" | "DaemonSet" | "StatefulSet" => 11,
        "HorizontalPodAutoscaler" => 12,
        "MutatingWebhookConfiguration" => 13,
        "ValidatingWebhookConfiguration" => 14,
        _ => 8,
    }
}

fn action(write: &Write<'_>) -> Action {
    let (object, expected) = (write.object.clone(), write.expected.clone());
    let manifest = Value::clone(&write.manifest);
    let definition = object.kind == "CustomResourceDefinition";
    match (write.how, write.class) {
        (WriteHow::Patch, _) => Action::Patch {
            object,
            patch: manifest,
            expected,
        },
        // Deleting a definition deletes every object of its kind.
        (WriteHow::Apply, ChangeClass::Replace) if !definition => Action::Replace {
            object,
            manifest,
            expected,
        },
        (WriteHow::Apply, _) => Action::Apply {
            object,
            manifest,
            force: write.force,
            expected,
        },
    }
}

fn wait(write: &Write<'_>) -> Option<Wait> {
    let object = write.object.clone();
    Some(match object.kind.as_str() {
        "CustomResourceDefinition" => Wait::Established { object },
        "Deployment" => Wait::Deployment { object },
        "DaemonSet" => Wait::DaemonSet { object },
        "StatefulSet" => Wait::StatefulSet { object },
        "MutatingWebhookConfiguration" if write.how == WriteHow::Apply && has_service(write) => {
            Wait::WebhookReachable { object }
        }
        _ => return None,
    })
}

/// Whether a webhook is served from inside the cluster.
fn has_service(write: &Write<'_>) -> bool {
    let webhooks = write.manifest.get("webhooks").and_then(Value::as_array);
    webhooks
        .into_iter()
        .flatten()
        .any(|it| it.pointer("/clientConfig/service").is_some())
}

/// The control plane's namespace, which no component renders.
fn namespace(context: &Context<'_>) -> Option<Step> {
    let name = context.desired.namespace.as_str();
    let known = context.snapshot.kinds.contains_key("v1/Namespace");
    let exists = context
        .snapshot
        .objects
        .keys()
        .any(|it| it.kind == "Namespace" && it.api_version == "v1" && it.name == name);
    if name.is_empty() || exists || !known {
        return None;
    }
    let mut labels = SortedMap::new();
    if let Some(network) = &context.desired.network {
        labels.insert("topology.istio.io/network", network.as_str());
    }
    let manifest = serde_json::json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    Some(Step {
        id: "namespace".to_owned(),
        title: format!("Make namespace {name}"),
        component: None,
        actions: vec![Action::Ensure { manifest }],
        waits: Vec::new(),
        pause: 0,
    })
}

/// Gateways and waypoints of the Gateway API: istiod rolls them, and they are only watched.
fn rolled_by_istiod(context: &Context<'_>) -> Option<Step> {
    let lock = Ref {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        namespace: Some(context.desired.namespace.clone()),
        name: gateway_lease(&context.desired.revision),
    };
    let waits: Vec<Wait> = context
        .restarts
        .iter()
        .filter(|it| it.how == RestartHow::Auto && it.object.kind == "Deployment")
        .filter_map(|it| {
            Some(Wait::AutoRollout {
                object: it.object.clone(),
                to: it.to.clone()?,
                lock: Some(lock.clone()),
            })
        })
        .collect();
    (!waits.is_empty()).then(|| Step {
        id: "observe-gateways".to_owned(),
        title: "Watch the gateways that istiod rolls".to_owned(),
        component: None,
        actions: Vec::new(),
        waits,
        pause: 0,
    })
}

/// What is not rendered any more, and the user wants to be deleted.
fn prune(context: &Context<'_>) -> Option<Step> {
    let deletes = &context.diff.deletes;
    let actions: Vec<Action> = deletes
        .iter()
        .map(|it| Action::Delete {
            object: it.object.clone(),
            expected: it.expected.clone(),
        })
        .collect();
    (!actions.is_empty()).then(|| Step {
        id: "prune".to_owned(),
        title: "Delete what is not rendered any more".to_owned(),
        component: None,
        actions,
        waits: Vec::new(),
        pause: 0,
    })
}

#[cfg(test)]
mod tests;
