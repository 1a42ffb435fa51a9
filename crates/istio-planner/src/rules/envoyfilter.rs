//! Patches of `EnvoyFilters`, and which proxies istiod applies them to.

use istio_catalog::Version;
use serde_json::Value;

use super::{Situation, text};
use crate::outcome::{Ref, Subject};
use crate::snapshot::Object;

/// istiod passes over a longer pattern (istio 1.31:pkg/config/validation/envoyfilter/envoyfilter.go).
const LONGEST: usize = 1024;

/// One entry of `spec.configPatches`.
#[derive(Clone, Copy)]
pub(super) struct Patch<'a> {
    pub(super) object: &'a Ref,
    kept: &'a Object,
    index: usize,
    pub(super) value: &'a Value,
}

/// A patch without the versions that it is bound to, and without its contents.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Twin<'a> {
    namespace: Option<&'a str>,
    value: Value,
    operation: Option<&'a str>,
    selector: Option<&'a Value>,
}

/// Returns the patches of every `EnvoyFilter` that people keep: those of Istio's own charts go with the apply.
pub(super) fn patches<'a>(situation: &Situation<'a>) -> Vec<Patch<'a>> {
    let filters = situation
        .objects("networking.istio.io", "EnvoyFilter")
        .filter(|(_, kept)| !is_of_chart(&kept.value));
    filters
        .flat_map(|(object, kept)| {
            let patches = kept
                .value
                .pointer("/spec/configPatches")
                .and_then(Value::as_array);
            patches
                .into_iter()
                .flatten()
                .enumerate()
                .map(move |(index, value)| Patch {
                    object,
                    kept,
                    index,
                    value,
                })
        })
        .collect()
}

/// Charts up to 1.23 install `EnvoyFilters` for telemetry, one for each proxy version.
fn is_of_chart(filter: &Value) -> bool {
    let labels = filter.pointer("/metadata/labels");
    [
        "operator.istio.io/component",
        "install.operator.istio.io/owning-resource",
    ]
    .iter()
    .any(|it| labels.and_then(|labels| labels.get(*it)).is_some())
}

impl<'a> Patch<'a> {
    /// The pattern of proxy versions that it is bound to, if any.
    pub(super) fn proxy_version(&self) -> Option<&'a str> {
        let pattern = text(self.value, "/match/proxy/proxyVersion")?;
        (!pattern.is_empty() && pattern.len() <= LONGEST).then_some(pattern)
    }

    /// Whether istiod applies it to proxies of a version; `None` for a pattern that cannot be read here. The pattern is
    /// not anchored (istio 1.30:pilot/pkg/model/envoyfilter.go:228-250).
    pub(super) fn is_for(&self, version: &str) -> Option<bool> {
        let Some(pattern) = self.proxy_version() else {
            return Some(true);
        };
        let pattern = regex_lite::Regex::new(pattern).ok()?;
        Some(pattern.is_match(version))
    }

    /// What makes two patches the same one but for the versions that they are bound to.
    pub(super) fn twin(&self) -> Twin<'a> {
        let mut value = self.value.clone();
        if let Some(proxy) = value
            .pointer_mut("/match/proxy")
            .and_then(Value::as_object_mut)
        {
            proxy.remove("proxyVersion");
        }
        // Their contents may differ from one version to the next.
        value.as_object_mut().map(|it| it.remove("patch"));
        Twin {
            namespace: self.object.namespace.as_deref(),
            value,
            operation: text(self.value, "/patch/operation"),
            selector: self.kept.value.pointer("/spec/workloadSelector"),
        }
    }

    /// Names a field of it.
    pub(super) fn subject(&self, field: &str) -> Subject {
        Subject::kept(self.object, self.kept)
            .field(format!("spec.configPatches[{}].{field}", self.index))
    }
}

/// The versions of proxies that run; the source's where none is told.
pub(super) fn running(situation: &Situation) -> Vec<String> {
    let counts = situation
        .inventory
        .proxies
        .iter()
        .chain(&situation.inventory.gateway_proxies);
    let mut versions: Vec<_> = counts.filter_map(|it| it.version.clone()).collect();
    if versions.is_empty() {
        versions.extend(situation.from.map(Version::to_string));
    }
    sorted::sort(&mut versions);
    versions.dedup();
    versions
}
