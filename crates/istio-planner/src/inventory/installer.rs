//! Who installed the mesh, by what stands on its objects (domain §7.1).

use istio_catalog::ComponentName;
use sorted::{SortedMap, SortedSet};

use serde_json::Value;

use super::keeper::{self, Keeper};
use super::operator::RunningOperator;
use super::role::{Role, is_active, is_istiod, role};
use crate::outcome::{Installer, InstallerKind, Ref, Subject};
use crate::snapshot::{Object, Snapshot};

/// What of an object tells its installer.
type Evidence = Keeper;

/// An installer: its kind, and its name where the kind does not tell it.
type Who = (InstallerKind, Option<String>);

/// Returns everyone who installed a part, each with its components and what tells it.
///
/// A component without any telling object is [`InstallerKind::Unknown`], as is a mesh of which only pods were exported.
pub fn installers(snapshot: &Snapshot) -> Vec<Installer> {
    let operator = RunningOperator::new(snapshot);
    let control: SortedSet<_> = snapshot
        .workloads
        .values()
        .filter(|it| {
            it.template_containers
                .iter()
                .any(|it| it.name == ComponentName::Pilot.container())
        })
        .map(|it| it.namespace.as_str())
        .collect();
    let mut found: SortedMap<(Who, ComponentName), Vec<Subject>> = SortedMap::new();
    // Plain manifests carry no mark: they count only where nothing of a component says otherwise.
    let mut unmarked: SortedMap<ComponentName, (InstallerKind, Subject)> = SortedMap::new();
    for (object, kept) in &snapshot.objects {
        let Some(component) =
            component(object, &kept.value).or_else(|| named(object, &kept.value, &control))
        else {
            continue;
        };
        match evidence(object, &kept.value, &operator) {
            Some(it) => {
                let subject = Subject::kept(object, kept).field(it.field).value(it.value);
                found
                    .entry(((it.kind, it.name), component))
                    .or_default()
                    .push(subject);
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
            found
                .entry(((kind, None), component))
                .or_default()
                .push(subject);
        }
    }
    let marked: SortedSet<_> = found.keys().map(|(_, it)| *it).collect();
    for (component, subject) in running(snapshot) {
        if !marked.contains(&component) {
            found
                .entry(((InstallerKind::Unknown, None), component))
                .or_default()
                .push(subject);
        }
    }
    collected(found, &operator)
}

/// One installer of each kind, with the telling object of each component: a workload, where there is one.
fn collected(
    found: SortedMap<(Who, ComponentName), Vec<Subject>>,
    operator: &RunningOperator,
) -> Vec<Installer> {
    let mut installers: SortedMap<Who, Installer> = SortedMap::new();
    for (((kind, name), component), subjects) in found {
        let installer = installers
            .entry((kind, name.clone()))
            .or_insert_with(|| Installer {
                kind,
                name,
                covers: Vec::new(),
                evidence: if kind == InstallerKind::Operator {
                    operator.evidence.clone()
                } else {
                    Vec::new()
                },
            });
        installer.covers.push(component.into());
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
fn component(object: &Ref, value: &Value) -> Option<ComponentName> {
    if object.kind == "Namespace" || label(value, "gateway.istio.io/managed").is_some() {
        return None;
    }
    let labelled = label(value, "operator.istio.io/component").and_then(|it| {
        [
            ComponentName::Base,
            ComponentName::Pilot,
            ComponentName::Cni,
            ComponentName::Ztunnel,
            ComponentName::IngressGateways,
            ComponentName::EgressGateways,
        ]
        .into_iter()
        .find(|known| it == *known)
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
        "Deployment" if is_istiod(template) => Some(ComponentName::Pilot),
        "DaemonSet" if template("k8s-app") == Some("istio-cni-node") => Some(ComponentName::Cni),
        "DaemonSet" if template("app") == Some("ztunnel") => Some(ComponentName::Ztunnel),
        _ => None,
    }
}

/// Returns the component of an object that carries no label of it, by its name; CRDs, and what stands beside an istiod.
fn named(object: &Ref, value: &Value, control: &SortedSet<&str>) -> Option<ComponentName> {
    if label(value, "gateway.istio.io/managed").is_some() {
        return None;
    }
    let name = object.name.as_str();
    let begins = |prefixes: &[&str]| prefixes.iter().any(|it| name.starts_with(it));
    let beside = object
        .namespace
        .as_deref()
        .is_some_and(|it| control.contains(it));
    let (component, named) = match object.kind.as_str() {
        "CustomResourceDefinition" => (ComponentName::Base, name.ends_with(".istio.io")),
        "MutatingWebhookConfiguration" => (
            ComponentName::Pilot,
            begins(&["istio-sidecar-injector", "istio-revision-tag-"]),
        ),
        "ValidatingWebhookConfiguration" => (
            ComponentName::Pilot,
            begins(&["istio-validator-", "istiod-default-validator"]),
        ),
        "ClusterRole" | "ClusterRoleBinding" => {
            (ComponentName::Pilot, begins(&["istiod-", "istio-reader-"]))
        }
        "ConfigMap" => (
            ComponentName::Pilot,
            beside && (name == "istio" || begins(&["istio-sidecar-injector"])),
        ),
        "Service" | "ServiceAccount" | "HorizontalPodAutoscaler" | "PodDisruptionBudget" => {
            (ComponentName::Pilot, beside && begins(&["istiod"]))
        }
        _ => return None,
    };
    named.then_some(component)
}

fn is_workload(object: &Ref) -> bool {
    matches!(object.kind.as_str(), "Deployment" | "DaemonSet")
}

/// Reads the marks that installers leave, the strongest first.
fn evidence(object: &Ref, value: &Value, operator: &RunningOperator) -> Option<Evidence> {
    let labelled = |kind, key: &str| {
        let value = label(value, key)?.to_owned();
        Some(Evidence {
            kind,
            name: None,
            field: format!("metadata.labels.{key}"),
            value,
        })
    };
    let annotated = |kind, key: &str| {
        let value = annotation(value, key)?.to_owned();
        Some(Evidence {
            kind,
            name: None,
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
        .or_else(|| keeper::marked(value))
        .or_else(helm)
        .or_else(|| keeper::writer(object, value))
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
        name: None,
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

/// Vendors' meshes show in names, not in marks on objects.
fn managed(snapshot: &Snapshot, found: &mut SortedMap<(Who, ComponentName), Vec<Subject>>) {
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
                .entry(((InstallerKind::Managed, None), ComponentName::Pilot))
                .or_default()
                .push(Subject::kept(object, kept));
            // What a vendor applies may carry marks of the tool that it uses.
            found.retain(|((kind, _), component), _| {
                *kind == InstallerKind::Managed || *component != ComponentName::Pilot
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
fn running(snapshot: &Snapshot) -> SortedMap<ComponentName, Subject> {
    let mut running = SortedMap::new();
    for pod in snapshot.pods.values().filter(|it| is_active(it)) {
        let component = match role(pod) {
            Role::Istiod => ComponentName::Pilot,
            Role::Cni => ComponentName::Cni,
            Role::Ztunnel => ComponentName::Ztunnel,
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

pub(super) fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .as_str()
}
