use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Edit, edit};

fn set(path: &str, value: Value) -> Edit {
    Edit::Set {
        path: path.to_owned(),
        value,
    }
}

#[track_caller]
fn check(text: &str, edits: &[Edit], expected: &Expect) {
    let text = edit(text, edits).unwrap_or_else(|it| format!("refused: {it}\n"));
    expected.assert_eq(&text);
}

const FILE: &str = "\
# ours
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  profile: demo # small
  values:
    pilot:
      # two at night
      autoscaleMni: 2
      env:
        A: \"1\"

  meshConfig:
    accessLogFile: /dev/stdout
";

#[test]
fn an_empty_file_becomes_one() {
    check(
        "# nothing yet",
        &[set("values.pilot.traceSampling", json!(10))],
        &expect![[r"
            # nothing yet
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              values:
                pilot:
                  traceSampling: 10
        "]],
    );
}

#[test]
fn comments_and_order_stay() {
    let edits = [
        Edit::Rename {
            path: "values.pilot.autoscaleMni".to_owned(),
            to: "autoscaleMin".to_owned(),
        },
        set("profile", json!("default")),
        set("values.pilot.env.PILOT_PUSH_THROTTLE", json!("50")),
        set("meshConfig.accessLogFile", json!("")),
        set("compatibilityVersion", json!("1.29")),
    ];
    check(
        FILE,
        &edits,
        &expect![[r#"
            # ours
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              profile: default # small
              values:
                pilot:
                  # two at night
                  autoscaleMin: 2
                  env:
                    A: "1"
                    PILOT_PUSH_THROTTLE: "50"

              meshConfig:
                accessLogFile: ""
              compatibilityVersion: "1.29"
        "#]],
    );
}

#[test]
fn a_field_goes_with_all_below_it() {
    let edits = [Edit::Remove {
        path: "values.pilot".to_owned(),
    }];
    check(
        "spec:\n  values:\n    pilot:\n      env:\n        A: b\n    global: {}\n",
        &edits,
        &expect![[r"
            spec:
              values:
                global: {}
        "]],
    );
}

#[test]
fn empty_maps_are_filled_and_lists_found_by_name() {
    let edits = [
        set("values.pilot.autoscaleMin", json!(2)),
        set("components.ingressGateways.[name:b].enabled", json!(true)),
        set(
            "components.ingressGateways.[name:a].k8s.replicaCount",
            json!(2),
        ),
        set("components.pilot.k8s.env.[name:X].value", json!("1")),
    ];
    check(
        "spec:\n  values: {} # later\n  components:\n    ingressGateways:\n    - name: a\n      enabled: true\n",
        &edits,
        &expect![[r#"
            spec:
              values: # later
                pilot:
                  autoscaleMin: 2
              components:
                ingressGateways:
                - name: a
                  enabled: true
                  k8s:
                    replicaCount: 2
                - enabled: true
                  name: b
                pilot:
                  k8s:
                    env:
                    - name: X
                      value: "1"
        "#]],
    );
}

#[test]
fn whole_values_take_the_place_of_others() {
    check(
        "spec:\n  values:\n    global:\n      a:\n      - 1\n      - 2\n      b: |\n        text\n",
        &[
            set("values.global.a", json!([3])),
            set("values.global.b", json!({"c": 1})),
        ],
        &expect![[r"
            spec:
              values:
                global:
                  a:
                  - 3
                  b:
                    c: 1
        "]],
    );
}

#[test]
fn what_cannot_be_edited_alone_is_refused() {
    let edit_of = |text: &str| edit(text, &[set("values.pilot.autoscaleMin", json!(2))]).is_err();
    assert!(edit_of("spec: {values: {pilot: {a: 1}}}\n"));
    assert!(edit_of("spec:\n  values: text\n"));
    assert!(edit_of("spec: ["));
    assert!(edit_of(
        "spec:\n  values: &a\n    pilot:\n      b: 1\n  other: *a\n"
    ));
}

#[test]
fn only_the_first_document_is_edited() {
    check(
        "spec:\n  profile: demo\n---\nspec:\n  profile: minimal\n",
        &[set("revision", json!("a"))],
        &expect![[r"
            spec:
              profile: demo
              revision: a
            ---
            spec:
              profile: minimal
        "]],
    );
}

#[test]
fn what_is_removed_takes_parents_with_it_that_hold_nothing_else() {
    let remove = |path: &str| {
        [Edit::Remove {
            path: path.to_owned(),
        }]
    };
    let text = "spec:\n  profile: demo\n  values:\n    global:\n      tag: 1.20.0\n";
    assert_eq!(
        edit(text, &remove("values.global.tag")).unwrap(),
        "spec:\n  profile: demo\n"
    );
    let text = "kind: IstioOperator\nspec:\n  tag: 1.20.0\n";
    assert_eq!(edit(text, &remove("tag")).unwrap(), "kind: IstioOperator\n");
    let text = "spec:\n  components:\n    ingressGateways:\n    - name: a\n      tag: 1.20.0\n";
    assert_eq!(
        edit(text, &remove("components.ingressGateways.[name:a].tag")).unwrap(),
        "spec:\n  components:\n    ingressGateways:\n    - name: a\n"
    );
}
