use expect_test::expect;

use super::*;

fn rendered(files: &[(&str, &str)]) -> Rendered {
    Rendered {
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
        ..Rendered::default()
    }
}

#[test]
fn documents_are_printed_by_kind_and_hooks_last() {
    let rendered = rendered(&[
        (
            "c/templates/a.yaml",
            "kind: Deployment\nmetadata: {name: d}\n---\n# nothing\n---\nkind: Zebra\n---\n\nkind: Apple\n",
        ),
        (
            "c/templates/b.yaml",
            "---\nkind: Service\n---\n---\nkind: ServiceAccount\n",
        ),
        (
            "c/templates/hook.yaml",
            "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: pre-install, test-success\n",
        ),
        (
            "c/templates/odd.yaml",
            "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: someday\n",
        ),
        ("c/templates/empty.yaml", "  \n"),
    ]);
    expect![[r"
        ---
        # Source: c/templates/b.yaml
        ---
        kind: ServiceAccount
        ---
        # Source: c/templates/b.yaml
        kind: Service
        ---
        # Source: c/templates/a.yaml
        kind: Deployment
        metadata: {name: d}
        ---
        # Source: c/templates/a.yaml
        # nothing
        ---
        # Source: c/templates/a.yaml
        kind: Apple
        ---
        # Source: c/templates/a.yaml
        kind: Zebra
        ---
        # Source: c/templates/hook.yaml
        kind: Job
        metadata:
          annotations:
            helm.sh/hook: pre-install, test-success
    "]]
    .assert_eq(&print(&rendered, PrintOptions::default()).expect("valid"));
    let options = PrintOptions {
        skip_tests: true,
        ..PrintOptions::default()
    };
    assert!(
        !print(&rendered, options)
            .expect("valid")
            .contains("hook.yaml")
    );
}

#[test]
fn a_text_that_is_not_yaml_is_named() {
    let error = sorted(&rendered(&[("c/templates/a.yaml", "a: [")])).expect_err("refused");
    expect!["YAML parse error on c/templates/a.yaml: error converting YAML to JSON: yaml: line 1: unclosed bracket '['"]
        .assert_eq(&error.message);
}
