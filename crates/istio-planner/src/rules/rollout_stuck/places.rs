//! On which nodes the scheduler would put a new pod: node selectors, taints, anti-affinity, host ports.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use super::{Cause, Rolling};
use crate::dataplane::selector::matches;
use crate::inventory::{Labelled, controller};
use crate::rules::{runs, text};
use crate::snapshot::{HostPort, Node, Pod, Snapshot, Taint};

/// The pods that run, looked up once for all rollouts.
pub(super) struct Running<'a> {
    snapshot: &'a Snapshot,
    labelled: OnceCell<Labelled<'a>>,
    /// Ports of nodes, and the pods that hold them.
    ports: OnceCell<SortedMap<&'a str, Vec<(&'a Pod, HostPort)>>>,
    /// Nodes that accept pods, by what these say of nodes.
    accepting: RefCell<SortedMap<String, Rc<Vec<&'a Node>>>>,
}

impl<'a> Running<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            labelled: OnceCell::new(),
            ports: OnceCell::new(),
            accepting: RefCell::default(),
        }
    }

    fn labelled(&self) -> &Labelled<'a> {
        self.labelled
            .get_or_init(|| Labelled::new(self.snapshot, runs))
    }

    /// Ports of its node that each pod holds.
    fn ports(&self, node: &str) -> &[(&'a Pod, HostPort)] {
        let ports = self.ports.get_or_init(|| {
            let snapshot = self.snapshot;
            let mut ports: SortedMap<&str, Vec<(&Pod, HostPort)>> = SortedMap::new();
            for pod in snapshot.pods.values().filter(|it| runs(it)) {
                let workload = controller(snapshot, pod).workload(snapshot);
                let held = workload.map(|it| it.placement.host_ports.as_slice());
                for port in held.unwrap_or_default() {
                    let of_node = ports.entry(pod.node.as_deref().unwrap_or_default());
                    of_node.or_default().push((pod, port.clone()));
                }
            }
            ports
        });
        ports.get(node).map_or(&[], Vec::as_slice)
    }

    /// The nodes that accept the pods of a rollout.
    fn accepting(&self, rolling: &Rolling) -> Rc<Vec<&'a Node>> {
        let placement = &rolling.workload.placement;
        let key = format!(
            "{} {} {:?} {:?}",
            rolling.object.kind == "DaemonSet",
            placement
                .affinity
                .get("nodeAffinity")
                .unwrap_or(&Value::Null),
            placement.node_selector,
            placement.tolerations,
        );
        let nodes = || {
            let nodes = self.snapshot.nodes.values();
            Rc::new(nodes.filter(|it| accepts(it, rolling)).collect())
        };
        let mut accepting = self.accepting.borrow_mut();
        Rc::clone(accepting.entry(key).or_insert_with(nodes))
    }
}

/// Why no node takes the pods, if none does.
pub(super) fn shortage(it: &Running, rolling: &Rolling) -> Option<(Cause, String)> {
    if it.snapshot.nodes.is_empty() {
        return None;
    }
    let daemon = rolling.object.kind == "DaemonSet";
    let nodes = it.accepting(rolling);
    if nodes.is_empty() {
        // A DaemonSet without nodes is done at once.
        return (!daemon).then(|| {
            (
                Cause::NoNode,
                "none of the nodes in the export meets its node selector, affinity and tolerations (an autoscaler may add one)"
                    .to_owned(),
            )
        });
    }
    affinity(it, rolling, &nodes, daemon).or_else(|| ports(it, rolling, &nodes, daemon))
}

/// Whether selectors, affinity and taints let the pod onto a node
/// (kubernetes@v1.36.3:pkg/scheduler/framework/plugins: nodeaffinity, tainttoleration, nodeunschedulable).
fn accepts(node: &Node, rolling: &Rolling) -> bool {
    let placement = &rolling.workload.placement;
    // DaemonSets tolerate what the kubelet and cordoning say.
    let daemon = rolling.object.kind == "DaemonSet";
    let tolerated = node
        .taints
        .iter()
        .filter(|it| it.effect != "PreferNoSchedule")
        .filter(|it| !(daemon && it.key.starts_with("node.kubernetes.io/")))
        .all(|taint| placement.tolerations.iter().any(|it| tolerates(it, taint)));
    let selected = placement
        .node_selector
        .iter()
        .all(|(key, value)| node.labels.get(key) == Some(value));
    let terms = placement
        .affinity
        .pointer("/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")
        .and_then(Value::as_array);
    let wanted = terms.is_none_or(|terms| terms.iter().any(|it| meets(node, it)));
    tolerated && selected && wanted && (daemon || !node.unschedulable)
}

