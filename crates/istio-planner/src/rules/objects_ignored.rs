//! `objects-ignored`: objects of kinds that the target does not have.

use super::Code;
use super::Explanation;
use super::Situation;
use super::definitions::{Found, title};
use super::links::CRDS;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Objects are of a kind that the target release does not have.",
    why: "Their definition stays, since istioctl deletes none, so nothing looks wrong; but the target's istiod does not \
          read them, and what they configure ends when istiod is replaced.",
    settle: "Express the same in a kind that the target has (a WasmPlugin or an EnvoyFilter for a TrafficExtension), or \
             delete them knowingly.",
    source: "TARGET:charts/base/files/crd-all.gen.yaml",
    link: CRDS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(Found { ignored, .. }), Some(to)) = (Found::read(situation), situation.to) else {
        return Vec::new();
    };
    if ignored.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::ObjectsIgnored,
        Level::Warn,
        title(
            &ignored,
            &format!("is of a kind that Istio {to} does not know"),
            &format!("are of kinds that Istio {to} does not know"),
        ),
        "Their definitions and they themselves stay in the cluster, but no istiod reads them any more: what they \
                 configure ends when istiod is replaced",
    );
    vec![
        finding
            .about(ignored)
            .fix("Say the same in a kind that the target has, or accept that their effect ends"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::rules::fixture::Cluster;

    fn definition(group: &str, kind: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{}s.{group}", kind.to_lowercase())},
            "spec": {"group": group, "names": {"kind": kind}, "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }]},
        })
    }

    fn source(fields: &Value) -> Value {
        json!({"type": "object", "properties": {"rules": {"type": "array", "items": {"type": "object",
            "properties": fields}}}})
    }

    /// A policy whose rule has `fields`, under a live definition that knows all of them and a target's that knows some.
    fn cluster(group: &str, spec: &Value, live: &Value, target: &Value) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.object(definition(group, "Policy", live));
        cluster.object(json!({
            "apiVersion": format!("{group}/v1"), "kind": "Policy",
            "metadata": {"name": "it", "namespace": "shop"}, "spec": spec,
        }));
        cluster.render("Base", definition(group, "Policy", target));
        cluster
    }

    #[test]
    fn objects_of_a_kind_that_the_target_lacks_are_ignored_by_it() {
        let any = source(&json!({}));
        let mut cluster = cluster("networking.istio.io", &json!({}), &any, &any);
        cluster.object(json!({
            "apiVersion": "extensions.istio.io/v1alpha1", "kind": "TrafficExtension",
            "metadata": {"name": "new", "namespace": "shop"}, "spec": {},
        }));
        assert_eq!(cluster.codes(check), ["objects-ignored Warn"]);
        // Somebody else brings the definitions.
        cluster.rendering = None;
        cluster.render(
            "Pilot",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "istiod"}}),
        );
        assert!(cluster.check(check).is_empty());
    }
}
