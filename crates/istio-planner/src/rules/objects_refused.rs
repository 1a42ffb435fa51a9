//! `objects-refused`: values that the schema of the target's definitions refuses.

use super::Code;
use super::Explanation;
use super::Situation;
use super::definitions::{Found, title};
use super::links::CRDS;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Objects hold values that the schema of the target's definitions refuses.",
    why: "What is stored stays readable, but every later write of the object is refused, also by controllers and by \
          GitOps tools.",
    settle: "Change the values that the finding names to ones that both versions accept, before the definitions are \
             applied.",
    source: "apiextensions.k8s.io/v1, structural schemas; TARGET:charts/base/files/crd-all.gen.yaml",
    link: CRDS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(Found { refused, .. }), Some(to)) = (Found::read(situation), situation.to) else {
        return Vec::new();
    };
    if refused.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::ObjectsRefused,
        Level::Warn,
        title(
            &refused,
            &format!("would be refused by the definitions of Istio {to}"),
            &format!("would be refused by the definitions of Istio {to}"),
        ),
        "They stay as they are, but can no longer be changed, not even by a controller, until they fit",
    );
    vec![finding.about(refused).fix(format!("Rewrite the objects in words that {to} knows before anything is applied, or stay with the running version"))]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Code, check};
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
    fn a_value_that_the_target_refuses_is_named() {
        let all = source(&json!({"mode": {"type": "string", "enum": ["A", "B"]}}));
        let some = source(&json!({"mode": {"type": "string", "enum": ["A"]}}));
        let of = |mode: &str| json!({"rules": [{"mode": mode}]});
        let findings = cluster("networking.istio.io", &of("B"), &all, &some).check(check);
        assert_eq!(findings[0].code, Code::ObjectsRefused);
        assert_eq!(
            findings[0].subjects[0].field.as_deref(),
            Some("spec.rules[0].mode")
        );
        assert!(
            cluster("networking.istio.io", &of("A"), &all, &some)
                .check(check)
                .is_empty()
        );
    }
}
