use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

#[track_caller]
fn found(schema: &Value, value: &Value, expected: &Expect) {
    expected.assert_eq(&check(schema, value).unwrap_or_default());
}

#[test]
fn problems_read_as_those_of_helm() {
    let schema = json!({
        "$defs": {"port": {"type": "integer", "minimum": 1, "maximum": 65535}},
        "type": "object",
        "required": ["name", "kind"],
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3},
            "kind": {"enum": ["A", "B"]},
            "port": {"$ref": "#/$defs/port"},
            "any": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "list": {"type": "array", "items": {"type": ["string", "number"]}},
        },
    });
    found(
        &schema,
        &json!({"name": "Abcd", "kind": "C", "port": 0, "any": 1, "list": [true], "x": 1, "y": 2}),
        &expect![[r"
            - at '/any': 'anyOf' failed
              - at '/any': got number, want string
              - at '/any': got number, want null
            - at '/kind': value must be one of 'A', 'B'
            - at '/list/0': got boolean, want number or string
            - at '/name': validation failed
              - at '/name': maxLength: got 4, want 3
              - at '/name': 'Abcd' does not match pattern '^[a-z]+$'
            - at '/port': minimum: got 0, want 1
            - at '': additional properties 'x', 'y' not allowed"]],
    );
    found(
        &schema,
        &json!({}),
        &expect!["- at '': missing properties 'name', 'kind'"],
    );
    found(
        &schema,
        &json!({"name": "a", "kind": "A", "port": 80.0}),
        &expect![""],
    );
}

#[test]
fn conditions_are_checked() {
    let schema = json!({
        "not": {"const": 5},
        "oneOf": [{"type": "integer"}, {"minimum": 10}],
        "if": {"minimum": 100}, "then": {"multipleOf": 7},
    });
    found(&schema, &json!(4), &expect![""]);
    found(&schema, &json!(5), &expect!["- at '': 'not' failed"]);
    found(
        &schema,
        &json!(12),
        &expect!["- at '': 'oneOf' failed, subschemas 0, 1 matched"],
    );
    found(
        &schema,
        &json!(100.5),
        &expect!["- at '': multipleOf: got 100.5, want 7"],
    );
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    found(
        &json!({"$ref": "#"}),
        &json!(1),
        &expect!["- at '': the schema refers to itself too deeply"],
    );
}