fn tolerates(toleration: &Value, taint: &Taint) -> bool {
    let of = |key: &str| {
        toleration
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let key = of("key");
    let exists = of("operator") == "Exists";
    (of("effect").is_empty() || of("effect") == taint.effect)
        && (key == taint.key || key.is_empty() && exists)
        && (exists || of("value") == taint.value)
}

/// A term without anything selects nothing.
fn meets(node: &Node, term: &Value) -> bool {
    let list = |key: &str| term.get(key).and_then(Value::as_array);
    let (expressions, fields) = (list("matchExpressions"), list("matchFields"));
    if expressions.is_none_or(Vec::is_empty) && fields.is_none_or(Vec::is_empty) {
        return false;
    }
    let name = SortedMap::from([("metadata.name".to_owned(), node.name.clone())]);
    let mut of_labels = expressions.into_iter().flatten();
    let mut of_fields = fields.into_iter().flatten();
    of_labels.all(|it| requirement(it, &node.labels)) && of_fields.all(|it| requirement(it, &name))
}

/// One requirement of a node selector; those with numbers are taken as met where the label is one.
fn requirement(value: &Value, labels: &SortedMap<String, String>) -> bool {
    let key = text(value, "/key").unwrap_or_default();
    let values: Vec<_> = value
        .get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let found = labels.get(key).map(String::as_str);
    let number = |text: Option<&str>| text.and_then(|it| it.parse::<i64>().ok());
    match text(value, "/operator").unwrap_or_default() {
        "In" => found.is_some_and(|it| values.contains(&it)),
        "NotIn" => found.is_none_or(|it| !values.contains(&it)),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => number(found)
            .zip(number(values.first().copied()))
            .is_some_and(|(a, b)| a > b),
        "Lt" => number(found)
            .zip(number(values.first().copied()))
            .is_some_and(|(a, b)| a < b),
        _ => true,
    }
}

/// Required anti-affinity against the pods that run.
fn affinity(
    running: &Running,
    rolling: &Rolling,
    nodes: &[&Node],
    daemon: bool,
) -> Option<(Cause, String)> {
    let terms: Vec<&Value> = rolling
        .workload
        .placement
        .affinity
        .pointer("/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution")?
        .as_array()?
        .iter()
        .collect();
    if daemon || terms.is_empty() {
        return None;
    }
    // Terms that tell old pods from new ones by a label of the controller keep nothing apart here.
    let keyed = |it: &&Value| {
        ["matchLabelKeys", "mismatchLabelKeys"].iter().any(|key| {
            it.get(*key)
                .and_then(Value::as_array)
                .is_some_and(|it| !it.is_empty())
        })
    };
    let terms: Vec<_> = terms.into_iter().filter(|it| !keyed(it)).collect();
    let taken = |own: bool| -> Vec<(&str, SortedSet<&str>)> {
        let taken = terms.iter().map(|term| taken(running, rolling, term, own));
        taken.collect()
    };
    let is_free = |node: &Node, taken: &[(&str, SortedSet<&str>)]| {
        let mut taken = taken.iter();
        taken.all(|(key, places)| {
            let here = node.labels.get(*key).map(String::as_str);
            here.is_none_or(|it| !places.contains(it))
        })
    };
    let namespace = rolling.object.namespace.as_deref().unwrap_or_default();
    let beside = taken(!rolling.may_go_first());
    if !nodes.iter().any(|it| is_free(it, &beside)) {
        let key = terms
            .first()
            .and_then(|it| text(it, "/topologyKey"))
            .unwrap_or_default();
        return Some((
            Cause::Affinity,
            format!(
                "on each of the {} that accept it (by `{key}`) stands a pod that its required anti-affinity keeps away from, \
                 {} run, and `maxUnavailable` lets {} go first",
                super::super::count(nodes.len(), "node"),
                super::super::count(rolling.old.len(), "pod"),
                if rolling.may_go_first() {
                    "one"
                } else {
                    "none"
                }
            ),
        ));
    }
    // All of them have to find a place in the end, apart from each other.
    let apart = terms.iter().find(|term| {
        selects(
            running.snapshot,
            rolling,
            term,
            namespace,
            &rolling.workload.template_labels,
        )
    })?;
    let key = text(apart, "/topologyKey").unwrap_or_default();
    let others = taken(false);
    let wanted = usize::try_from(rolling.replicas).unwrap_or(usize::MAX);
    let mut places = SortedSet::new();
    for node in nodes.iter().filter(|it| is_free(it, &others)) {
        places.insert(node.labels.get(key)?.as_str());
        if places.len() >= wanted {
            return None;
        }
    }
    (places.len() < wanted).then(|| {
        (
            Cause::Affinity,
            format!(
                "{} are wanted, each in its own `{key}`, and there are {} of these",
                super::super::count(wanted, "pod"),
                places.len()
            ),
        )
    })
}

/// The topology key of a term, and its values where pods stand that the term keeps away from; `own`: the old pods count
/// too.
fn taken<'a>(
    running: &'a Running,
    rolling: &Rolling,
    term: &'a Value,
    own: bool,
) -> (&'a str, SortedSet<&'a str>) {
    let key = text(term, "/topologyKey").unwrap_or_default();
    let snapshot = running.snapshot;
    let Some(selector) = term.get("labelSelector").filter(|it| !it.is_null()) else {
        return (key, SortedSet::new());
    };
    let old: SortedSet<_> = rolling
        .old
        .iter()
        .map(|it| (&it.namespace, &it.name))
        .collect();
    let labelled = running.labelled();
    let by_labels = term
        .get("namespaceSelector")
        .is_some_and(|it| !it.is_null());
    let listed = term.get("namespaces").and_then(Value::as_array);
    let mut namespaces: SortedSet<&str> = if by_labels {
        labelled.namespaces().collect()
    } else {
        rolling.object.namespace.as_deref().into_iter().collect()
    };
    namespaces.extend(listed.into_iter().flatten().filter_map(Value::as_str));
    let pods = namespaces
        .into_iter()
        .flat_map(|it| labelled.candidates(it, selector));
    let places = pods
        .filter(|pod| own || !old.contains(&(&pod.namespace, &pod.name)))
        .filter(|pod| selects(snapshot, rolling, term, &pod.namespace, &pod.labels))
        .filter_map(|pod| snapshot.nodes.get(pod.node.as_deref()?)?.labels.get(key))
        .map(String::as_str)
        .collect();
    (key, places)
}

