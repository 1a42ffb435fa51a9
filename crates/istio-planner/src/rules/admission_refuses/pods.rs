//! Pod security levels of namespaces, against the pods that the apply and restarts make
//! (kubernetes@v1.36.3:staging/src/k8s.io/pod-security-admission/policy).

use serde_json::Value;
use sorted::SortedMap;

use crate::dataplane::namespace_labels;
use crate::inventory::Made;
use crate::outcome::{ChangeClass, Finding, Level, RestartHow, Subject};
use crate::rules::Code;
use crate::rules::{Situation, count, enumerate, text, workload_subject};

/// What a namespace enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Enforced {
    Baseline,
    Restricted,
}

impl Enforced {
    fn read(situation: &Situation, namespace: &str) -> Option<Self> {
        let labels = namespace_labels(situation.snapshot, namespace)?;
        match labels.get("pod-security.kubernetes.io/enforce")?.as_str() {
            "baseline" => Some(Self::Baseline),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    [injected(situation), applied(situation)]
        .into_iter()
        .flatten()
        .collect()
}

/// Workloads whose new pods get the init container that sets up iptables.
fn injected(situation: &Situation) -> Option<Finding> {
    if !injects_init(situation)? {
        return None;
    }
    let mut subjects = Vec::new();
    let mut namespaces: SortedMap<&str, Enforced> = SortedMap::new();
    let mut had = false;
    let with_init = Made::new(situation.snapshot, |it| {
        it.containers.iter().any(|it| it.name == "istio-init")
    });
    let renewed = situation
        .restarts
        .iter()
        .filter(|it| it.how != RestartHow::None && it.to.is_some());
    for restart in renewed {
        let namespace = restart.object.namespace.as_deref().unwrap_or_default();
        let Some(level) = Enforced::read(situation, namespace) else {
            continue;
        };
        let key = (
            restart.object.kind.clone(),
            namespace.to_owned(),
            restart.object.name.clone(),
        );
        let Some(workload) = situation.snapshot.workloads.get(&key) else {
            continue;
        };
        // Gateways are injected by other templates, which have no such container.
        let templates = workload
            .template_annotations
            .get("inject.istio.io/templates");
        let gateway = workload
            .template_labels
            .contains_key("gateway.networking.k8s.io/gateway-name")
            || workload.labels.contains_key("operator.istio.io/component")
            || templates.is_some_and(|it| !it.split(',').any(|it| it.trim() == "sidecar"));
        if gateway {
            continue;
        }
        had |= !with_init.by(&restart.object).is_empty();
        namespaces.insert(namespace, level);
        subjects.push(workload_subject(workload));
    }
    if subjects.is_empty() {
        return None;
    }
    let mut levels: Vec<_> = namespaces
        .iter()
        .map(|(name, level)| format!("{name} ({})", level.word()))
        .collect();
    levels.truncate(5);
    let spaces = namespaces.keys().map(|it| {
        namespace_subject(it).field("metadata.labels[pod-security.kubernetes.io/enforce]")
    });
    let finding = Finding::new(
        Code::AdmissionRefuses,
        Level::Warn,
        format!(
            "Pod security refuses the restarted pods of {}: istio-init needs NET_ADMIN",
            count(subjects.len(), "workload")
        ),
        format!(
            "Without CNI each injected pod gets the init container istio-init with the capabilities NET_ADMIN and NET_RAW{}. \
             Namespaces that enforce a level refuse such pods: {}. A restart takes the old pods away and makes no new ones",
            if had {
                ""
            } else {
                ", which the pods that run do not have"
            },
            enumerate(&levels)
        ),
    );
    Some(finding.about(subjects).about(spaces).fix(
        "Keep or switch on CNI: `components.cni.enabled: true` with `values.pilot.cni.enabled: true` (before 1.24 \
         `values.istio_cni.enabled: true`); or do not restart these workloads, or lower the level of the namespaces",
    ))
}

fn namespace_subject(name: &str) -> Subject {
    Subject::new(crate::outcome::Ref {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: name.to_owned(),
    })
}

/// Whether the injector of the target gives pods istio-init: its template does, and its values do not switch on CNI.
pub(super) fn injects_init(situation: &Situation) -> Option<bool> {
    let objects = situation
        .desired?
        .rendering
        .components
        .iter()
        .flat_map(|it| &it.objects);
    let injector = objects
        .filter(|it| text(it, "/kind") == Some("ConfigMap"))
        .find(|it| {
            text(it, "/metadata/name").is_some_and(|it| it.starts_with("istio-sidecar-injector"))
        })?;
    let values: Value = serde_json::from_str(text(injector, "/data/values")?).ok()?;
    let template = text(injector, "/data/config").unwrap_or_default();
    let on = |pointer: &str, name: &str| {
        template.contains(name) && values.pointer(pointer).and_then(Value::as_bool) == Some(true)
    };
    let cni = on("/pilot/cni/enabled", ".Values.pilot.cni.enabled")
        || on("/istio_cni/enabled", ".Values.istio_cni.enabled");
    Some(template.contains("istio-init") && !cni)
}

/// Workloads of the installation whose pods their own namespace refuses.
fn applied(situation: &Situation) -> Option<Finding> {
    let mut subjects = Vec::new();
    let mut reasons = Vec::new();
    for change in situation.desired?.changes {
        let rolls = matches!(change.class, ChangeClass::Create | ChangeClass::Replace)
            || change
                .fields
                .iter()
                .any(|it| it.path.starts_with("spec.template"));
        let workload = matches!(change.object.kind.as_str(), "Deployment" | "DaemonSet");
        if !rolls || !workload {
            continue;
        }
        let namespace = change.object.namespace.as_deref().unwrap_or_default();
        let (Some(level), Some(predicted)) =
            (Enforced::read(situation, namespace), &change.predicted)
        else {
            continue;
        };
        let Some(spec) = predicted.pointer("/spec/template/spec") else {
            continue;
        };
        if let Some(why) = violation(spec, level) {
            let kept = situation.snapshot.objects.get(&change.object);
            subjects.push(match kept {
                Some(kept) => Subject::kept(&change.object, kept),
                None => Subject::new(change.object.clone()),
            });
            reasons.push(format!(
                "{} {} in {namespace}, which enforces {}: {why}",
                change.object.kind,
                change.object.name,
                level.word()
            ));
        }
    }
    if subjects.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Code::AdmissionRefuses,
        Level::Warn,
        format!(
            "Pod security refuses the new pods of {} of the installation",
            count(subjects.len(), "workload")
        ),
        format!(
            "{}. The workload is applied, its pods are not made, and the step waits for them until its time is over",
            reasons.join("; ")
        ),
    );
    Some(finding.about(subjects).fix(
        "Lower `pod-security.kubernetes.io/enforce` of the namespace before the upgrade (ztunnel and the CNI agent need \
         `privileged`), or give the containers what the level wants",
    ))
}

/// The first thing in a pod that a level forbids.
fn violation(spec: &Value, level: Enforced) -> Option<String> {
    let on = |key: &str| spec.get(key).and_then(Value::as_bool) == Some(true);
    if let Some(key) = ["hostNetwork", "hostPID", "hostIPC"]
        .iter()
        .find(|it| on(it))
    {
        return Some(format!("`{key}`"));
    }
    let list = |key: &str| {
        spec.get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    if let Some(volume) = list("volumes").find(|it| it.get("hostPath").is_some()) {
        return Some(format!(
            "the hostPath volume {}",
            text(volume, "/name").unwrap_or_default()
        ));
    }
    let containers: Vec<&Value> = list("initContainers").chain(list("containers")).collect();
    containers
        .iter()
        .find_map(|it| of_container(it, spec, level))
}

/// Capabilities that the level baseline lets containers add.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn of_container(container: &Value, spec: &Value, level: Enforced) -> Option<String> {
    let name = text(container, "/name").unwrap_or_default();
    let context = container.get("securityContext");
    let flag = |key: &str| context.and_then(|it| it.get(key)?.as_bool());
    let of_pod = |key: &str| spec.pointer(&format!("/securityContext/{key}"));
    let capabilities = |key: &str| -> Vec<&str> {
        let listed = context.and_then(|it| it.pointer(&format!("/capabilities/{key}"))?.as_array());
        listed
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    };
    if flag("privileged") == Some(true) {
        return Some(format!("container {name} is privileged"));
    }
    let restricted = level == Enforced::Restricted;
    let allowed = |it: &&str| {
        if restricted {
            *it == "NET_BIND_SERVICE"
        } else {
            CAPABILITIES.contains(it)
        }
    };
    if let Some(added) = capabilities("add").into_iter().find(|it| !allowed(it)) {
        return Some(format!("container {name} adds the capability {added}"));
    }
    let ports = container.get("ports").and_then(Value::as_array);
    let port = |it: &Value| it.get("hostPort").and_then(Value::as_i64).unwrap_or(0) > 0;
    if ports.is_some_and(|it| it.iter().any(port)) {
        return Some(format!("container {name} takes a host port"));
    }
    if !restricted {
        return None;
    }
    if flag("allowPrivilegeEscalation") != Some(false) {
        return Some(format!(
            "container {name} does not forbid privilege escalation"
        ));
    }
    if !capabilities("drop").contains(&"ALL") {
        return Some(format!("container {name} does not drop all capabilities"));
    }
    let non_root = flag("runAsNonRoot").or_else(|| of_pod("runAsNonRoot").and_then(Value::as_bool));
    if non_root != Some(true) {
        return Some(format!("container {name} does not say `runAsNonRoot`"));
    }
    let profile = context
        .and_then(|it| it.pointer("/seccompProfile/type"))
        .or_else(|| of_pod("seccompProfile").and_then(|it| it.get("type")));
    if !matches!(
        profile.and_then(Value::as_str),
        Some("RuntimeDefault" | "Localhost")
    ) {
        return Some(format!("container {name} has no seccomp profile"));
    }
    None
}
