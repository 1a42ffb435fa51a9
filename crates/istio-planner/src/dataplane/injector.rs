//! Istio's injectors, and which of them the API server calls for a pod.

use istio_catalog::DEFAULT_REVISION;
use sorted::SortedMap;

use serde_json::Value;

use super::selector::{Sieve, matches, unmet, wanted};
use crate::inventory::webhook_namespace;

type Labels = SortedMap<String, String>;

/// A webhook that injects proxies.
#[derive(Debug, Clone)]
pub(crate) struct Injector<'a> {
    /// The name of its configuration.
    pub(crate) configuration: &'a str,
    /// Its name in there.
    pub(crate) webhook: &'a str,
    /// The revision whose istiod it calls; `default` where the configuration does not say.
    pub(crate) revision: &'a str,
    /// The namespace of that istiod; `None` for an address outside the cluster.
    pub(crate) namespace: Option<String>,
    object: &'a Value,
}

impl Injector<'_> {
    /// `configuration/webhook`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.configuration, self.webhook)
    }

    /// Returns why the API server does not call it for a pod that is created, `None` when it does.
    pub(crate) fn passes_over(&self, namespace: &Labels, pod: &Labels) -> Option<String> {
        if !self.is_for_new_pods() {
            return Some("its rules do not name the creation of pods".to_owned());
        }
        let selected = |key: &str, labels| {
            unmet(self.object.get(key), labels).map(|it| format!("its {key} {it}"))
        };
        selected("namespaceSelector", namespace).or_else(|| selected("objectSelector", pod))
    }

    /// Whether the API server calls it for a pod that is created.
    fn calls(&self, namespace: &Labels, pod: &Labels) -> bool {
        self.is_for_new_pods()
            && matches(self.object.get("namespaceSelector"), namespace)
            && matches(self.object.get("objectSelector"), pod)
    }

    /// Evaluates the rules as kubernetes 1.36:staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules
    /// does; `matchPolicy` does not matter, because pods have one group and version.
    fn is_for_new_pods(&self) -> bool {
        let rules = self.object.get("rules").and_then(Value::as_array);
        rules.into_iter().flatten().any(|rule| {
            let names = |key: &str, wanted: &[&str]| {
                let listed = rule.get(key).and_then(Value::as_array);
                listed
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .any(|it| wanted.contains(&it))
            };
            let scope = rule.get("scope").and_then(Value::as_str).unwrap_or("*");
            names("operations", &["CREATE", "*"])
                && names("apiGroups", &["", "*"])
                && names("apiVersions", &["v1", "*"])
                && names("resources", &["pods", "*", "pods/*", "*/*"])
                && matches!(scope, "*" | "Namespaced")
        })
    }
}

/// Every injector of some configurations, in the order in which the API server calls them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Injectors<'a> {
    all: Vec<Injector<'a>>,
    /// Places in `all` by the labels of namespaces that they want.
    by_namespace: Sieve<usize>,
    /// Those of the rest by the labels of pods that they want.
    by_pod: Sieve<usize>,
}

impl<'a> Injectors<'a> {
    /// Reads `MutatingWebhookConfiguration` objects; webhooks of others than Istio are left out.
    pub(crate) fn read(configurations: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut injectors: Vec<_> = configurations
            .into_iter()
            .flat_map(of_configuration)
            .collect();
        sorted::sort_by_key(&mut injectors, |it| it.configuration);
        let (mut by_namespace, mut by_pod) = (Sieve::default(), Sieve::default());
        for (at, injector) in injectors.iter().enumerate() {
            let of_namespace = injector.object.get("namespaceSelector");
            if wanted(of_namespace).is_some() {
                by_namespace.add(of_namespace, at);
            } else {
                by_pod.add(injector.object.get("objectSelector"), at);
            }
        }
        Self {
            all: injectors,
            by_namespace,
            by_pod,
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Injector<'a>> {
        self.all.iter()
    }

    /// Returns those that the API server calls for a pod that is created.
    pub(crate) fn called(&self, namespace: &Labels, pod: &Labels) -> Vec<&Injector<'a>> {
        let of_namespace = self.by_namespace.candidates(namespace);
        let mut found: Vec<usize> = of_namespace
            .chain(self.by_pod.candidates(pod))
            .copied()
            .collect();
        sorted::sort(&mut found);
        found
            .into_iter()
            .filter_map(|at| self.all.get(at))
            .filter(|it| it.calls(namespace, pod))
            .collect()
    }
}

fn of_configuration(configuration: &Value) -> Vec<Injector<'_>> {
    let metadata = configuration.get("metadata");
    let name = metadata
        .and_then(|it| it.get("name")?.as_str())
        .unwrap_or_default();
    let revision = metadata.and_then(|it| it.get("labels")?.get("istio.io/rev")?.as_str());
    let namespace = webhook_namespace(configuration);
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    webhooks
        .into_iter()
        .flatten()
        .filter(|it| injects(it))
        .map(|object| Injector {
            configuration: name,
            webhook: object
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
            revision: revision.unwrap_or(DEFAULT_REVISION),
            namespace: namespace.clone(),
            object,
        })
        .collect()
}

/// Istio's webhooks by name, since 1.6; renamed ones by the path that istiod serves.
fn injects(webhook: &Value) -> bool {
    let text = |pointer: &str| {
        webhook
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    text("/name").ends_with("sidecar-injector.istio.io")
        || text("/clientConfig/service/path").starts_with("/inject")
        || text("/clientConfig/url").contains("/inject")
}
