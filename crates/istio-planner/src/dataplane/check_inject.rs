//! `refit check-inject`: which injectors the API server calls for a pod, and what istiod then does.

use istio_catalog::revisioned;
use sorted::SortedMap;
use std::fmt;

use serde::Serialize;

use super::injector::Injectors;
use super::policy::{Candidate, Policy};
use crate::outcome::Ref;
use crate::snapshot::{Pod, Snapshot};

type Labels = SortedMap<String, String>;

/// The pod that is asked about: one of the export, or one that is thought up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InjectRequest {
    /// The namespace; its labels are those in the export, unless they are given.
    pub namespace: Option<String>,
    /// Labels of the namespace.
    pub namespace_labels: Option<Labels>,
    /// Labels of the pod, unless `pod` names one.
    pub labels: Labels,
    /// A pod of the export, as `name` or `namespace/name`.
    pub pod: Option<String>,
}

/// Why nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// The export has no such namespace.
    #[error("namespace {0} is not in the export; give its labels with --namespace-labels")]
    NoNamespace(String),
    /// The export has no such pod.
    #[error("pod {0} is not in the export")]
    NoPod(String),
    /// Several namespaces have a pod of this name.
    #[error("there are several pods {0}; say which with --namespace")]
    SeveralPods(String),
}

/// Which injectors are called for a pod, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectReport {
    /// `configuration/webhook` of each that the API server calls, sorted.
    pub calls: Vec<String>,
    /// Why the API server refuses the pod, where a webhook that must answer does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether the pod gets a proxy.
    pub injected: bool,
    /// The revision that injects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why it gets none, or gets more than one; absent where it is injected as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The injectors that are not called.
    pub passed_over: Vec<PassedOver>,
}

/// An injector that is not called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassedOver {
    /// `configuration/webhook`.
    pub webhook: String,
    /// Why.
    pub reason: String,
}

/// Tells which injectors the API server calls for a pod.
pub fn check_inject(
    snapshot: &Snapshot,
    request: &InjectRequest,
) -> Result<InjectReport, InjectError> {
    let pod = request
        .pod
        .as_deref()
        .map(|it| find(snapshot, it, request.namespace.as_deref()))
        .transpose()?;
    let namespace = pod
        .map(|it| it.namespace.as_str())
        .or(request.namespace.as_deref());
    let namespace_labels = match (&request.namespace_labels, namespace) {
        (Some(labels), _) => labels.clone(),
        (None, Some(namespace)) => namespace_labels(snapshot, namespace)
            .ok_or_else(|| InjectError::NoNamespace(namespace.to_owned()))?,
        (None, None) => Labels::new(),
    };
    let none = Labels::new();
    let candidate = Candidate {
        namespace: namespace.unwrap_or_default(),
        labels: pod.map_or(&request.labels, |it| &it.labels),
        annotations: pod.map_or(&none, |it| &it.annotations),
        host_network: pod.is_some_and(|it| it.host_network),
    };
    Ok(report(snapshot, &namespace_labels, candidate))
}

fn report(
    snapshot: &Snapshot,
    namespace_labels: &Labels,
    candidate: Candidate<'_>,
) -> InjectReport {
    let configurations = snapshot
        .objects
        .iter()
        .filter(|(it, _)| it.kind == "MutatingWebhookConfiguration");
    let injectors = Injectors::read(configurations.map(|(_, it)| &it.value));
    let called = injectors.called(namespace_labels, candidate.labels);
    let mut calls: Vec<_> = called.iter().map(|it| it.name()).collect();
    sorted::sort(&mut calls);
    let passed_over = injectors
        .iter()
        .filter_map(|it| {
            let reason = it.passes_over(namespace_labels, candidate.labels)?;
            Some(PassedOver {
                webhook: it.name(),
                reason,
            })
        })
        .collect();
    let first = called.first();
    let refused = first.and_then(|it| {
        let name = revisioned("istio-sidecar-injector", it.revision);
        let object = Ref::new(
            "v1",
            "ConfigMap",
            it.namespace.as_deref().unwrap_or_default(),
            &name,
        );
        Policy::read(snapshot.objects.get(&object).map(|it| &it.value)).refuses(candidate)
    });
    let several = called
        .iter()
        .any(|it| Some(it.configuration) != first.map(|it| it.configuration));
    let reason = match (first, refused.clone()) {
        (None, _) if injectors.is_empty() => Some("no injector is in the export".to_owned()),
        (None, _) => Some("no injector selects it".to_owned()),
        (Some(_), Some(refused)) => Some(refused),
        (Some(_), None) => several.then(|| "several injectors select it".to_owned()),
    };
    let refusals = super::refusal::refusals(snapshot, namespace_labels, candidate.labels);
    let unanswered = (!refusals.is_empty()).then(|| refusals.join("; "));
    let injected = first.is_some() && refused.is_none() && unanswered.is_none();
    let revision = first.filter(|_| injected).map(|it| it.revision.to_owned());
    InjectReport {
        calls,
        refused: unanswered,
        injected,
        revision,
        reason,
        passed_over,
    }
}

/// Returns a namespace's labels; the API server adds its name to them.
pub(crate) fn namespace_labels(snapshot: &Snapshot, namespace: &str) -> Option<Labels> {
    let object: Ref = Ref::new("v1", "Namespace", "", namespace);
    let kept = snapshot.objects.get(&object)?;
    let labels = kept
        .value
        .pointer("/metadata/labels")
        .and_then(|it| it.as_object());
    let mut labels: Labels = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    labels.insert(
        "kubernetes.io/metadata.name".to_owned(),
        namespace.to_owned(),
    );
    Some(labels)
}

fn find<'a>(
    snapshot: &'a Snapshot,
    pod: &str,
    namespace: Option<&str>,
) -> Result<&'a Pod, InjectError> {
    let (namespace, name) = match pod.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (namespace, pod),
    };
    let named =
        |it: &&Pod| it.name == name && namespace.is_none_or(|namespace| it.namespace == namespace);
    let mut found = snapshot.pods.values().filter(named);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(InjectError::SeveralPods(name.to_owned())),
        (None, _) => Err(InjectError::NoPod(pod.to_owned())),
    }
}

impl fmt::Display for InjectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.revision, &self.reason) {
            _ if self.refused.is_some() => {
                let why = self.refused.as_deref().unwrap_or_default();
                writeln!(f, "refused: {why}")?;
            }
            (Some(revision), None) => writeln!(f, "injected by revision {revision}")?,
            (Some(revision), Some(reason)) => {
                writeln!(f, "injected by revision {revision}, but {reason}")?;
            }
            (None, Some(reason)) => writeln!(f, "not injected: {reason}")?,
            (None, None) => writeln!(f, "not injected")?,
        }
        for call in &self.calls {
            writeln!(f, "  called      {call}")?;
        }
        for it in &self.passed_over {
            writeln!(f, "  not called  {}: {}", it.webhook, it.reason)?;
        }
        Ok(())
    }
}
