//! Who else keeps an object of the installation: controllers, operators and tools that would set back what an
//! apply changes, by the marks that they leave, by owner references, and by what they write.
//!
//! Whoever writes a few fields of an object (an autoscaler, a certificate injector, somebody with an editor) does not
//! keep it: what an apply takes from them is told by `edits-overwritten`.

use serde_json::{Map, Value};
use sorted::SortedSet;

use crate::kubernetes::group_of;
use crate::outcome::{InstallerKind, Ref};

mod known;

pub(super) use known::KNOWN;
use known::Known;

/// Somebody who keeps an object, and what of the object tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keeper {
    /// As what it is listed.
    pub(super) kind: InstallerKind,
    /// Its name, for [`InstallerKind::Other`].
    pub(super) name: Option<String>,
    /// The field of the object.
    pub(super) field: String,
    /// What stands there.
    pub(super) value: String,
}

impl Keeper {
    fn known(known: &Known, field: String, value: &str) -> Self {
        Self {
            kind: known.kind,
            name: (known.kind == InstallerKind::Other).then(|| known.name.to_owned()),
            field,
            value: value.to_owned(),
        }
    }

    fn other(name: String, field: String, value: String) -> Self {
        Self {
            kind: InstallerKind::Other,
            name: Some(name),
            field,
            value,
        }
    }
}

/// Returns how a keeper of this name upgrades what it keeps.
pub(crate) fn way(name: &str) -> String {
    KNOWN.iter().find(|it| it.name == name).map_or_else(
        || {
            format!(
                "Upgrade by the means of {name}, or end its hold on these objects first; then plan again"
            )
        },
        |it| it.way.to_owned(),
    )
}

/// Whether a keeper of this name only makes what is missing, and sets nothing back.
pub(crate) fn only_creates(name: &str) -> bool {
    KNOWN.iter().any(|it| it.name == name && it.only_creates)
}

/// Returns who keeps an object by labels, annotations or owner references.
pub(super) fn marked(value: &Value) -> Option<Keeper> {
    let metadata = value.get("metadata")?;
    known_mark(metadata)
        .or_else(|| owner(metadata))
        .or_else(|| managed_by(metadata))
}

fn known_mark(metadata: &Value) -> Option<Keeper> {
    let maps = [
        ("labels", metadata.get("labels").and_then(Value::as_object)),
        (
            "annotations",
            metadata.get("annotations").and_then(Value::as_object),
        ),
    ];
    KNOWN.iter().find_map(|known| {
        if known.released_by.iter().any(|(key, released)| {
            maps.iter().any(|(_, map)| {
                map.and_then(|it| it.get(*key)?.as_str())
                    .is_some_and(|it| it.eq_ignore_ascii_case(released))
            })
        }) {
            return None;
        }
        maps.iter().find_map(|(place, map)| {
            let (key, value) = find(map.as_ref()?, known.marks)?;
            Some(Keeper::known(
                known,
                format!("metadata.{place}.{key}"),
                value,
            ))
        })
    })
}

/// The first entry that one of the marks names: a key, a prefix of keys that ends in `/` or `.`, each with a value or any.
fn find<'a>(
    map: &'a Map<String, Value>,
    marks: &[(&str, Option<&str>)],
) -> Option<(&'a str, &'a str)> {
    marks.iter().find_map(|(mark, wanted)| {
        map.iter().find_map(|(key, value)| {
            let value = value.as_str()?;
            let named = key == mark || mark.ends_with(['/', '.']) && key.starts_with(mark);
            (named && wanted.is_none_or(|it| it == value)).then_some((key.as_str(), value))
        })
    })
}

/// Groups whose controllers belong to Kubernetes, to Istio, or to the Gateway API.
const OWN_GROUPS: [&str; 8] = [
    "",
    "apps",
    "batch",
    "extensions",
    "autoscaling",
    "policy",
    "install.istio.io",
    "gateway.networking.k8s.io",
];

