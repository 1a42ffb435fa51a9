//! Who installed the mesh, by what stands on its objects (domain §7.1).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::role::{Role, is_active, role};
use crate::outcome::{Installer, InstallerKind, Ref, Subject};
use crate::snapshot::{Object, Snapshot};

/// What of an object tells its installer.
struct Evidence {
    kind: InstallerKind,
    field: String,
    value: String,
}

/// Returns everyone who installed a part, each with its components and what tells it.
///
/// A component without any telling object is [`InstallerKind::Unknown`], as is a mesh of which only pods were exported.
pub fn installers(snapshot: &Snapshot) -> Vec<Installer> {
    let operator = RunningOperator::of(snapshot);
    let mut found: BTreeMap<(InstallerKind, &'static str), Vec<Subject>> = BTreeMap::new();
    // Plain manifests carry no mark: they count only where nothing of a component says otherwise.
    let mut unmarked: BTreeMap<&'static str, (InstallerKind, Subject)> = BTreeMap::new();
    for (object, kept) in &snapshot.objects {
        let Some(component) = component(object, &kept.value) else {
            continue;
        };
        match evidence(&kept.value, &operator) {
            Some(it) => {
                let subject = Subject::kept(object, kept).field(it.field).value(it.value);
                found.entry((it.kind, component)).or_default().push(subject);
            }
            None if is_workload(object) => {
                unmarked.insert(component, by_hand(object, kept));
            }
            None => {}
        }
    }
    managed(snapshot, &mut found);
    for (component, (kind, subject)) in unmarked {
        if !found.keys().any(|(_, it)| *it == component) {
            found.entry((kind, component)).or_default().push(subject);
        }
    }
    let marked: BTreeSet<_> = found.keys().map(|(_, it)| *it).collect();
    for (component, subject) in running(snapshot) {
        if !marked.contains(component) {
            found
                .entry((InstallerKind::Unknown, component))
                .or_default()
                .push(subject);
        }
    }
    collected(found, &operator)
}

/// One installer of each kind, with the telling object of each component: a workload, where there is one.
fn collected(
    found: BTreeMap<(InstallerKind, &'static str), Vec<Subject>>,
    operator: &RunningOperator,
) -> Vec<Installer> {
    let mut installers: BTreeMap<InstallerKind, Installer> = BTreeMap::new();
    for ((kind, component), subjects) in found {
        let installer = installers.entry(kind).or_insert_with(|| Installer {
            kind,
            covers: Vec::new(),
            evidence: if kind == InstallerKind::Operator {
                operator.evidence.clone()
            } else {
                Vec::new()
            },
        });
        installer.covers.push(component.to_owned());
        let of_workload = subjects
            .iter()
            .find(|it| it.object.as_ref().is_some_and(is_workload));
        installer
            .evidence
            .extend(of_workload.or(subjects.first()).cloned());
    }
    installers.into_values().collect()
}

/// Returns the component that a rendered object belongs to.
fn component(object: &Ref, value: &Value) -> Option<&'static str> {
    if object.kind == "Namespace" || label(value, "gateway.istio.io/managed").is_some() {
        return None;
    }
    let labelled = label(value, "operator.istio.io/component").and_then(|it| {
        [
            "Base",
            "Pilot",
            "Cni",
            "Ztunnel",
            "IngressGateways",
            "EgressGateways",
        ]
        .into_iter()
        .find(|known| *known == it)
    });
    if labelled.is_some() {
        return labelled;
    }
    let template = |key: &str| {
        value
            .pointer("/spec/template/metadata/labels")?
            .get(key)?
            .as_str()
    };
    match object.kind.as_str() {
        "Deployment" if template("app") == Some("istiod") => Some("Pilot"),
        "DaemonSet" if template("k8s-app") == Some("istio-cni-node") => Some("Cni"),
        "DaemonSet" if template("app") == Some("ztunnel") => Some("Ztunnel"),
        _ => None,
    }
}

fn is_workload(object: &Ref) -> bool {
    matches!(object.kind.as_str(), "Deployment" | "DaemonSet")
}

/// Reads the marks that installers leave, the strongest first.
fn evidence(value: &Value, operator: &RunningOperator) -> Option<Evidence> {
    let labelled = |kind, key: &str| {
        let value = label(value, key)?.to_owned();
        Some(Evidence {
            kind,
            field: format!("metadata.labels.{key}"),
            value,
        })
    };
    let annotated = |kind, key: &str| {
        let value = annotation(value, key)?.to_owned();
        Some(Evidence {
            kind,
            field: format!("metadata.annotations.{key}"),
            value,
        })
    };
    let vendor = || {
        labelled(InstallerKind::Managed, "maistra.io/owner")
            .or_else(|| labelled(InstallerKind::Managed, "maistra-version"))
    };
    let sail = || {
        labelled(InstallerKind::Sail, "managed-by")
            .filter(|it| it.value == "sail-operator")
            .or_else(|| sail_owner(value))
    };
    let argocd = || {
        annotated(InstallerKind::Argocd, "argocd.argoproj.io/tracking-id")
            .or_else(|| labelled(InstallerKind::Argocd, "argocd.argoproj.io/instance"))
    };
    let flux = || {
        labelled(InstallerKind::Flux, "helm.toolkit.fluxcd.io/name")
            .or_else(|| labelled(InstallerKind::Flux, "kustomize.toolkit.fluxcd.io/name"))
    };
    let helm = || annotated(InstallerKind::Helm, "meta.helm.sh/release-name");
    let istioctl = || {
        let managed = labelled(InstallerKind::Istioctl, "operator.istio.io/managed")?;
        let owner = label(value, "install.operator.istio.io/owning-resource");
        let kind = if operator.owns(owner) {
            InstallerKind::Operator
        } else {
            InstallerKind::Istioctl
        };
        Some(Evidence { kind, ..managed })
    };
    vendor()
        .or_else(sail)
        .or_else(argocd)
        .or_else(flux)
        .or_else(helm)
        .or_else(istioctl)
}

/// The Sail operator owns what it makes.
fn sail_owner(value: &Value) -> Option<Evidence> {
    let owners = value.get("metadata")?.get("ownerReferences")?.as_array()?;
    let (at, owner) = owners.iter().enumerate().find(|(_, it)| {
        it.get("apiVersion")
            .and_then(Value::as_str)
            .is_some_and(|it| it.starts_with("sailoperator.io/"))
    })?;
    let name = owner.get("name")?.as_str()?.to_owned();
    Some(Evidence {
        kind: InstallerKind::Sail,
        field: format!("metadata.ownerReferences[{at}]"),
        value: name,
    })
}

/// A workload without any mark: applied by hand, if something shows that, else nothing is known.
fn by_hand(object: &Ref, kept: &Object) -> (InstallerKind, Subject) {
    const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let managers = kept
        .value
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    let manager = managers
        .into_iter()
        .flatten()
        .filter_map(|it| it.get("manager")?.as_str());
    let mut managers = manager.map(str::to_owned);
    let argocd = managers.clone().find(|it| it.starts_with("argocd"));
    let subject = Subject::kept(object, kept);
    if let Some(manager) = argocd {
        return (
            InstallerKind::Argocd,
            subject.field("metadata.managedFields").value(manager),
        );
    }
    if annotation(&kept.value, APPLIED).is_some() {
        // The value is the whole manifest: its presence is what tells.
        return (
            InstallerKind::Manifests,
            subject.field(format!("metadata.annotations.{APPLIED}")),
        );
    }
    match managers.find(|it| it.starts_with("kubectl")) {
        Some(manager) => (
            InstallerKind::Manifests,
            subject.field("metadata.managedFields").value(manager),
        ),
        None => (InstallerKind::Unknown, subject),
    }
}

/// The controller of `IstioOperator` resources and those that it reconciles.
struct RunningOperator {
    /// Names of resources without `install.istio.io/ignoreReconcile`.
    resources: BTreeSet<String>,
    evidence: Vec<Subject>,
}

impl RunningOperator {
    fn of(snapshot: &Snapshot) -> Self {
        let deployed = snapshot.workloads.values().find(|it| {
            it.template_containers
                .iter()
                .any(|it| it.name == "istio-operator")
        });
        let running = snapshot
            .pods
            .values()
            .find(|it| is_active(it) && role(it) == Role::Operator);
        let mut evidence: Vec<_> = deployed
            .map(|it| {
                let object = Ref::new(&it.api_version, &it.kind, &it.namespace, &it.name);
                Subject::exported(object, &it.origin)
            })
            .or_else(|| {
                running.map(|it| {
                    Subject::exported(Ref::new("v1", "Pod", &it.namespace, &it.name), &it.origin)
                })
            })
            .into_iter()
            .collect();
        if evidence.is_empty() {
            return Self {
                resources: BTreeSet::new(),
                evidence,
            };
        }
        let mut resources = BTreeSet::new();
        for (object, kept) in snapshot
            .objects
            .iter()
            .filter(|(it, _)| it.kind == "IstioOperator")
        {
            // Without an identity it is a request's file, not a resource of the cluster.
            let stored = kept.value.pointer("/metadata/uid").is_some();
            let ignored =
                annotation(&kept.value, "install.istio.io/ignoreReconcile") == Some("true");
            if stored && !ignored {
                resources.insert(object.name.clone());
                evidence.push(Subject::kept(object, kept));
            }
        }
        Self {
            resources,
            evidence,
        }
    }

    fn owns(&self, owner: Option<&str>) -> bool {
        owner.is_some_and(|it| self.resources.contains(it))
    }
}

/// Vendors' meshes show in names, not in marks on objects.
fn managed(snapshot: &Snapshot, found: &mut BTreeMap<(InstallerKind, &'static str), Vec<Subject>>) {
    for (object, kept) in &snapshot.objects {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let vendors = match object.kind.as_str() {
            "MutatingWebhookConfiguration" => {
                object.name.starts_with("istiod-asm-managed") || calls_google(&kept.value)
            }
            "CustomResourceDefinition" => {
                object.name == "controlplanerevisions.mesh.cloud.google.com"
            }
            "ServiceMeshControlPlane" => object.api_version.starts_with("maistra.io/"),
            "Deployment" => {
                namespace == "aks-istio-system" && object.name.starts_with("istiod-asm-")
            }
            _ => false,
        };
        if vendors {
            found
                .entry((InstallerKind::Managed, "Pilot"))
                .or_default()
                .push(Subject::kept(object, kept));
            // What a vendor applies may carry marks of the tool that it uses.
            found.retain(|(kind, component), _| {
                *kind == InstallerKind::Managed || *component != "Pilot"
            });
        }
    }
}

fn calls_google(configuration: &Value) -> bool {
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    webhooks.into_iter().flatten().any(|it| {
        let url = it
            .pointer("/clientConfig/url")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let host = url
            .strip_prefix("https://")
            .unwrap_or_default()
            .split(['/', ':'])
            .next()
            .unwrap_or_default();
        host.ends_with(".googleapis.com")
    })
}

/// Components whose pods run, for those that no object in the export tells about.
fn running(snapshot: &Snapshot) -> BTreeMap<&'static str, Subject> {
    let mut running = BTreeMap::new();
    for pod in snapshot.pods.values().filter(|it| is_active(it)) {
        let component = match role(pod) {
            Role::Istiod => "Pilot",
            Role::Cni => "Cni",
            Role::Ztunnel => "Ztunnel",
            Role::Operator | Role::GatewayApi | Role::Gateway | Role::Sidecar | Role::Other => {
                continue;
            }
        };
        running.entry(component).or_insert_with(|| {
            Subject::exported(
                Ref::new("v1", "Pod", &pod.namespace, &pod.name),
                &pod.origin,
            )
        });
    }
    running
}

fn label<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get("metadata")?.get("labels")?.get(key)?.as_str()
}

fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .as_str()
}
