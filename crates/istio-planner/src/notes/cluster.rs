//! The cluster as triggers see it.

use serde_json::{Map, Value};
use sorted::SortedMap;

use crate::inventory::is_istiod;
use crate::outcome::{Ref, Subject};
use crate::snapshot::{Object, Pod, Snapshot, Workload};

/// A snapshot, indexed by group and kind, with the parts that many triggers read.
pub(super) struct Cluster<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The namespace of the control plane.
    pub(super) namespace: &'a str,
    /// Names where the request, or the installation as it was recovered, says a path.
    pub(super) said: &'a dyn Fn(&str) -> Vec<Subject>,
    kinds: SortedMap<(&'a str, &'a str), Vec<Item<'a>>>,
    mesh: Option<(Item<'a>, Value)>,
    istiod: Option<Item<'a>>,
    variables: SortedMap<&'a str, &'a str>,
}

/// An object kept whole.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) reference: &'a Ref,
    pub(super) object: &'a Object,
}

impl<'a> Cluster<'a> {
    /// Indexes a snapshot.
    pub(super) fn new(snapshot: &'a Snapshot, namespace: &'a str) -> Self {
        let mut kinds: SortedMap<_, Vec<_>> = SortedMap::new();
        for (reference, object) in &snapshot.objects {
            let group = reference
                .api_version
                .rsplit_once('/')
                .map_or("", |(group, _)| group);
            kinds
                .entry((group, reference.kind.as_str()))
                .or_default()
                .push(Item { reference, object });
        }
        let mut cluster = Self {
            snapshot,
            namespace,
            said: &|_| Vec::new(),
            kinds,
            mesh: None,
            istiod: None,
            variables: SortedMap::new(),
        };
        cluster.mesh = cluster.read_mesh();
        cluster.istiod = cluster.find_istiod();
        cluster.variables = cluster.read_variables();
        cluster
    }

