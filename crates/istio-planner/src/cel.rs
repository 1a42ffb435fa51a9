//! The part of the Common Expression Language that admission policies usually are written in.
//!
//! Literals, paths, operators, the macros `has`, `all`, `exists`, `exists_one`, `filter` and `map`, optional fields, and
//! the functions on strings and lists. What is outside of it is an [`Error::Unknown`], never a guess
//! (github.com/google/cel-spec, doc/langdef.md; Kubernetes, CEL in Kubernetes).

mod eval;
mod parse;

use serde_json::Value;
use sorted::SortedMap;

use eval::Scope;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Error {
    /// It uses what is not evaluated here: this.
    Unknown(String),
    /// CEL itself says that it fails: no such key, a wrong type.
    Failed(String),
}

/// Variables of an expression.
pub(crate) type Variables = SortedMap<&'static str, Value>;

/// Evaluates an expression; `composed` are expressions of their own, read as `variables.NAME`.
pub(crate) fn evaluate(
    text: &str,
    variables: &Variables,
    composed: &[(String, String)],
) -> Result<Value, Error> {
    let mut scope = Scope::new(variables, composed);
    let expression = parse::parse(text)?;
    scope.value(&expression)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Error, Variables, evaluate};

    fn of(text: &str) -> Result<Value, Error> {
        let object = json!({
            "metadata": {"name": "istiod", "labels": {"app": "istiod"}},
            "spec": {"replicas": 2, "containers": [
                {"name": "discovery", "image": "docker.io/istio/pilot:1.30.3"},
                {"name": "proxy", "image": "gcr.io/x:1", "securityContext": {"privileged": true}},
            ]},
        });
        let variables = Variables::from([("object", object), ("oldObject", Value::Null)]);
        let composed = [(
            "names".to_owned(),
            "object.spec.containers.map(c, c.name)".to_owned(),
        )];
        evaluate(text, &variables, &composed)
    }

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(of(text).as_ref(), Ok(expected), "{text}");
    }

    #[test]
    fn paths_macros_and_strings_are_evaluated() {
        for text in [
            "object.spec.containers.exists(c, c.image.startsWith('docker.io/istio/'))",
            "!object.spec.containers.all(c, c.image.startsWith(\"docker.io/\"))",
            "has(object.metadata.labels) && 'app' in object.metadata.labels",
            "object.metadata.labels['app'] == 'istiod'",
            "object.spec.replicas >= 2 && object.spec.replicas < 3.5",
            "object.spec.containers.filter(c, has(c.securityContext)).size() == 1",
            "size(object.spec.containers) == 2 ? true : false",
            "object.spec.containers.all(c, c.image.matches('^(docker|gcr)[.]io/.+'))",
            "object.metadata.name in ['istiod', 'x']",
            "variables.names.exists_one(n, n == 'proxy')",
            "object.?spec.?hostNetwork.orValue(false) == false",
            "!has(object.spec.initContainers) || object.spec.initContainers.all(c, false)",
            "oldObject == null",
            "object.spec.containers[0].image.split(':')[1].contains('30')",
            "(1 + 2 * 3 - 1) % 4 == 2 && -1 < 0 && r'\\d' == '\\\\d'",
            "object.spec.containers.all(c, !has(c.securityContext) || c.securityContext.?privileged.orValue(false) in [true, false])",
            "[1, 2].map(x, x > 1, x * 2) == [4] && {'a': 1}['a'] == 1 && {'a': 1}.a == 1",
        ] {
            check(text, &json!(true));
        }
    }

    #[test]
    fn an_error_on_one_side_of_or_does_not_matter_where_the_other_decides() {
        check("object.spec.missing == 1 || true", &json!(true));
        check("object.spec.missing == 1 && false", &json!(false));
        assert!(matches!(
            of("object.spec.missing == 1"),
            Err(Error::Failed(_))
        ));
    }

    #[test]
    fn what_is_not_known_is_said() {
        for text in [
            "quantity('1Gi').isLessThan(quantity('2Gi'))",
            "authorizer.group('').resource('pods').check('get').allowed()",
            "params.x == 1",
            "object.spec.",
        ] {
            assert!(
                matches!(of(text), Err(Error::Unknown(_))),
                "{text}: {:?}",
                of(text)
            );
        }
    }
}
