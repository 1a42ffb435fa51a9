//! Settings that leave no field of their own: whether an object is rendered at all, which image everything runs.
//!
//! Each is tried, and kept where it explains more than it breaks.

use istio_catalog::{Catalog, ComponentName};
use serde_json::{Value, json};

use super::components::Installed;
use super::search::Candidate;
use super::setting::Setting;
use crate::kubernetes::text;
use crate::outcome::{Change, ChangeClass, Ref, Subject};

/// Something to try.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Guess {
    /// These settings beside the others.
    Settings(Vec<Setting>),
    /// Another profile.
    Profile(String),
}

/// What decides whether an object is rendered: component (none: any), kind, part of its name, path below `values`, and
/// whether the value is true where the object is there.
type Switch = (
    Option<ComponentName>,
    &'static str,
    &'static str,
    &'static str,
    bool,
);

/// What of them is known.
const SWITCHES: [Switch; 17] = [
    (
        Some(ComponentName::Pilot),
        "HorizontalPodAutoscaler",
        "",
        "pilot.autoscaleEnabled",
        true,
    ),
    (
        Some(ComponentName::Pilot),
        "ValidatingWebhookConfiguration",
        "",
        "global.configValidation",
        true,
    ),
    (
        Some(ComponentName::Pilot),
        "ConfigMap",
        "istio-sidecar-injector",
        "global.omitSidecarInjectorConfigMap",
        false,
    ),
    (
        Some(ComponentName::Pilot),
        "ConfigMap",
        "istio",
        "pilot.configMap",
        true,
    ),
    (
        Some(ComponentName::Pilot),
        "MutatingWebhookConfiguration",
        "",
        "global.operatorManageWebhooks",
        false,
    ),
    (
        Some(ComponentName::Pilot),
        "EnvoyFilter",
        "",
        "telemetry.enabled",
        true,
    ),
    (
        Some(ComponentName::Pilot),
        "EnvoyFilter",
        "",
        "telemetry.v2.enabled",
        true,
    ),
    (
        None,
        "ValidatingAdmissionPolicy",
        "",
        "experimental.stableValidationPolicy",
        true,
    ),
    (
        None,
        "PodDisruptionBudget",
        "",
        "global.defaultPodDisruptionBudget.enabled",
        true,
    ),
    (
        None,
        "NetworkPolicy",
        "",
        "global.networkPolicy.enabled",
        true,
    ),
    (
        None,
        "ClusterRole",
        "reader",
        "global.enableReaderRBAC",
        true,
    ),
    (
        Some(ComponentName::Cni),
        "ResourceQuota",
        "",
        "cni.resourceQuotas.enabled",
        true,
    ),
    (
        Some(ComponentName::Ztunnel),
        "ResourceQuota",
        "",
        "ztunnel.resourceQuotas.enabled",
        true,
    ),
    (
        Some(ComponentName::IngressGateways),
        "HorizontalPodAutoscaler",
        "",
        "gateways.istio-ingressgateway.autoscaleEnabled",
        true,
    ),
    (
        Some(ComponentName::EgressGateways),
        "HorizontalPodAutoscaler",
        "",
        "gateways.istio-egressgateway.autoscaleEnabled",
        true,
    ),
    (
        Some(ComponentName::IngressGateways),
        "Service",
        "",
        "gateways.istio-ingressgateway.customService",
        false,
    ),
    (
        Some(ComponentName::EgressGateways),
        "Service",
        "",
        "gateways.istio-egressgateway.customService",
        false,
    ),
];

/// Numbers of replicas that let a budget be rendered: component, path below `values`.
const REPLICAS: [(ComponentName, &str); 3] = [
    (ComponentName::Pilot, "pilot"),
    (
        ComponentName::IngressGateways,
        "gateways.istio-ingressgateway",
    ),
    (
        ComponentName::EgressGateways,
        "gateways.istio-egressgateway",
    ),
];

/// Returns what is worth trying for what is left.
pub(super) fn guesses(installed: Installed<'_>, best: &Candidate) -> Vec<Guess> {
    let mut guesses = Vec::new();
    guesses.extend(images(installed, best));
    for change in &best.residue.changes {
        let is_there = match change.class {
            ChangeClass::Create => false,
            ChangeClass::Delete | ChangeClass::Orphan => true,
            ChangeClass::Unchanged
            | ChangeClass::Change
            | ChangeClass::TakeOver
            | ChangeClass::Replace => continue,
        };
        guesses.extend(switches(change, is_there));
        if is_there {
            guesses.extend(replicas(installed, change));
            guesses.extend(root_certificate(installed, change));
        }
    }
    guesses.dedup();
    guesses
}