    /// Returns all objects of a kind.
    pub(super) fn objects(
        &self,
        group: &'static str,
        kind: &'static str,
    ) -> impl Iterator<Item = Item<'a>> {
        self.kinds
            .get(&(group, kind))
            .into_iter()
            .flatten()
            .copied()
    }

    /// Returns an object of the control plane's namespace.
    pub(super) fn own(
        &self,
        group: &'static str,
        kind: &'static str,
        name: &str,
    ) -> Option<Item<'a>> {
        self.objects(group, kind)
            .find(|it| it.namespace() == self.namespace && it.name() == name)
    }

    /// Returns the `MeshConfig` of the control plane, an empty map where there is none.
    pub(super) fn mesh(&self) -> &Value {
        self.mesh.as_ref().map_or(&Value::Null, |(_, mesh)| mesh)
    }

    /// Names a place in the `MeshConfig`.
    pub(super) fn mesh_subject(&self, path: &str) -> Option<Subject> {
        let (item, _) = self.mesh.as_ref()?;
        Some(item.subject(&format!("data.mesh.{path}")))
    }

    /// Returns the places of the `MeshConfig` that a list of pointers names, where something stands there.
    pub(super) fn mesh_settings(&self, paths: &[&str]) -> Vec<Subject> {
        let set = |path: &&&str| {
            self.mesh()
                .pointer(&format!("/{}", path.replace('.', "/")))
                .is_some()
        };
        paths
            .iter()
            .filter(set)
            .filter_map(|it| self.mesh_subject(it))
            .collect()
    }

    /// Returns a key of `defaultConfig.proxyMetadata`.
    pub(super) fn proxy_metadata(&self, key: &str) -> Option<&str> {
        self.mesh()
            .pointer("/defaultConfig/proxyMetadata")?
            .get(key)?
            .as_str()
    }

    /// Returns istiod's Deployment.
    pub(super) fn istiod(&self) -> Option<Item<'a>> {
        self.istiod
    }

    /// Returns a variable of istiod's environment, where it is written as a plain value.
    pub(super) fn variable(&self, name: &str) -> Option<&'a str> {
        self.variables.get(name).copied()
    }

    /// Returns a key of the CNI agent's settings.
    pub(super) fn cni_setting(&self, key: &str) -> Option<&'a str> {
        self.cni_settings()?.text(&format!("/data/{key}"))
    }

    /// Returns the `ConfigMap` of the CNI agent, wherever it runs.
    pub(super) fn cni_settings(&self) -> Option<Item<'a>> {
        self.objects("", "ConfigMap")
            .find(|it| it.name() == "istio-cni-config")
    }

    /// Tells whether the ambient data plane runs here.
    pub(super) fn is_ambient(&self) -> bool {
        self.cni_setting("AMBIENT_ENABLED") == Some("true")
            || self.daemon_sets("ztunnel").next().is_some()
    }

    /// Returns the `DaemonSets` whose pods have the label `app` or `k8s-app` of this name.
    pub(super) fn daemon_sets(&self, app: &'static str) -> impl Iterator<Item = &'a Workload> {
        let labelled = move |it: &&Workload| {
            ["app", "k8s-app"]
                .iter()
                .any(|key| it.template_labels.get(*key).is_some_and(|it| it == app))
        };
        self.snapshot
            .workloads
            .values()
            .filter(|it| it.kind == "DaemonSet")
            .filter(labelled)
    }

    /// Returns the workloads that users make: all but the `ReplicaSets` of Deployments and the Jobs of `CronJobs`.
    pub(super) fn workloads(&self) -> impl Iterator<Item = &'a Workload> {
        self.snapshot
            .workloads
            .values()
            .filter(|it| it.owner.is_none())
    }

    /// Returns the pods that no workload makes.
    pub(super) fn bare_pods(&self) -> impl Iterator<Item = &'a Pod> {
        self.snapshot.pods.values().filter(|it| it.owner.is_none())
    }

    /// Returns the workloads, and pods without one, whose annotation satisfies a condition.
    pub(super) fn annotated(&self, key: &str, is_meant: impl Fn(&str) -> bool) -> Vec<Subject> {
        let field = |prefix: &str| format!("{prefix}metadata.annotations[{key}]");
        let templates = self.workloads().filter_map(|it| {
            let value = it.template_annotations.get(key).filter(|it| is_meant(it))?;
            Some(
                of_workload(it)
                    .field(field("spec.template."))
                    .value(value.as_str()),
            )
        });
        let pods = self.bare_pods().filter_map(|it| {
            let value = it.annotations.get(key).filter(|it| is_meant(it))?;
            Some(of_pod(it).field(field("")).value(value.as_str()))
        });
        templates.chain(pods).collect()
    }

    fn read_mesh(&self) -> Option<(Item<'a>, Value)> {
        let named = |name: &str| name == "istio" || name.starts_with("istio-");
        let mut candidates: Vec<Item<'a>> = self
            .objects("", "ConfigMap")
            .filter(|it| {
                it.namespace() == self.namespace
                    && named(it.name())
                    && it.text("/data/mesh").is_some()
            })
            .collect();
        sorted::sort_by_key(&mut candidates, |it| (it.name() != "istio", it.name()));
        let item = candidates.into_iter().next()?;
        let mesh = kube_yaml::from_str(item.text("/data/mesh")?).ok()?;
        Some((item, mesh))
    }

    fn find_istiod(&self) -> Option<Item<'a>> {
        let runs_istiod = |it: &Item<'a>| {
            it.namespace() == self.namespace
                && is_istiod(|key| it.text(&format!("/spec/template/metadata/labels/{key}")))
        };
        self.objects("apps", "Deployment")
            .filter(runs_istiod)
            .min_by_key(|it| (it.name() != "istiod", it.name()))
    }

    fn read_variables(&self) -> SortedMap<&'a str, &'a str> {
        let containers = self
            .istiod
            .map(|it| it.items("/spec/template/spec/containers"))
            .unwrap_or_default();
        let variables = containers
            .iter()
            .filter_map(|it| it.get("env")?.as_array())
            .flatten();
        variables
            .filter_map(|it| Some((it.get("name")?.as_str()?, it.get("value")?.as_str()?)))
            .collect()
    }
}

