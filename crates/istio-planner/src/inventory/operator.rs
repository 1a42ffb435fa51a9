//! The in-cluster operator of 1.23 and older, and the `IstioOperator` resources that it reconciles.

use serde_json::Value;
use sorted::SortedSet;

use super::installer::annotation;
use super::role::{Role, is_active, role};
use crate::outcome::{Ref, Subject};
use crate::snapshot::{Object, Snapshot};

/// The controller of `IstioOperator` resources and those that it reconciles.
pub(crate) struct RunningOperator {
    /// Names of resources without `install.istio.io/ignoreReconcile`, in namespaces that it watches.
    resources: SortedSet<String>,
    /// The controller and the resources.
    pub(crate) evidence: Vec<Subject>,
}

impl RunningOperator {
    /// Finds it; a Deployment that is scaled to zero runs nothing.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let deployed: Vec<_> = snapshot
            .workloads
            .values()
            .filter(|it| it.kind == "Deployment" && it.replicas > 0)
            .filter(|it| {
                it.template_containers
                    .iter()
                    .any(|it| it.name == "istio-operator")
            })
            .collect();
        let running = snapshot
            .pods
            .values()
            .find(|it| is_active(it) && role(it) == Role::Operator);
        let mut evidence: Vec<_> = deployed
            .iter()
            .map(|it| {
                let object = Ref::new(&it.api_version, &it.kind, &it.namespace, &it.name);
                Subject::exported(object, &it.origin)
            })
            .collect();
        if evidence.is_empty() {
            evidence.extend(running.map(|it| {
                Subject::exported(Ref::new("v1", "Pod", &it.namespace, &it.name), &it.origin)
            }));
        }
        let mut resources = SortedSet::new();
        if evidence.is_empty() {
            return Self {
                resources,
                evidence,
            };
        }
        let watched: Vec<_> = deployed
            .iter()
            .map(|it| {
                let object = Ref::new(&it.api_version, &it.kind, &it.namespace, &it.name);
                snapshot.objects.get(&object).and_then(watched)
            })
            .collect();
        for (object, kept) in snapshot
            .objects
            .iter()
            .filter(|(it, _)| it.kind == "IstioOperator")
        {
            // Without an identity it is a request's file, not a resource of the cluster.
            let stored = kept.value.pointer("/metadata/uid").is_some();
            let ignored =
                annotation(&kept.value, "install.istio.io/ignoreReconcile") == Some("true");
            let seen = watched.is_empty() || watched.iter().any(|it| sees(it.as_deref(), object));
            if stored && !ignored && seen {
                resources.insert(object.name.clone());
                evidence.push(Subject::kept(object, kept));
            }
        }
        Self {
            resources,
            evidence,
        }
    }

    /// Whether it has a resource to apply.
    pub(crate) fn reconciles(&self) -> bool {
        !self.resources.is_empty()
    }

    /// Whether it reconciles the resource of this name.
    pub(super) fn owns(&self, owner: Option<&str>) -> bool {
        owner.is_some_and(|it| self.resources.contains(it))
    }
}

/// The namespaces that an operator watches (1.23.6:operator/cmd/operator/server.go); `None` where it does not say.
fn watched(deployment: &Object) -> Option<String> {
    let containers = deployment
        .value
        .pointer("/spec/template/spec/containers")?
        .as_array()?;
    let env = containers
        .iter()
        .filter_map(|it| it.get("env")?.as_array())
        .flatten();
    let mut named =
        env.filter(|it| it.get("name").and_then(Value::as_str) == Some("WATCH_NAMESPACE"));
    named.find_map(|it| it.get("value")?.as_str().map(str::to_owned))
}

fn sees(watched: Option<&str>, object: &Ref) -> bool {
    let Some(watched) = watched.filter(|it| !it.is_empty()) else {
        return true;
    };
    watched
        .split(',')
        .any(|it| Some(it.trim()) == object.namespace.as_deref())
}