/// Returns other profiles, platforms and compatibility versions of the release.
pub(super) fn variants(installed: Installed<'_>, best: &Candidate) -> Vec<Guess> {
    let Some(release) = Catalog::embedded().release(installed.source) else {
        return Vec::new();
    };
    // There is an istiod, so it is none of those that use another cluster's.
    let is_remote = |name: &str| {
        let spec = release.profile(name).unwrap_or_default();
        spec.pointer("/components/istiodRemote/enabled") == Some(&json!(true))
            || spec.pointer("/values/profile") == Some(&json!("remote"))
    };
    let profiles = release
        .profiles()
        .filter(|it| *it != best.found.profile && !is_remote(it));
    let profiles = profiles.map(|it| Guess::Profile(it.to_owned()));
    let one = |path: &str, value: String| {
        let evidence = Subject::default();
        Guess::Settings(vec![setting(path, json!(value), evidence)])
    };
    let platforms = release.platforms();
    let platforms = platforms.map(|it| one("values.global.platform", it.to_owned()));
    let versions = release.compatibility_versions();
    let versions = versions
        .iter()
        .map(|it| one("compatibilityVersion", it.to_string()));
    profiles.chain(platforms).chain(versions).collect()
}

/// The registry and tag of everything, and of single components.
fn images(installed: Installed<'_>, best: &Candidate) -> Vec<Guess> {
    let mut guesses = Vec::new();
    for (component, key, image) in [
        (ComponentName::Pilot, "pilot", "pilot"),
        (ComponentName::Cni, "cni", "install-cni"),
        (ComponentName::Ztunnel, "ztunnel", "ztunnel"),
    ] {
        let container = component.container();
        let workload = |it: &&Value| matches!(text(it, "/kind"), Some("Deployment" | "DaemonSet"));
        let rendered = best.residue.rendered(component).find(workload);
        let Some(object) = rendered.and_then(crate::outcome::Ref::of) else {
            continue;
        };
        let Some(kept) = installed.snapshot.objects.get(&object) else {
            continue;
        };
        let live = image_of(&kept.value, container);
        let (Some(live), Some(wanted)) = (live, rendered.and_then(|it| image_of(it, container)))
        else {
            continue;
        };
        if live == wanted {
            continue;
        }
        let field = format!("spec.template.spec.containers[name={container}].image");
        let evidence = Subject::kept(&object, kept).field(field);
        if let Some((hub, tag)) = live
            .rsplit_once(':')
            .and_then(|(name, tag)| Some((name.strip_suffix(image)?.strip_suffix('/')?, tag)))
        {
            let both = |prefix: &str| {
                let one = |key: &str, value: &str| {
                    setting(&format!("{prefix}.{key}"), json!(value), evidence.clone())
                };
                Guess::Settings(vec![one("hub", hub), one("tag", tag)])
            };
            guesses.push(both("values.global"));
            guesses.push(both(&format!("components.{key}")));
        }
        let whole = setting(&format!("values.{key}.image"), json!(live), evidence);
        guesses.push(Guess::Settings(vec![whole]));
    }
    guesses
}

fn image_of<'a>(workload: &'a Value, container: &str) -> Option<&'a str> {
    let containers = workload.pointer("/spec/template/spec/containers")?;
    let mut containers = containers.as_array()?.iter();
    let container = containers.find(|it| text(it, "/name") == Some(container))?;
    text(container, "/image")
}

fn switches(change: &Change, is_there: bool) -> Vec<Guess> {
    let fits = |(component, kind, name, ..): &&Switch| {
        component.is_none_or(|it| change.component == it)
            && *kind == change.object.kind
            && change.object.name.contains(name)
    };
    SWITCHES
        .iter()
        .filter(fits)
        .map(|(.., path, value)| {
            let path = format!("values.{path}");
            let evidence = Subject::new(change.object.clone());
            Guess::Settings(vec![setting(&path, json!(is_there == *value), evidence)])
        })
        .collect()
}

/// Budgets are rendered only for more than one replica.
fn replicas(installed: Installed<'_>, change: &Change) -> Vec<Guess> {
    let root = REPLICAS.iter().find(|it| change.component == it.0);
    let Some((_, root)) = root.filter(|_| change.object.kind == "PodDisruptionBudget") else {
        return Vec::new();
    };
    let of = |api_version: &str, kind: &str, pointer: &str, key: &str| {
        let object = Ref {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..change.object.clone()
        };
        let kept = installed.snapshot.objects.get(&object)?;
        let number = kept.value.pointer(pointer)?.as_i64().filter(|it| *it > 1)?;
        let evidence =
            Subject::kept(&object, kept).field(pointer.trim_start_matches('/').replace('/', "."));
        let path = format!("values.{root}.{key}");
        Some(Guess::Settings(vec![setting(
            &path,
            json!(number),
            evidence,
        )]))
    };
    [
        of(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "/spec/minReplicas",
            "autoscaleMin",
        ),
        of("apps/v1", "Deployment", "/spec/replicas", "replicaCount"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The certificate by which istiod trusts those who publish keys of tokens has an object of its own.
fn root_certificate(installed: Installed<'_>, change: &Change) -> Option<Guess> {
    let object = &change.object;
    let kept = installed.snapshot.objects.get(object)?;
    let certificate = text(&kept.value, "/data/extra.pem")?;
    let is_it = object.name.starts_with("pilot-jwks-extra-cacerts");
    let evidence = Subject::kept(object, kept).field("data[\"extra.pem\"]");
    let path = "values.pilot.jwksResolverExtraRootCA";
    is_it.then(|| Guess::Settings(vec![setting(path, json!(certificate), evidence)]))
}

fn setting(path: &str, value: Value, evidence: Subject) -> Setting {
    Setting::new(
        path.split('.').map(str::to_owned).collect(),
        value,
        evidence,
    )
}
