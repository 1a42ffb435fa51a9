//! `room-missing`: what the target's pods ask for against what the nodes have (domain §8.2, §8.3).
//!
//! Counted is what is certain: requests of the pods in the export, `allocatable` of its nodes. Taints, selectors and
//! affinity only take room away, so none is read; a node that the export does not show, or that an autoscaler would add,
//! is named as the way out. Pods of priority `system-*` push others away, so they need an empty node only.

use std::cell::RefCell;

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use super::Code;
use super::Explanation;
use super::{Situation, text};
use crate::inventory::Made;
use crate::outcome::{Change, ChangeClass, Finding, Level, Ref, Subject};
use crate::snapshot::{Object, Room};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A pod that the target renders asks for more CPU or memory than the exported nodes have, or have free.",
    why: "The pod stays pending, and the rollout of istiod, a gateway, the CNI plug-in or ztunnel does not end. istiod \
          asks for as many new pods at once as its `maxSurge` (100 % by default) says, beside the old ones.",
    settle: "Ask for less (`k8s.resources`, `k8s.strategy`, the autoscaler's minimum), or make room before the upgrade. \
             Taints, selectors and affinity are not counted: they only leave less.",
    source: "Node.status.allocatable; kubernetes@v1.36.3:component-helpers/resource/helpers.go",
    link: Some("https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(desired) = situation.desired else {
        return Vec::new();
    };
    let nodes = Nodes::new(situation);
    if nodes.by_name.is_empty() || !situation.exported("Pod") {
        return Vec::new();
    }
    let rolled = rolled(desired.changes);
    let mut subjects = Vec::new();
    let mut reasons = Vec::new();
    for component in &desired.rendering.components {
        for object in &component.objects {
            let Some(wanted) =
                Wanted::read(situation, object, &component.objects, &component.namespace)
            else {
                continue;
            };
            if !rolled.contains(&wanted.object) {
                continue;
            }
            let Some(reason) = wanted.shortage(&nodes) else {
                continue;
            };
            let name = format!("{} {}", wanted.object.kind, wanted.object.name);
            reasons.push(format!("{name}: {reason}"));
            let kept = situation.snapshot.objects.get(&wanted.object);
            let subject = subject(&wanted.object, kept).field("spec.template.spec.containers");
            subjects.push(subject.value(wanted.asks.to_string()));
        }
    }
    let finding = Finding::new(
        Code::RoomMissing,
        Level::Warn,
        format!(
            "{} no room for what the target asks for",
            if nodes.by_name.len() == 1 {
                "The node has"
            } else {
                "The nodes have"
            }
        ),
        format!(
            "{}. Pods without a node stay pending, and the step waits for them until its time is over",
            reasons.join(". ")
        ),
    );
    let fix = "Ask for less (`k8s.resources` of the component, its `strategy`, the autoscaler's minimum), make room, or add \
               nodes before the upgrade; where a cluster autoscaler adds them, allow for its time";
    if subjects.is_empty() {
        return Vec::new();
    }
    vec![finding.about(subjects).fix(fix)]
}

fn subject(object: &Ref, kept: Option<&Object>) -> Subject {
    match kept {
        Some(kept) => Subject::kept(object, kept),
        None => Subject::new(object.clone()),
    }
}

/// Whether the apply makes pods again.
pub(super) fn rolled(changes: &[Change]) -> SortedSet<&Ref> {
    let is_rolled = |it: &&Change| {
        matches!(it.class, ChangeClass::Create | ChangeClass::Replace)
            || it.fields.iter().any(|it| {
                it.path.starts_with("spec.template") || it.path.starts_with("spec.replicas")
            })
    };
    let changes = changes.iter().filter(is_rolled);
    changes.map(|it| &it.object).collect()
}

/// What a node has, what of it is asked for, and by which pods.
struct Node {
    allocatable: Room,
    free: Room,
}

/// The nodes, and the pods by what makes them.
struct Nodes<'a> {
    by_name: SortedMap<&'a str, Node>,
    made: Made<'a>,
    /// What was counted before, by what a pod asks for.
    counted: RefCell<SortedMap<(i64, i64), Counted>>,
}

/// What the nodes have for pods of one size.
#[derive(Debug, Clone, Copy)]
struct Counted {
    /// Some node has so much when it is empty.
    fits: bool,
    /// How many pods find room beside those that run.
    free: i64,
}

