//! An object of the export as far as it was kept, as YAML, and where a field of it stands there.

use kube_yaml::{Node, NodeValue};
use serde_json::{Map, Value, json};

use super::model::{Container, Node as ClusterNode, Object, Origin, Pod, Snapshot, Workload};
use crate::kubernetes::shown;
use crate::outcome::Ref;
use kube_apply::schema::group_of;

/// An object of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its YAML, without `managedFields`; of Secrets without data.
    pub yaml: String,
    /// All of it was kept; else only what rules read.
    pub whole: bool,
    /// Where it stood.
    pub origin: Origin,
    /// Where the field begins in `yaml`, from 1; the nearest one above it where that one is not there.
    pub line: Option<u32>,
}

/// Returns an object of the export; `field` is a path inside it. `None` where the export does not hold it.
pub fn show(snapshot: &Snapshot, object: &Ref, field: Option<&str>) -> Option<Shown> {
    let (value, whole, origin) = find(snapshot, object)?;
    let yaml = kube_yaml::to_string(&value);
    let line = field.and_then(|it| line_of(&yaml, it));
    Some(Shown {
        yaml,
        whole,
        origin,
        line,
    })
}

/// The live object of a reference, whatever version it was exported in.
pub(crate) fn kept<'a>(snapshot: &'a Snapshot, object: &Ref) -> Option<&'a Object> {
    let same = |it: &Ref| {
        it.kind == object.kind
            && it.name == object.name
            && it.namespace == object.namespace
            && group_of(&it.api_version) == group_of(&object.api_version)
    };
    snapshot.objects.get(object).or_else(|| {
        let mut all = snapshot.objects.iter();
        all.find(|it| same(it.0)).map(|it| it.1)
    })
}

fn find(snapshot: &Snapshot, object: &Ref) -> Option<(Value, bool, Origin)> {
    if let Some(kept) = kept(snapshot, object) {
        return Some((
            shown(kept.value.clone()),
            object.kind != "Secret",
            kept.origin.clone(),
        ));
    }
    let namespace = object.namespace.clone().unwrap_or_default();
    let name = object.name.clone();
    match object.kind.as_str() {
        "Pod" => {
            let pod = snapshot.pods.get(&(namespace, name))?;
            Some((pod_value(pod), false, pod.origin.clone()))
        }
        "Node" => {
            let node = snapshot.nodes.get(&name)?;
            Some((node_value(node), false, node.origin.clone()))
        }
        kind => {
            let key = (kind.to_owned(), namespace, name);
            let workload = snapshot.workloads.get(&key)?;
            Some((workload_value(workload), false, workload.origin.clone()))
        }
    }
}

fn pod_value(pod: &Pod) -> Value {
    let mut spec = containers(&pod.containers);
    spec.insert("hostNetwork".to_owned(), pod.host_network.into());
    if let Some(node) = &pod.node {
        spec.insert("nodeName".to_owned(), node.as_str().into());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name, "namespace": pod.namespace, "labels": pod.labels, "annotations": pod.annotations,
        },
        "spec": spec,
        "status": {
            "phase": pod.phase,
            "conditions": [{"type": "Ready", "status": if pod.ready { "True" } else { "False" }}],
        },
    })
}

fn workload_value(it: &Workload) -> Value {
    let mut template = containers(&it.template_containers);
    template.insert("hostNetwork".to_owned(), it.template_host_network.into());
    json!({
        "apiVersion": it.api_version,
        "kind": it.kind,
        "metadata": {
            "name": it.name, "namespace": it.namespace, "labels": it.labels, "annotations": it.annotations,
        },
        "spec": {
            "paused": it.paused,
            "replicas": it.replicas,
            "selector": {"matchLabels": it.selector},
            "template": {
                "metadata": {"labels": it.template_labels, "annotations": it.template_annotations},
                "spec": template,
            },
        },
    })
}

fn node_value(it: &ClusterNode) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": it.name},
        "status": {"allocatable": it.allocatable, "nodeInfo": {"kubeletVersion": format!("v{}", it.kubelet)}},
    })
}

fn containers(all: &[Container]) -> Map<String, Value> {
    let of = |init: bool| -> Value {
        let own = all.iter().filter(|it| it.init == init);
        own.map(|it| {
            let mut value = json!({"name": it.name, "image": it.image});
            if it.restart_always {
                value["restartPolicy"] = "Always".into();
            }
            value
        })
        .collect()
    };
    let mut spec = Map::from_iter([("containers".to_owned(), of(false))]);
    if all.iter().any(|it| it.init) {
        spec.insert("initContainers".to_owned(), of(true));
    }
    spec
}

