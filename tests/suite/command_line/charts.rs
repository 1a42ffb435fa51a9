//! `refit template` against the program `helm`.

use std::process::Command;

use super::run;

/// What the program `helm` prints, where the environment names one.
fn helm(arguments: &[&str]) -> Option<(bool, String)> {
    let Some(helm) = std::env::var_os("HELM") else {
        assert!(
            std::env::var_os("CI").is_none_or(|it| it != "true"),
            "HELM is not set"
        );
        eprintln!("not compared: HELM is not set");
        return None;
    };
    let output = Command::new(helm).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Some((output.status.success(), text))
}

#[test]
fn a_chart_is_printed_as_helm_prints_it() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("shop");
    let write = |path: &str, text: &str| {
        let path = chart.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let object = |kind: &str, name: &str| {
        format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
    };
    let hook = |name: &str, event: &str| {
        let annotation = format!("  annotations: {{\"helm.sh/hook\": {event}}}\n");
        object("Pod", name) + &annotation
    };
    write("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    write("crds/a.yaml", &object("CustomResourceDefinition", "a"));
    write("templates/NOTES.txt", "Thanks, {{ .Release.Name }}");
    write(
        "templates/z.yaml",
        &object("Namespace", "{{ .Release.Namespace }}"),
    );
    write(
        "templates/hooks.yaml",
        &(hook("test", "test") + "---\n" + &hook("before", "pre-install")),
    );
    let both = object("Service", "web")
        + "---\n# nothing\n---\n"
        + &object("ConfigMap", "{{ .Values.name }}");
    write("templates/a.yaml", &both);
    write("values.yaml", "name: settings\n");
    let chart = chart.to_str().unwrap();
    for flags in [
        &[][..],
        &["--include-crds", "--skip-tests"],
        &["--no-hooks", "--set", "name=other"],
    ] {
        let arguments = [&["template", "a", chart, "-n", "mesh"], flags].concat();
        let ours = run(&arguments, None);
        assert_eq!(ours.code, Some(0), "{}", ours.stderr);
        assert!(ours.stdout.starts_with("---\n# Source: shop/"));
        if let Some(helms) = helm(&arguments) {
            assert_eq!((true, ours.stdout), helms, "{flags:?}");
        }
    }
    write("templates/broken.yaml", "a: \"b\" c\n");
    let arguments = ["template", "a", chart];
    let ours = run(&arguments, None);
    assert_eq!(ours.code, Some(1), "{}", ours.stderr);
    assert!(ours.stdout.is_empty());
    assert!(
        ours.stderr
            .contains("YAML parse error on shop/templates/broken.yaml"),
        "{}",
        ours.stderr
    );
    if let Some((succeeds, _)) = helm(&arguments) {
        assert!(!succeeds);
    }
}