impl<'a> Nodes<'a> {
    fn new(situation: &Situation<'a>) -> Self {
        let mut nodes = SortedMap::new();
        for (name, node) in &situation.snapshot.nodes {
            // A node that does not say what it has could hold anything.
            let Some(allocatable) = Room::of_node(&node.allocatable) else {
                return Self {
                    by_name: SortedMap::new(),
                    made: Made::default(),
                    counted: RefCell::default(),
                };
            };
            nodes.insert(
                name.as_str(),
                Node {
                    allocatable,
                    free: allocatable,
                },
            );
        }
        // A pod that is being deleted still holds its room, but not for long.
        for pod in situation
            .snapshot
            .pods
            .values()
            .filter(|it| super::runs(it))
        {
            let node = pod.node.as_deref().and_then(|it| nodes.get_mut(it));
            if let Some(node) = node {
                node.free = node.free - pod.requests;
            }
        }
        Self {
            by_name: nodes,
            made: Made::new(situation.snapshot, super::runs),
            counted: RefCell::default(),
        }
    }

    /// Counts what all nodes have for pods of one size, once for each size.
    fn count(&self, asks: Room) -> Counted {
        let mut counted = self.counted.borrow_mut();
        *counted
            .entry((asks.cpu, asks.memory))
            .or_insert_with(|| Counted {
                fits: self.by_name.values().any(|it| it.allocatable.holds(asks)),
                free: self.by_name.values().map(|it| times(it.free, asks)).sum(),
            })
    }
}

/// What a rendered workload asks for.
struct Wanted {
    object: Ref,
    asks: Room,
    /// Of a Deployment.
    replicas: i64,
    /// Pods that may be made before old ones go.
    surge: i64,
    /// Pods that may be away meanwhile.
    unavailable: i64,
    /// It pushes others away.
    critical: bool,
}

impl Wanted {
    fn read(
        situation: &Situation,
        object: &Value,
        beside: &[Value],
        namespace: &str,
    ) -> Option<Self> {
        let kind = text(object, "/kind").filter(|it| matches!(*it, "Deployment" | "DaemonSet"))?;
        let name = text(object, "/metadata/name")?;
        let reference = Ref {
            api_version: text(object, "/apiVersion")?.to_owned(),
            kind: kind.to_owned(),
            namespace: Some(
                text(object, "/metadata/namespace")
                    .unwrap_or(namespace)
                    .to_owned(),
            ),
            name: name.to_owned(),
        };
        let spec = object.pointer("/spec/template/spec")?;
        let replicas = replicas(situation, object, beside, &reference);
        let daemon = kind == "DaemonSet";
        let amount = |field: &str, default: Value, up: bool| {
            let path = if daemon { "updateStrategy" } else { "strategy" };
            let value = object.pointer(&format!("/spec/{path}/rollingUpdate/{field}"));
            scaled(
                value.unwrap_or(&default),
                if daemon { 1 } else { replicas },
                up,
            )
        };
        let defaults = if daemon {
            (Value::from(0), Value::from(1))
        } else {
            (Value::from("25%"), Value::from("25%"))
        };
        Some(Self {
            asks: requests(spec),
            replicas,
            surge: amount("maxSurge", defaults.0, true),
            unavailable: amount("maxUnavailable", defaults.1, false),
            critical: text(spec, "/priorityClassName").is_some_and(|it| it.starts_with("system-")),
            object: reference,
        })
    }

    /// Why there is no room, if there is none.
    fn shortage(&self, nodes: &Nodes) -> Option<String> {
        if self.asks == Room::default() || self.replicas == 0 {
            return None;
        }
        let asks = self.asks;
        if !nodes.count(asks).fits {
            return Some(format!(
                "a pod asks for {asks}, and no node has that much, even empty"
            ));
        }
        if self.object.kind == "DaemonSet" {
            return self.on_each(nodes);
        }
        if self.critical {
            return None;
        }
        let count = |old: bool| -> i64 {
            let given = if old {
                self.given_back(nodes)
            } else {
                SortedMap::new()
            };
            let more = given.iter().filter_map(|(name, room)| {
                let free = nodes.by_name.get(name)?.free;
                Some(times(free + *room, asks) - times(free, asks))
            });
            nodes.count(asks).free + more.sum::<i64>()
        };
        // While old pods run, a first new one needs a place: beside them, or where one may be away.
        let first = count(self.unavailable > 0);
        if first < 1 {
            let beside = if self.surge > 0 && self.unavailable == 0 {
                " beside those that run"
            } else {
                ""
            };
            return Some(format!(
                "a new pod asks for {asks}, which no node has free{beside}"
            ));
        }
        let all = count(true);
        (all < self.replicas).then(|| {
            format!(
                "{} pods that ask for {asks} each are wanted, and there is room for {all}",
                self.replicas
            )
        })
    }

