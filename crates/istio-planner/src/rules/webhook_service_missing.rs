//! `webhook-service-missing`: a webhook that must answer calls a Service that is not there, or that nothing answers.

use istio_catalog::ComponentName;
use sorted::{SortedMap, SortedSet};

use serde_json::Value;

use super::{Explanation, Situation, enumerate, text};
use crate::dataplane::namespace_labels;
use crate::dataplane::refusal::{must_answer, selects_pods};
use crate::dataplane::selector::{Sieve, matches};
use crate::inventory::{Unreachable, unreachable};
use crate::outcome::{ChangeClass, Finding, Level, Ref, RestartHow, Subject};
use crate::rules::Code;
use crate::rules::writes::{Written, written};
use crate::snapshot::{Object, Workload};

/// What `refit explain webhook-service-missing` says.
pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A webhook with `failurePolicy: Fail` for pods, for Istio's objects or for others that the apply writes calls a Service that does not exist, or \
              behind which no pod is ready.",
    why: "The API server refuses every write that such a webhook selects: no pod of a rollout is made, or no object of Istio \
          can be changed. An upgrade that needs one of these writes stops in the middle.",
    settle: "Delete the configuration when what it belonged to is gone, or bring its Service back. Where the target renders \
             the configuration, the plan puts it right, and the finding says in which step.",
    source: "kubernetes@v1.36.3:staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook (failurePolicy); \
             1.30.3:manifests/charts/base/templates/defaultrevision-validatingwebhookconfiguration.yaml",
    link: Some(
        "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#failure-policy",
    ),
};

/// Kinds of configurations.
const CONFIGURATIONS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let writes = written(situation);
    let configurations: Vec<_> = CONFIGURATIONS
        .iter()
        .flat_map(|kind| situation.objects("admissionregistration.k8s.io", kind))
        .map(|(object, kept)| (object, broken(situation, object, kept, &writes)))
        .filter(|(_, broken)| !broken.is_empty())
        .collect();
    let refused = refused(situation, &configurations);
    configurations
        .iter()
        .zip(refused)
        .map(|((object, broken), refused)| finding(situation, object, broken, &refused))
        .collect()
}

/// A webhook that refuses.
struct Broken<'a> {
    webhook: &'a Value,
    subject: Subject,
    /// `namespace/name`.
    service: String,
    why: Unreachable,
    pods: bool,
    istio: bool,
    /// Objects of other kinds that the apply writes and that it selects.
    writes: Vec<String>,
}

fn broken<'a>(
    situation: &Situation<'a>,
    object: &'a Ref,
    kept: &'a Object,
    written: &[Written],
) -> Vec<Broken<'a>> {
    let webhooks = kept.value.get("webhooks").and_then(Value::as_array);
    webhooks
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(at, webhook)| {
            if !must_answer(webhook) {
                return None;
            }
            let (pods, istio) = (selects_pods(webhook), selects_istio(webhook));
            let writes = selected(situation, webhook, written);
            if !pods && !istio && writes.is_empty() {
                return None;
            }
            let service = webhook.pointer("/clientConfig/service")?;
            let (namespace, name) = (text(service, "/namespace")?, text(service, "/name")?);
            let why = unreachable(situation.snapshot, namespace, name)?;
            // An istiod that is not ready is told by `control-plane-not-ready`.
            if why == (Unreachable::NoEndpoint { pods: true })
                && situation
                    .inventory
                    .control_planes
                    .iter()
                    .any(|it| it.namespace == namespace)
            {
                return None;
            }
            Some(Broken {
                webhook,
                subject: Subject::kept(object, kept)
                    .field(format!("webhooks[{at}].clientConfig.service"))
                    .value(format!("{namespace}/{name}")),
                service: format!("{namespace}/{name}"),
                why,
                pods,
                istio,
                writes,
            })
        })
        .collect()
}

/// What the apply writes and a webhook selects, but for objects of Istio, which stand for themselves.
fn selected(situation: &Situation, webhook: &Value, written: &[Written]) -> Vec<String> {
    let meant = |write: &&Written| {
        !is_istio(super::group_of(&write.object.api_version))
            && rules(webhook).any(|it| write.is_named(it))
            && write.is_selected(situation, webhook)
    };
    let selected = written.iter().filter(meant);
    selected.map(|it| it.object.to_string()).collect()
}