/// Whether a term is about pods of a namespace with these labels.
fn selects(
    snapshot: &Snapshot,
    rolling: &Rolling,
    term: &Value,
    namespace: &str,
    labels: &SortedMap<String, String>,
) -> bool {
    let listed = term.get("namespaces").and_then(Value::as_array);
    let selector = term.get("namespaceSelector").filter(|it| !it.is_null());
    let named = listed.is_some_and(|it| it.iter().any(|it| it == namespace));
    let own = listed.is_none_or(Vec::is_empty)
        && selector.is_none()
        && rolling.object.namespace.as_deref() == Some(namespace);
    let selected = || {
        let Some(selector) = selector else {
            return false;
        };
        crate::dataplane::namespace_labels(snapshot, namespace)
            .is_some_and(|labels| matches(Some(selector), &labels))
    };
    // A term without a selector is about no pod.
    let pods = term.get("labelSelector").filter(|it| !it.is_null());
    (own || named || selected()) && pods.is_some() && matches(pods, labels)
}

/// Ports of the node that the pods that run hold.
fn ports(
    running: &Running,
    rolling: &Rolling,
    nodes: &[&Node],
    daemon: bool,
) -> Option<(Cause, String)> {
    let wanted = &rolling.workload.placement.host_ports;
    if wanted.is_empty() {
        return None;
    }
    let old: SortedSet<_> = rolling
        .old
        .iter()
        .map(|it| (&it.namespace, &it.name))
        .collect();
    let clash = |node: &Node, own: bool| -> Option<HostPort> {
        let held = running.ports(&node.name).iter();
        let mut counted = held
            .filter(|(pod, _)| own || !old.contains(&(&pod.namespace, &pod.name)))
            .map(|it| &it.1);
        counted.find(|it| wanted.contains(it)).cloned()
    };
    let list = |number: &HostPort| format!("{}/{}", number.port, number.protocol);
    if daemon {
        // A new pod beside the old one on the same node.
        let (node, port) = nodes
            .iter()
            .find_map(|node| Some((node, clash(node, !rolling.may_go_first())?)))?;
        return Some((
            Cause::Ports,
            format!("port {} is taken on node {}", list(&port), node.name),
        ));
    }
    let free = |own: bool, most: usize| {
        let free = nodes.iter().filter(|it| clash(it, own).is_none());
        free.take(most).count()
    };
    let named: Vec<_> = wanted.iter().take(3).map(list).collect();
    if free(!rolling.may_go_first(), 1) == 0 {
        return Some((
            Cause::Ports,
            format!(
                "it takes {} of its node for itself, they are held on each of the {} that accept it, and `maxUnavailable` lets \
                 {} go first",
                super::super::enumerate(&named),
                super::super::count(nodes.len(), "node"),
                if rolling.may_go_first() {
                    "one pod"
                } else {
                    "no pod"
                }
            ),
        ));
    }
    let wanted = usize::try_from(rolling.replicas).unwrap_or(usize::MAX);
    let places = free(false, wanted);
    (places < wanted).then(|| {
        (
            Cause::Ports,
            format!(
                "{} are wanted, each takes {} of its node for itself, and {} are free for them",
                super::super::count(wanted, "pod"),
                super::super::enumerate(&named),
                super::super::count(places, "node")
            ),
        )
    })
}