    /// A DaemonSet needs its room on each of its nodes; a new one, on all.
    fn on_each(&self, nodes: &Nodes) -> Option<String> {
        let given = self.given_back(nodes);
        let mut short = Vec::new();
        for (name, node) in &nodes.by_name {
            let old = given.get(name).copied();
            if !given.is_empty() && old.is_none() {
                continue;
            }
            let room = if self.critical {
                node.allocatable
            } else {
                node.free + old.filter(|_| self.surge == 0).unwrap_or_default()
            };
            if !room.holds(self.asks) {
                short.push(*name);
            }
        }
        let named: Vec<_> = short.iter().take(5).copied().collect();
        let more = short.len().saturating_sub(named.len());
        (!short.is_empty()).then(|| {
            format!(
                "a pod asks for {}, which {}{} {} not have free",
                self.asks,
                super::enumerate(&named),
                if more > 0 {
                    format!(" (and {more} more)")
                } else {
                    String::new()
                },
                if short.len() == 1 { "does" } else { "do" }
            )
        })
    }

    /// What the old pods give back to each of the nodes on which they run.
    fn given_back<'a>(&self, nodes: &Nodes<'a>) -> SortedMap<&'a str, Room> {
        let mut given: SortedMap<&'a str, Room> = SortedMap::new();
        for pod in nodes.made.by(&self.object) {
            let node = pod.node.as_deref();
            if let Some(node) = node.filter(|it| nodes.by_name.contains_key(it)) {
                let sum = given.entry(node).or_default();
                *sum = *sum + pod.requests;
            }
        }
        given
    }
}

/// How many pods fit.
fn times(free: Room, asks: Room) -> i64 {
    let of = |free: i64, asks: i64| {
        if asks == 0 {
            i64::MAX
        } else {
            free.max(0) / asks
        }
    };
    // More than anybody asks for, and safe to add up.
    of(free.cpu, asks.cpu)
        .min(of(free.memory, asks.memory))
        .min(1_000_000)
}

/// How many pods a Deployment will have: at least the autoscaler's minimum, as many as now where it scales.
pub(super) fn replicas(
    situation: &Situation,
    object: &Value,
    beside: &[Value],
    reference: &Ref,
) -> i64 {
    let live = situation.snapshot.workloads.get(&(
        reference.kind.clone(),
        reference.namespace.clone().unwrap_or_default(),
        reference.name.clone(),
    ));
    let autoscaler = beside.iter().find(|it| {
        text(it, "/kind") == Some("HorizontalPodAutoscaler")
            && text(it, "/spec/scaleTargetRef/name") == Some(reference.name.as_str())
    });
    let number = |it: &Value, pointer: &str| it.pointer(pointer).and_then(Value::as_i64);
    match autoscaler {
        Some(autoscaler) => {
            let minimum = number(autoscaler, "/spec/minReplicas").unwrap_or(1);
            let maximum = number(autoscaler, "/spec/maxReplicas").unwrap_or(i64::MAX);
            live.map_or(minimum, |it| it.replicas)
                .min(maximum)
                .max(minimum)
        }
        None => number(object, "/spec/replicas")
            .or(live.map(|it| it.replicas))
            .unwrap_or(1),
    }
}

/// A number of pods, or a part of `total` (intstr.GetScaledValueFromIntOrPercent).
pub(super) fn scaled(value: &Value, total: i64, up: bool) -> i64 {
    let percent = value
        .as_str()
        .and_then(|it| it.strip_suffix('%')?.parse::<i64>().ok());
    match percent {
        Some(percent) => {
            let product = total.saturating_mul(percent);
            product / 100 + i64::from(up && product % 100 != 0)
        }
        None => value
            .as_i64()
            .or_else(|| value.as_str()?.parse().ok())
            .unwrap_or_default(),
    }
}