fn finding(situation: &Situation, object: &Ref, broken: &[Broken], refused: &Refused) -> Finding {
    let services: SortedMap<_, _> = broken
        .iter()
        .map(|it| (it.service.as_str(), it.why))
        .collect();
    let services: Vec<_> = services
        .into_iter()
        .map(|(service, why)| format!("{service}, {}", why.words()))
        .collect();
    let repair = repair(situation, object);
    let mut what = Vec::new();
    if broken.iter().any(|it| it.pods) {
        what.push(refused.pods());
    }
    if broken.iter().any(|it| it.istio) {
        what.push("every new or changed object of the Istio kinds that it selects".to_owned());
    }
    let writes: SortedSet<_> = broken.iter().flat_map(|it| &it.writes).collect();
    if !writes.is_empty() {
        what.push(format!("the apply's writes of {}", few(&writes)));
    }
    let until = match repair {
        Some(step) => format!("until the step `{step}`, in which the plan sets the right Service"),
        None => "until it is repaired; the plan does not touch it".to_owned(),
    };
    let stops = repair.is_none() && (refused.stops_the_plan() || !writes.is_empty());
    let level = if stops { Level::Block } else { Level::Warn };
    let fix = if repair.is_some() {
        "Nothing, if the plan is to repair it; before that, write nothing that it refuses"
            .to_owned()
    } else {
        format!(
            "Delete the configuration with `kubectl delete {} {}` if what it belonged to is gone (for a revision tag, set the \
             tag again), or bring its Service back, before the apply",
            object.kind.to_ascii_lowercase(),
            object.name
        )
    };
    Finding::new(
        Code::WebhookServiceMissing,
        level,
        format!("{} calls what does not answer", object.name),
        format!(
            "It calls {}, and has failurePolicy Fail: the API server refuses {} {until}{}",
            enumerate(&services),
            enumerate(&what),
            if stops {
                ". The plan needs such writes"
            } else {
                ""
            }
        ),
    )
    .about(broken.iter().map(|it| it.subject.clone()))
    .fix(fix)
}

/// Workloads of this plan whose pods a webhook refuses, and Istio's objects that it writes.
#[derive(Clone)]
struct Refused {
    workloads: SortedSet<String>,
    objects: usize,
}

impl Refused {
    fn pods(&self) -> String {
        if self.workloads.is_empty() {
            return "every new pod that it selects".to_owned();
        }
        let among = few(&self.workloads.iter().collect());
        format!("new pods that it selects, among them those of {among}")
    }

    fn stops_the_plan(&self) -> bool {
        !self.workloads.is_empty() || self.objects > 0
    }
}

/// The first names, and how many more there are.
fn few(names: &SortedSet<&String>) -> String {
    const NAMED: usize = 5;
    let shown: Vec<_> = names.iter().take(NAMED).copied().collect();
    match names.len().saturating_sub(NAMED) {
        0 => enumerate(&shown),
        more => format!("{} and {more} more", enumerate(&shown)),
    }
}