impl<'a> Item<'a> {
    /// Returns its name.
    pub(super) fn name(self) -> &'a str {
        &self.reference.name
    }

    /// Returns its namespace, empty for objects of the whole cluster.
    pub(super) fn namespace(self) -> &'a str {
        self.reference.namespace.as_deref().unwrap_or_default()
    }

    /// Returns what stands at a JSON Pointer.
    pub(super) fn at(self, pointer: &str) -> Option<&'a Value> {
        self.object.value.pointer(pointer)
    }

    /// Returns the text at a JSON Pointer.
    pub(super) fn text(self, pointer: &str) -> Option<&'a str> {
        self.at(pointer)?.as_str()
    }

    /// Returns the elements of the list at a JSON Pointer.
    pub(super) fn items(self, pointer: &str) -> &'a [Value] {
        self.at(pointer)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the texts of the list at a JSON Pointer.
    pub(super) fn texts(self, pointer: &str) -> impl Iterator<Item = &'a str> {
        self.items(pointer).iter().filter_map(Value::as_str)
    }

    /// Returns the map at a JSON Pointer, `None` where it is empty.
    pub(super) fn map(self, pointer: &str) -> Option<&'a Map<String, Value>> {
        self.at(pointer)?.as_object().filter(|it| !it.is_empty())
    }

    /// Returns a label.
    pub(super) fn label(self, key: &str) -> Option<&'a str> {
        self.at("/metadata/labels")?.get(key)?.as_str()
    }

    /// Returns an annotation.
    pub(super) fn annotation(self, key: &str) -> Option<&'a str> {
        self.at("/metadata/annotations")?.get(key)?.as_str()
    }

    /// Names a field of it.
    pub(super) fn subject(self, field: &str) -> Subject {
        Subject::kept(self.reference, self.object).field(field)
    }

    /// Names every string in it that satisfies a condition, below a pointer.
    pub(super) fn strings(self, pointer: &str, is_meant: &dyn Fn(&str) -> bool) -> Vec<Subject> {
        let mut found = Vec::new();
        if let Some(value) = self.at(pointer) {
            let path = pointer.trim_start_matches('/').replace('/', ".");
            each_string(value, &path, &mut |path, text| {
                if is_meant(text) {
                    found.push(self.subject(path).value(text));
                }
            });
        }
        found
    }

    /// Tells whether a word stands anywhere in it, as a key or in a string, below a pointer.
    pub(super) fn mentions(self, pointer: &str, words: &[&str]) -> bool {
        self.at(pointer)
            .map(Value::to_string)
            .is_some_and(|text| words.iter().any(|it| text.contains(it)))
    }
}

fn each_string(value: &Value, path: &str, each: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => each(path, text),
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                each_string(it, &format!("{path}[{index}]"), each);
            }
        }
        Value::Object(map) => {
            for (key, it) in map {
                each_string(it, &format!("{path}.{key}"), each);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Names a workload.
pub(super) fn of_workload(workload: &Workload) -> Subject {
    let reference = Ref {
        api_version: workload.api_version.clone(),
        kind: workload.kind.clone(),
        namespace: Some(workload.namespace.clone()),
        name: workload.name.clone(),
    };
    Subject::exported(reference, &workload.origin)
}

/// Names a pod.
pub(super) fn of_pod(pod: &Pod) -> Subject {
    let reference = Ref {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some(pod.namespace.clone()),
        name: pod.name.clone(),
    };
    Subject::exported(reference, &pod.origin)
}
