//! `crd-stored-version`: a definition must go on serving what it has stored (domain §8.5).

use serde_json::Value;
use sorted::SortedMap;

use super::Code;
use super::Explanation;
use super::links::CRDS;
use super::{Situation, text};
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A CustomResourceDefinition has stored objects in a version that the older release does not serve.",
    why: "The API server refuses a definition that drops a stored version, or the objects can be read no longer.",
    settle: "Keep the newer definition, or migrate the stored objects and remove the version from \
             `status.storedVersions` first.",
    source: "apiextensions.k8s.io/v1, status.storedVersions",
    link: CRDS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(desired) = situation.desired else {
        return Vec::new();
    };
    let rendered: SortedMap<_, _> = desired
        .rendering
        .components
        .iter()
        .flat_map(|it| &it.objects)
        .filter(|it| text(it, "/kind") == Some("CustomResourceDefinition"))
        .filter_map(|it| Some((text(it, "/metadata/name")?, it)))
        .collect();
    situation.objects("apiextensions.k8s.io", "CustomResourceDefinition")
        .filter_map(|(object, kept)| {
            let lost = lost(&kept.value, rendered.get(object.name.as_str())?);
            (!lost.is_empty()).then(|| {
                Finding::new(
                    Code::CrdStoredVersion,
                    Level::Block,
                    format!("{} has objects stored as {}, which the target does not serve", object.name, lost.join(" and ")),
                    "The API server refuses a definition that drops a stored version",
                )
                .about([Subject::kept(object, kept).field("status.storedVersions").value(lost)])
                .fix("Keep the newer definition, or migrate the stored objects and take the version out of `status.storedVersions`")
            })
        })
        .collect()
}

/// Returns the stored versions that another definition does not serve.
fn lost(live: &Value, rendered: &Value) -> Vec<String> {
    let versions = rendered.pointer("/spec/versions").and_then(Value::as_array);
    let served: Vec<_> = versions
        .into_iter()
        .flatten()
        .filter(|it| it.get("served").and_then(Value::as_bool) == Some(true))
        .filter_map(|it| text(it, "/name"))
        .collect();
    let stored = live
        .pointer("/status/storedVersions")
        .and_then(Value::as_array);
    stored
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|it| !served.contains(it))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check, lost};
    use crate::rules::fixture::Cluster;

    fn definition(versions: &[(&str, bool)]) -> Value {
        let versions: Vec<_> = versions
            .iter()
            .map(|(name, served)| json!({"name": name, "served": served}))
            .collect();
        json!({"spec": {"versions": versions}})
    }

    #[test]
    fn a_stored_version_that_is_dropped_or_no_longer_served_is_lost() {
        let live = json!({"status": {"storedVersions": ["v1", "v1beta1"]}});
        assert_eq!(lost(&live, &definition(&[("v1beta1", true)])), ["v1"]);
        assert_eq!(
            lost(&live, &definition(&[("v1beta1", true), ("v1", false)])),
            ["v1"]
        );
    }

    #[test]
    fn stored_versions_that_are_served_are_kept() {
        let live = json!({"status": {"storedVersions": ["v1beta1"]}});
        assert!(lost(&live, &definition(&[("v1", true), ("v1beta1", true)])).is_empty());
        assert!(lost(&json!({}), &definition(&[])).is_empty());
    }

    #[test]
    fn a_definition_that_drops_a_stored_version_blocks() {
        let crd = |versions: Value, stored: Value| {
            json!({
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": "virtualservices.networking.istio.io"},
                "spec": {"versions": versions},
                "status": {"storedVersions": stored},
            })
        };
        let both = json!([{"name": "v1", "served": true}, {"name": "v1beta1", "served": true}]);
        let older = json!([{"name": "v1beta1", "served": true}]);
        let mut cluster = Cluster::new();
        cluster.object(crd(both.clone(), json!(["v1"])));
        cluster.render("Base", crd(older, json!([])));
        assert_eq!(cluster.codes(check), ["crd-stored-version Block"]);
        cluster.rendering = None;
        cluster.render("Base", crd(both, json!([])));
        assert!(cluster.check(check).is_empty());
    }
}
