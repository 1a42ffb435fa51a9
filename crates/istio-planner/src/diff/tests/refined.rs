use serde_json::json;

use super::{check, owned};

#[test]
fn what_is_replaced_as_a_whole_is_shown_in_its_parts() {
    let role = |verbs: &[&str], more: &[&str]| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "istiod"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs},
                {"apiGroups": [""], "resources": more, "verbs": ["get"]}]})
    };
    let live = owned(
        role(&["get"], &["services"]),
        "istio-operator",
        &json!({"f:rules": {}}),
    );
    check(
        &[live],
        vec![role(&["get", "list"], &["services"])],
        &expect_test::expect![[r#"
            Change ClusterRole istiod
              rules[0].verbs: ["get"] -> ["get","list"]
        "#]],
    );
}
