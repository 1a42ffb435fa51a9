//! `fields-lost`: fields that the target's definitions do not have, so that the API server drops them.

use super::Code;
use super::Explanation;
use super::Situation;
use super::definitions::{Found, title};
use super::links::CRDS;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Objects use fields that the target's definitions do not have.",
    why: "The API server leaves out of every answer what a definition does not name, from the moment the definition \
          is applied. A route, a policy or a telemetry setting then means something else than it was written for, and \
          the next write loses the field for good. In security policies this blocks.",
    settle: "Rewrite the objects in fields that the target has, before anything is applied; or stay with the running \
             version. `--force` plans nevertheless.",
    source: "apiextensions-apiserver@v1.36.3:pkg/apiserver/schema/pruning; TARGET:charts/base/files/crd-all.gen.yaml",
    link: CRDS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(found), Some(to)) = (Found::read(situation), situation.to) else {
        return Vec::new();
    };
    let drops = format!(
        "As soon as the definitions of {to} are applied, the API server leaves these fields out of every answer, \
             and the next write of the object loses them for good"
    );
    let policies = finding(
        Level::Block,
        found.policies,
        &format!("fields of security policies that Istio {to} does not know"),
        format!(
            "{drops}. A policy without one of its conditions matches other requests than it was written for"
        ),
    );
    let others = finding(
        Level::Warn,
        found.lost,
        &format!("fields that Istio {to} does not know"),
        drops,
    );
    let fix = format!(
        "Rewrite the objects in words that {to} knows before anything is applied, or stay with the running version"
    );
    policies
        .into_iter()
        .chain(others)
        .map(|it| it.fix(fix.clone()))
        .collect()
}

fn finding(level: Level, subjects: Vec<Subject>, fields: &str, detail: String) -> Option<Finding> {
    let title = title(
        &subjects,
        &format!("uses {fields}"),
        &format!("use {fields}"),
    );
    (!subjects.is_empty())
        .then(|| Finding::new(Code::FieldsLost, level, title, detail).about(subjects))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Code, check};
    use crate::outcome::Level;
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
    fn a_policy_that_loses_a_condition_blocks() {
        let all = source(&json!({"domains": {"type": "array"}, "names": {"type": "array"}}));
        let some = source(&json!({"names": {"type": "array"}}));
        let spec = json!({"rules": [{"names": ["a"]}, {"domains": ["b"]}]});
        let findings = cluster("security.istio.io", &spec, &all, &some).check(check);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].code, findings[0].level),
            (Code::FieldsLost, Level::Block)
        );
        assert_eq!(
            findings[0].subjects[0].field.as_deref(),
            Some("spec.rules[1].domains")
        );
        assert_eq!(findings[0].subjects[0].value, Some(json!(["b"])));
        assert!(
            findings[0]
                .title
                .starts_with("1 object uses fields of security policies")
        );
        let findings = cluster("telemetry.istio.io", &spec, &all, &some).check(check);
        assert_eq!(findings[0].level, Level::Warn);
        // The definition in the cluster does not know it either, or both know it.
        assert!(
            cluster("security.istio.io", &spec, &some, &some)
                .check(check)
                .is_empty()
        );
        assert!(
            cluster("security.istio.io", &spec, &all, &all)
                .check(check)
                .is_empty()
        );
    }

    #[test]
    fn an_open_schema_loses_nothing() {
        let all = source(
            &json!({"any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "more": {"type": "object", "additionalProperties": {"type": "string"}}}),
        );
        let other = source(
            &json!({"any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "more": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 9}}}),
        );
        let spec = json!({"rules": [{"any": {"x": {"y": 1}}, "more": {"k": "v"}}]});
        assert!(
            cluster("networking.istio.io", &spec, &all, &other)
                .check(check)
                .is_empty()
        );
    }
}