/// What each of the configurations refuses.
fn refused(situation: &Situation, configurations: &[(&Ref, Vec<Broken>)]) -> Vec<Refused> {
    let none = Refused {
        workloads: SortedSet::new(),
        objects: 0,
    };
    let mut refused = vec![none; configurations.len()];
    // Webhooks by the labels of namespaces that they want, each with the place of its configuration.
    let mut webhooks = Sieve::default();
    for (at, (_, broken)) in configurations.iter().enumerate() {
        for webhook in broken.iter().filter(|it| it.pods).map(|it| it.webhook) {
            webhooks.add(webhook.get("namespaceSelector"), (at, webhook));
        }
    }
    let mut namespaces = SortedMap::new();
    let restarted = situation
        .restarts
        .iter()
        .filter(|it| it.how != RestartHow::None)
        .map(|it| &it.object);
    let changes = situation.desired.map(|it| it.changes).unwrap_or_default();
    let rolled = changes
        .iter()
        .filter(|it| is_written(it.class))
        .filter(|it| {
            it.fields
                .iter()
                .any(|it| it.path.starts_with("spec.template"))
        })
        .map(|it| &it.object);
    for object in restarted.chain(rolled) {
        let namespace = object.namespace.clone().unwrap_or_default();
        let key = (object.kind.clone(), namespace.clone(), object.name.clone());
        let Some(workload) = situation.snapshot.workloads.get(&key) else {
            continue;
        };
        let labels = namespaces
            .entry(workload.namespace.as_str())
            .or_insert_with(|| namespace_labels(situation.snapshot, &workload.namespace));
        let Some(labels) = labels else { continue };
        for (at, webhook) in webhooks.candidates(labels) {
            if selects(webhook, labels, workload)
                && let Some(refused) = refused.get_mut(*at)
            {
                let name = format!("{namespace}/{}", object.name);
                refused.workloads.insert(name);
            }
        }
    }
    let written = changes
        .iter()
        .filter(|it| is_written(it.class))
        .filter(|it| is_istio(super::group_of(&it.object.api_version)));
    let written = written.count();
    for (refused, (_, broken)) in refused.iter_mut().zip(configurations) {
        if broken.iter().any(|it| it.istio) {
            refused.objects = written;
        }
    }
    refused
}

/// Whether a webhook selects the pods of a workload; conditions in CEL are taken as met.
fn selects(webhook: &Value, namespace: &SortedMap<String, String>, workload: &Workload) -> bool {
    matches(webhook.get("namespaceSelector"), namespace)
        && matches(webhook.get("objectSelector"), &workload.template_labels)
}

/// The step in which the plan writes the configuration again with a Service that is there.
fn repair(situation: &Situation, object: &Ref) -> Option<&'static str> {
    let desired = situation.desired?;
    let changes = desired.changes.iter();
    let written = changes
        .into_iter()
        .find(|it| it.object.kind == object.kind && it.object.name == object.name)
        .filter(|it| is_written(it.class))?;
    if written.class == ChangeClass::Delete {
        return Some("prune");
    }
    let objects = || {
        desired
            .rendering
            .components
            .iter()
            .flat_map(|component| component.objects.iter().map(move |it| (component, it)))
    };
    let rendered = objects().find(|(_, it)| {
        text(it, "/kind") == Some(object.kind.as_str())
            && text(it, "/metadata/name") == Some(object.name.as_str())
    });
    // What no component renders, and is written all the same, are the webhooks of the default tag.
    let Some((component, rendered)) = rendered else {
        return Some("apply-tag");
    };
    let makes = |namespace: &str, name: &str| {
        objects().any(|(component, it)| {
            text(it, "/kind") == Some("Service")
                && text(it, "/metadata/name") == Some(name)
                && text(it, "/metadata/namespace").unwrap_or(&component.namespace) == namespace
        })
    };
    let webhooks = rendered.get("webhooks").and_then(Value::as_array)?;
    let right = webhooks.iter().all(|it_| {
        let Some(service) = it_.pointer("/clientConfig/service") else {
            return true;
        };
        let (Some(namespace), Some(name)) = (text(service, "/namespace"), text(service, "/name"))
        else {
            return false;
        };
        makes(namespace, name) || unreachable(situation.snapshot, namespace, name).is_none()
    });
    right.then_some(if component.name == ComponentName::Base {
        "apply-base"
    } else {
        "apply-pilot-injection"
    })
}

/// Whether the plan writes or deletes an object of this class.
fn is_written(class: ChangeClass) -> bool {
    !matches!(class, ChangeClass::Unchanged | ChangeClass::Orphan)
}

fn rules(webhook: &Value) -> impl Iterator<Item = &Value> {
    webhook
        .get("rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn names(rule: &Value, key: &str, is_meant: impl Fn(&str) -> bool) -> bool {
    rule.get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(is_meant)
}

/// Whether its rules name writes of objects of Istio.
fn selects_istio(webhook: &Value) -> bool {
    rules(webhook).any(|rule| {
        names(rule, "operations", |it| {
            matches!(it, "CREATE" | "UPDATE" | "*")
        }) && names(rule, "apiGroups", is_istio)
    })
}

fn is_istio(group: &str) -> bool {
    group == "istio.io" || group.ends_with(".istio.io")
}

#[cfg(test)]
mod tests;