/// What a pod of a template asks for; limits stand in for requests that are not said, as the API server has it.
fn requests(spec: &Value) -> Room {
    let of = |container: &Value| {
        let resources = container.get("resources");
        let quantities = |it: &str| resources.and_then(|all| all.get(it)?.as_object().cloned());
        let mut all = quantities("limits").unwrap_or_default();
        all.extend(quantities("requests").unwrap_or_default());
        Room::of_quantities(&Value::Object(all))
    };
    let list = |name: &str| {
        spec.get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let init =
        list("initContainers").map(|it| (of(it), text(it, "/restartPolicy") == Some("Always")));
    Room::of_pod(init, list("containers").map(of))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check, scaled};
    use crate::outcome::{Change, ChangeClass, Ref};
    use crate::rules::fixture::Cluster;
    use crate::snapshot::{Node, Owner, Room};

    /// Nodes with 4 cores and 8 GiB; a pod of `old` runs on each of the first.
    fn cluster(nodes: usize, running: &[i64], kind: &str, template: &Value) -> Cluster {
        let mut cluster = Cluster::new();
        for index in 0..nodes {
            let allocatable = [("cpu", "4"), ("memory", "8Gi")];
            let node = Node {
                allocatable: allocatable
                    .map(|(key, it)| (key.to_owned(), it.to_owned()))
                    .into(),
                ..Node::default()
            };
            cluster.snapshot.nodes.insert(format!("n{index}"), node);
        }
        for (index, cpu) in running.iter().enumerate() {
            let pod = cluster.pod("istio-system", &format!("it-{index}"), &[]);
            pod.node = Some(format!("n{index}"));
            pod.requests = Room {
                cpu: *cpu,
                memory: 0,
            };
            pod.owner = Some(Owner {
                api_version: "apps/v1".to_owned(),
                kind: kind.to_owned(),
                name: "it".to_owned(),
            });
        }
        let object = Ref {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("istio-system".to_owned()),
            name: "it".to_owned(),
        };
        cluster.changes.push(Change {
            object,
            component: "Pilot".to_owned(),
            class: ChangeClass::Create,
            fields: Vec::new(),
            predicted: None,
        });
        let mut rendered =
            json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "it"}, "spec": {}});
        for (key, value) in template.as_object().unwrap() {
            rendered["spec"][key] = value.clone();
        }
        cluster.render("Pilot", rendered);
        cluster
    }

    fn asking(cpu: &str, memory: &str) -> Value {
        json!({"spec": {"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]}})
    }

    #[test]
    fn a_pod_larger_than_every_node_is_named() {
        let of =
            |template| cluster(2, &[], "Deployment", &json!({"template": template})).codes(check);
        assert_eq!(of(asking("500", "1Gi")), ["room-missing Warn"]);
        assert_eq!(of(asking("1", "4Ti")), ["room-missing Warn"]);
        assert!(of(asking("4", "8Gi")).is_empty());
        assert!(of(json!({"spec": {"containers": [{}]}})).is_empty());
    }

    #[test]
    fn a_surge_needs_room_beside_the_old_pods() {
        let spec = |unavailable: i64| {
            json!({"template": asking("2", "1Gi"), "replicas": 2,
            "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": unavailable}}})
        };
        let of = |unavailable, running: &[i64]| {
            cluster(2, running, "Deployment", &spec(unavailable)).codes(check)
        };
        assert_eq!(of(0, &[3000, 3000]), ["room-missing Warn"]);
        assert!(of(0, &[2000, 2000]).is_empty());
        // An old one may go first.
        assert!(of(1, &[3000, 3000]).is_empty());
    }

    #[test]
    fn all_replicas_have_to_fit_in_the_end() {
        let of = |replicas: i64| {
            let spec = json!({"template": asking("2", "1Gi"), "replicas": replicas});
            cluster(2, &[], "Deployment", &spec).codes(check)
        };
        assert!(of(4).is_empty());
        assert_eq!(of(5), ["room-missing Warn"]);
    }

    #[test]
    fn a_daemon_set_needs_its_room_on_every_node_of_its() {
        let mut template = asking("2", "1Gi");
        let of = |template: &Value, surge: i64| {
            let spec = json!({"template": template, "updateStrategy": {"rollingUpdate": {"maxSurge": surge}}});
            cluster(3, &[1000, 2500], "DaemonSet", &spec).check(check)
        };
        let findings = of(&template, 1);
        assert!(findings[0].detail.contains("which n1 does not have free"));
        assert!(of(&template, 0).is_empty());
        template["spec"]["priorityClassName"] = "system-node-critical".into();
        assert!(of(&template, 1).is_empty());
    }

    #[test]
    fn what_the_apply_does_not_roll_needs_no_room() {
        let mut cluster = cluster(
            1,
            &[],
            "Deployment",
            &json!({"template": asking("500", "1Gi")}),
        );
        cluster.changes[0].class = ChangeClass::Change;
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn parts_of_replicas_are_rounded_as_the_controller_rounds_them() {
        assert_eq!(scaled(&json!("25%"), 2, true), 1);
        assert_eq!(scaled(&json!("25%"), 2, false), 0);
        assert_eq!(scaled(&json!(3), 2, false), 3);
    }
}