/// Returns where a field begins in a YAML text, or the nearest one above it that is there.
///
/// Paths are those of findings: `a.b`, keys with dots as they are, elements as `[key=value]`, `[name:x]` or `[0]`.
pub(crate) fn line_of(yaml: &str, field: &str) -> Option<u32> {
    let root = kube_yaml::first(yaml).ok()??;
    let mut node = &root;
    let mut line = None;
    let mut rest = field;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let Some((key, next, left)) = step(node, rest) else {
            break;
        };
        line = Some(key);
        node = next;
        rest = left;
    }
    line
}

/// One step into a node: where what was found begins, what it is, and the path that is left.
fn step<'n, 'p>(node: &'n Node<'n>, path: &'p str) -> Option<(u32, &'n Node<'n>, &'p str)> {
    match &node.value {
        NodeValue::Mapping(entries) if path.starts_with("[\"") => {
            let (key, left) = path.strip_prefix("[\"")?.split_once("\"]")?;
            let found = entries.iter().find(|it| it.0.as_str() == Some(key))?;
            Some((found.0.position.line, &found.1, left))
        }
        NodeValue::Mapping(entries) => {
            let unescaped = |key: &str| key.replace('.', "\\.");
            let (length, found) = entries
                .iter()
                .filter_map(|entry| {
                    let key = entry.0.as_str()?;
                    let escaped = unescaped(key);
                    let length = [key, escaped.as_str()]
                        .into_iter()
                        .filter(|it| {
                            path.strip_prefix(it).is_some_and(|rest| {
                                rest.is_empty() || rest.starts_with(['.', '[', ':'])
                            })
                        })
                        .map(str::len)
                        .max()?;
                    Some((length, entry))
                })
                .max_by_key(|it| it.0)?;
            Some((found.0.position.line, &found.1, path.get(length..)?))
        }
        NodeValue::Sequence(items) => {
            let (selector, left) = path.strip_prefix('[')?.split_once(']')?;
            let item = match selector.split_once(['=', ':']) {
                Some((key, value)) => items.iter().find(|it| {
                    it.get(key).map(Node::to_json).is_some_and(|it| match it {
                        Value::String(text) => text == value,
                        Value::Number(number) => value
                            .parse()
                            .is_ok_and(|it: i64| number.as_i64() == Some(it)),
                        _ => false,
                    })
                })?,
                None => items.get(selector.parse::<usize>().ok()?)?,
            };
            Some((item.position.line, item, left))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{line_of, show};
    use crate::outcome::Ref;
    use crate::rules::fixture::Cluster;

    const YAML: &str = "\
metadata:
  annotations:
    sidecar.istio.io/proxyImage: x
spec:
  containers:
  - image: a
    name: b
  - image: c
    name: d
";

    #[test]
    fn a_field_is_found_by_any_way_of_writing_its_path() {
        assert_eq!(
            line_of(YAML, "metadata.annotations.sidecar.istio.io/proxyImage"),
            Some(3)
        );
        assert_eq!(
            line_of(YAML, "metadata.annotations.sidecar\\.istio\\.io/proxyImage"),
            Some(3)
        );
        assert_eq!(
            line_of(
                YAML,
                "metadata.annotations[\"sidecar.istio.io/proxyImage\"]"
            ),
            Some(3)
        );
        assert_eq!(line_of(YAML, "spec.containers[name=d].image"), Some(8));
        assert_eq!(line_of(YAML, "spec.containers.[0]"), Some(6));
        assert_eq!(line_of(YAML, "spec.nothing.below"), Some(4));
        assert_eq!(line_of(YAML, "metadata.annotations: inside"), Some(2));
        assert_eq!(line_of(YAML, "nothing"), None);
    }

    #[test]
    fn secrets_are_shown_without_data_and_pods_as_far_as_they_were_kept() {
        let mut cluster = Cluster::new();
        cluster.object(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": {"k": "canary"},
        }));
        cluster.pod("n", "p", &[("app", "x")]);
        let of = |kind: &str, name: &str| {
            let object = Ref {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                namespace: Some("n".to_owned()),
                name: name.to_owned(),
            };
            show(&cluster.snapshot, &object, Some("metadata.labels.app"))
        };
        assert!(of("Secret", "s").is_some_and(|it| !it.yaml.contains("canary")));
        let pod = of("Pod", "p").expect("the pod is there");
        assert!(!pod.whole);
        let line = pod
            .line
            .and_then(|it| pod.yaml.lines().nth(it as usize - 1));
        assert_eq!(line.map(str::trim), Some("app: x"));
        assert_eq!(of("Pod", "other"), None);
    }
}