/// An owner that controls the object, or one of a known keeper.
fn owner(metadata: &Value) -> Option<Keeper> {
    let owners = metadata.get("ownerReferences")?.as_array()?;
    owners.iter().enumerate().find_map(|(at, owner)| {
        let text = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind, name) = (text("apiVersion"), text("kind"), text("name"));
        let group = group_of(api_version);
        let field = format!("metadata.ownerReferences[{at}]");
        let value = format!("{api_version} {kind} {name}");
        let known = KNOWN.iter().find(|it| it.owners.contains(&group));
        if let Some(known) = known {
            return Some(Keeper::known(known, field, &value));
        }
        let controls = owner.get("controller").and_then(Value::as_bool) == Some(true);
        (controls && !OWN_GROUPS.contains(&group)).then(|| {
            Keeper::other(
                format!("the controller of {kind} {name} ({api_version})"),
                field,
                value,
            )
        })
    })
}

/// Values of `app.kubernetes.io/managed-by` that the charts and programs of Istio write themselves.
const OWN_MANAGED_BY: [&str; 5] = ["helm", "istioctl", "istio-operator", "istio", "istiod"];

fn managed_by(metadata: &Value) -> Option<Keeper> {
    const KEY: &str = "app.kubernetes.io/managed-by";
    let value = metadata.get("labels")?.get(KEY)?.as_str()?;
    let low = value.to_ascii_lowercase();
    if value.is_empty() || OWN_MANAGED_BY.contains(&low.as_str()) {
        return None;
    }
    let field = format!("metadata.labels.{KEY}");
    let known = KNOWN
        .iter()
        .find(|it| it.managed_by.iter().any(|it| low.contains(it)));
    Some(match known {
        Some(known) => Keeper::known(known, field, value),
        None => Keeper::other(value.to_owned(), field, value.to_owned()),
    })
}

/// Managers that keep no installation: Istio's own, Kubernetes' controllers, and programs by which people edit or restore.
/// A name that ends in `*` is a prefix.
const NOT_KEEPERS: [&str; 36] = [
    "istio-operator",
    "istioctl",
    "pilot-discovery",
    "pilot-agent",
    "istio-cni",
    "install-cni",
    "refit*",
    "kubectl*",
    "oc",
    "before-first-apply",
    "kube-controller-manager",
    "kube-apiserver",
    "kube-scheduler",
    "kubelet",
    "cloud-controller-manager",
    "gke-*",
    "glbc",
    "service-controller",
    "deployment-controller",
    "endpoint-controller",
    "horizontal-pod-autoscaler",
    "cluster-autoscaler",
    "vpa-*",
    "keda*",
    "cainjector",
    "cert-manager*",
    "argo-rollouts",
    "rollouts-controller",
    "velero*",
    "k9s",
    "node-fetch",
    "OpenLens",
    "Lens",
    "Mozilla",
    "dashboard",
    "rancher",
];

/// Returns who keeps an object by writing the bulk of it.
pub(super) fn writer(object: &Ref, value: &Value) -> Option<Keeper> {
    let entries = value.pointer("/metadata/managedFields")?.as_array()?;
    let text = |entry: &Value, key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut all = SortedSet::new();
    for entry in entries {
        all.extend(content(entry));
    }
    // Istio's own operator writes as `operator`.
    let labelled = value
        .pointer("/metadata/labels/operator.istio.io~1managed")
        .is_some();
    entries.iter().find_map(|entry| {
        let manager = text(entry, "manager");
        let own = NOT_KEEPERS.iter().any(|it| match it.strip_suffix('*') {
            Some(prefix) => manager.starts_with(prefix),
            None => manager == *it,
        });
        if manager.is_empty()
            || own
            || labelled && manager == "operator"
            || !text(entry, "subresource").is_empty()
            || !is_bulk(object, entry, &all)
        {
            return None;
        }
        let field = "metadata.managedFields".to_owned();
        let low = manager.to_ascii_lowercase();
        let known = KNOWN
            .iter()
            .find(|it| it.managers.iter().any(|it| low.starts_with(it)));
        Some(match known {
            Some(known) => Keeper::known(known, field, &manager),
            None => Keeper::other(format!("the field manager {manager}"), field, manager),
        })
    })
}

