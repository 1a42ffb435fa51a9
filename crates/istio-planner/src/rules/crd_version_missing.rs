//! `crd-version-missing`: CRDs that the request leaves alone lack a version that the target's istiod reads.

use istio_catalog::ComponentName;
use sorted::SortedSet;

use serde_json::Value;

use super::{Code, Explanation, Situation, count, enumerate, group_of, text};
use crate::crds::version_read;
use crate::outcome::{Finding, Level, Subject};

/// What `refit explain crd-version-missing` says.
pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The cluster's CRDs do not serve a version in which the target's istiod reads their objects, and the request \
              does not apply them.",
    why: "istiod passes over a CRD that does not serve the version it reads: all objects of that kind end to have an effect \
          when istiod is replaced, without a word. Routes, policies and Telemetry would be gone for every proxy.",
    settle: "Upgrade the CRDs first, by whoever keeps them (the base chart, a GitOps repository), or let the request apply \
             them with `components.base.enabled: true`. CRDs are kept while any istiod reads them: they are never to be \
             deleted.",
    source: "1.24.0:releasenotes/notes/v1-read-crd.yaml; 1.30.3:pkg/config/schema/metadata.yaml",
    link: Some("https://istio.io/latest/docs/setup/upgrade/helm/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(desired), Some(to)) = (situation.desired, situation.to) else {
        return Vec::new();
    };
    let components = &desired.rendering.components;
    // Without a new istiod nothing reads otherwise than now.
    if !components.iter().any(|it| it.name == ComponentName::Pilot) {
        return Vec::new();
    }
    let applied: SortedSet<_> = components
        .iter()
        .flat_map(|it| &it.objects)
        .filter(|it| text(it, "/kind") == Some("CustomResourceDefinition"))
        .filter_map(|it| text(it, "/metadata/name"))
        .collect();
    let mut subjects = Vec::new();
    let mut names = Vec::new();
    let mut objects = 0;
    let mut versions = SortedSet::new();
    for (object, kept) in situation.objects("apiextensions.k8s.io", "CustomResourceDefinition") {
        let Some(wanted) = version_read(&object.name, to) else {
            continue;
        };
        let served = served(&kept.value);
        if applied.contains(object.name.as_str()) || served.is_empty() || served.contains(&wanted) {
            continue;
        }
        objects += situation
            .snapshot
            .objects
            .keys()
            .filter(|it| {
                Some(it.kind.as_str()) == text(&kept.value, "/spec/names/kind")
                    && Some(group_of(&it.api_version)) == text(&kept.value, "/spec/group")
            })
            .count();
        names.push(format!("{} serves {}", object.name, enumerate(&served)));
        versions.insert(wanted);
        subjects.push(
            Subject::kept(object, kept)
                .field("spec.versions")
                .value(served.iter().map(|it| Value::from(*it)).collect::<Vec<_>>()),
        );
    }
    if subjects.is_empty() {
        return Vec::new();
    }
    let versions: Vec<_> = versions.into_iter().collect();
    let lost = if objects == 0 {
        String::new()
    } else {
        format!(
            ": {} in the export would have no effect any more",
            count(objects, "object")
        )
    };
    let finding = Finding::new(
        Code::CrdVersionMissing,
        Level::Block,
        format!(
            "{} {} not serve {}, which istiod {to} reads",
            count(subjects.len(), "CRD"),
            if subjects.len() == 1 { "does" } else { "do" },
            enumerate(&versions)
        ),
        format!(
            "{}, and the request does not apply them. istiod passes over a CRD without the version that it reads{lost}",
            enumerate(&names)
        ),
    );
    vec![finding.about(subjects).fix(format!(
        "Upgrade the CRDs to those of {to} first, by whoever keeps them, or let the request apply them with \
         `components.base.enabled: true`"
    ))]
}

fn served(definition: &Value) -> Vec<&str> {
    let versions = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array);
    versions
        .into_iter()
        .flatten()
        .filter(|it| it.get("served").and_then(Value::as_bool) == Some(true))
        .filter_map(|it| text(it, "/name"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::rules::fixture::Cluster;

    fn definition(plural: &str, kind: &str, versions: &[(&str, bool)]) -> Value {
        let versions: Vec<_> = versions
            .iter()
            .map(|(name, served)| json!({"name": name, "served": served}))
            .collect();
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.networking.istio.io")},
            "spec": {"group": "networking.istio.io", "names": {"kind": kind}, "versions": versions}})
    }

    fn cluster(live: Value) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.render("Pilot", json!({"kind": "Deployment"}));
        cluster.object(live);
        cluster
    }

    #[test]
    fn a_crd_without_the_version_that_the_target_reads_blocks() {
        let live = definition(
            "virtualservices",
            "VirtualService",
            &[("v1beta1", true), ("v1alpha3", true)],
        );
        let mut it = cluster(live);
        it.object(
            json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
            "metadata": {"namespace": "shop", "name": "a"}}),
        );
        let findings = it.check(check);
        assert_eq!(it.codes(check), ["crd-version-missing Block"]);
        assert_eq!(
            findings[0].title,
            "1 CRD does not serve v1, which istiod 1.30.3 reads"
        );
        assert!(findings[0].detail.contains("1 object in the export"));
        "1.23.6".clone_into(&mut it.request.to);
        assert!(it.check(check).is_empty());
    }

    #[test]
    fn a_version_that_is_not_served_is_none() {
        let live = definition(
            "virtualservices",
            "VirtualService",
            &[("v1beta1", true), ("v1", false)],
        );
        assert_eq!(cluster(live).codes(check), ["crd-version-missing Block"]);
    }

    #[test]
    fn crds_that_serve_it_that_are_applied_or_that_nobody_reads_are_silent() {
        let served = definition(
            "virtualservices",
            "VirtualService",
            &[("v1beta1", true), ("v1", true)],
        );
        assert!(cluster(served).check(check).is_empty());
        let filters = definition("envoyfilters", "EnvoyFilter", &[("v1alpha3", true)]);
        assert!(cluster(filters).check(check).is_empty());
        let own = definition("somethings", "Something", &[("v1beta1", true)]);
        assert!(cluster(own).check(check).is_empty());
        let old = definition("virtualservices", "VirtualService", &[("v1beta1", true)]);
        let mut applied = cluster(old);
        applied.render(
            "Base",
            definition("virtualservices", "VirtualService", &[("v1", true)]),
        );
        assert!(applied.check(check).is_empty());
    }
}