/// The paths of what a manager owns, without metadata and status.
fn content(entry: &Value) -> SortedSet<String> {
    fn walk(fields: &Map<String, Value>, at: &str, into: &mut SortedSet<String>) {
        for (key, below) in fields {
            if key == "." || at.is_empty() && matches!(key.as_str(), "f:metadata" | "f:status") {
                continue;
            }
            let path = format!("{at}/{key}");
            match below.as_object().filter(|it| !it.is_empty()) {
                Some(below) => walk(below, &path, into),
                None => {
                    into.insert(path);
                }
            }
        }
    }
    let mut paths = SortedSet::new();
    if let Some(fields) = entry.get("fieldsV1").and_then(Value::as_object) {
        walk(fields, "", &mut paths);
    }
    paths
}

/// Whether a manager owns what makes the object: the image of a workload, the whole spec, or more than half of the rest.
fn is_bulk(object: &Ref, entry: &Value, all: &SortedSet<String>) -> bool {
    let own = content(entry);
    if own.contains("/f:spec") || own.contains("/f:spec/f:template") {
        return true;
    }
    let workload = matches!(object.kind.as_str(), "Deployment" | "DaemonSet");
    let image = |it: &String| {
        it.starts_with("/f:spec/f:template/f:spec/f:containers/") && it.ends_with("/f:image")
    };
    if workload && own.iter().any(image) {
        return true;
    }
    own.len() * 2 > all.len()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{marked, writer};
    use crate::outcome::{InstallerKind, Ref};

    fn name(value: &Value) -> Option<String> {
        marked(value).map(|it| it.name.unwrap_or_else(|| format!("{:?}", it.kind)))
    }

    fn labelled(key: &str, value: &str) -> Value {
        json!({"metadata": {"labels": {key: value}}})
    }

    fn annotated(key: &str, value: &str) -> Value {
        json!({"metadata": {"annotations": {key: value}}})
    }

    #[test]
    fn marks_of_known_keepers_name_them() {
        for (value, expected) in [
            (labelled("kyma-project.io/module", "istio"), "Kyma"),
            (labelled("kapp.k14s.io/app", "1690000000"), "kapp"),
            (
                annotated("configmanagement.gke.io/managed", "enabled"),
                "Config Sync",
            ),
            (labelled("objectset.rio.cattle.io/hash", "ab"), "Fleet"),
            (
                labelled("addonmanager.kubernetes.io/mode", "Reconcile"),
                "the add-on manager",
            ),
            (labelled("heritage", "deckhouse"), "Deckhouse"),
            (labelled("crossplane.io/composite", "x"), "Crossplane"),
            (labelled("app.kubernetes.io/managed-by", "pulumi"), "Pulumi"),
            (
                labelled("app.kubernetes.io/managed-by", "Terraform"),
                "Terraform",
            ),
            (
                labelled("app.kubernetes.io/managed-by", "acme-platform"),
                "acme-platform",
            ),
            (
                annotated("apps.open-cluster-management.io/hosting-subscription", "x"),
                "Open Cluster Management",
            ),
            (
                annotated("resources.gardener.cloud/origin", "x"),
                "Gardener",
            ),
        ] {
            assert_eq!(name(&value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn marks_that_say_nothing_of_a_keeper_do_not() {
        for value in [
            labelled("app.kubernetes.io/managed-by", "Helm"),
            labelled("app.kubernetes.io/managed-by", "istioctl"),
            labelled("heritage", "Tiller"),
            annotated("configmanagement.gke.io/managed", "disabled"),
            json!({"metadata": {"annotations": {
                "configmanagement.gke.io/managed": "disabled", "configsync.gke.io/resource-id": "x"}}}),
            labelled("velero.io/restore-name", "x"),
            json!({}),
        ] {
            assert_eq!(name(&value), None, "{value}");
        }
    }

    #[test]
    fn a_controlling_owner_keeps_what_it_owns() {
        let owned = |api_version: &str, controller: bool| {
            json!({"metadata": {"ownerReferences": [
                {"apiVersion": api_version, "kind": "Mesh", "name": "prod", "controller": controller}]}})
        };
        assert_eq!(
            name(&owned("mesh.example/v1", true)).as_deref(),
            Some("the controller of Mesh prod (mesh.example/v1)")
        );
        assert_eq!(name(&owned("mesh.example/v1", false)), None);
        assert_eq!(name(&owned("apps/v1", true)), None);
        assert_eq!(
            name(&owned("work.open-cluster-management.io/v1", false)).as_deref(),
            Some("Open Cluster Management")
        );
    }

    fn deployment() -> Ref {
        Ref {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            ..Ref::default()
        }
    }

    fn wrote(manager: &str, operation: &str, fields: &Value) -> Option<String> {
        let value = json!({"metadata": {"managedFields": [
            {"manager": "istio-operator", "operation": "Apply", "fieldsV1": {"f:spec": {
                "f:strategy": {}, "f:selector": {}, "f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                    "k:{\"name\":\"discovery\"}": {"f:image": {}, "f:args": {}}}}}}}},
            {"manager": manager, "operation": operation, "fieldsV1": fields},
        ]}});
        writer(&deployment(), &value).map(|it| it.name.unwrap_or_else(|| format!("{:?}", it.kind)))
    }

    #[test]
    fn who_writes_the_image_or_the_bulk_keeps_the_object() {
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"discovery\"}": {"f:image": {}}}}}}});
        for (manager, expected) in [
            ("Terraform", "Terraform"),
            ("HashiCorp", "Terraform"),
            ("pulumi-kubernetes-1a2b", "Pulumi"),
            ("configsync.gke.io", "Config Sync"),
            ("argocd-controller", "Argocd"),
            ("kustomize-controller", "Flux"),
            ("some-operator", "the field manager some-operator"),
        ] {
            for operation in ["Apply", "Update"] {
                assert_eq!(wrote(manager, operation, &image).as_deref(), Some(expected));
            }
        }
        let whole = json!({"f:metadata": {"f:labels": {}}, "f:spec": {}});
        assert!(wrote("Terraform", "Update", &whole).is_some());
    }

    #[test]
    fn who_writes_a_few_fields_does_not() {
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let annotations = json!({"f:metadata": {"f:annotations": {"f:x": {}}}});
        let whole = json!({"f:spec": {}});
        assert_eq!(wrote("argocd-controller", "Apply", &replicas), None);
        assert_eq!(wrote("some-operator", "Update", &annotations), None);
        for manager in [
            "kubectl-edit",
            "kubectl-rollout",
            "kubectl",
            "kube-controller-manager",
            "velero-server",
            "refit",
            "pilot-discovery",
            "Mozilla",
        ] {
            assert_eq!(wrote(manager, "Update", &whole), None, "{manager}");
        }
        let webhook = Ref {
            kind: "MutatingWebhookConfiguration".to_owned(),
            ..Ref::default()
        };
        let value = json!({"metadata": {"managedFields": [
            {"manager": "istio-operator", "operation": "Apply", "fieldsV1": {"f:webhooks": {"k:{\"name\":\"a\"}": {
                "f:rules": {}, "f:name": {}, "f:failurePolicy": {}}}}},
            {"manager": "injector-of-somebody", "operation": "Apply", "fieldsV1": {"f:webhooks": {
                "k:{\"name\":\"a\"}": {"f:clientConfig": {"f:caBundle": {}}}}}},
        ]}});
        assert_eq!(writer(&webhook, &value), None);
    }

    #[test]
    fn a_known_keeper_of_another_kind_has_that_kind() {
        let value = json!({"metadata": {"managedFields": [
            {"manager": "helm-controller", "operation": "Apply", "fieldsV1": {"f:spec": {}}}]}});
        assert_eq!(
            writer(&deployment(), &value).map(|it| it.kind),
            Some(InstallerKind::Flux)
        );
    }
}
