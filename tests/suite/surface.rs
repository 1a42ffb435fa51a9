//! What people see: help pages, the sample at two widths, errors, and what steers nothing. `UPDATE_EXPECT=1` writes what
//! is expected into `tests/surface`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use expect_test::expect_file;
use serde_json::Value;

use crate::suite::data::istio_data;
use crate::suite::product::refit;

/// Runs refit in an empty folder with nothing to find: no releases, no cluster, no settings.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(refit(), folder.path())
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder)
        .env("HOME", folder)
        .env("COLUMNS", "80")
        .env_remove("REFIT_ISTIO_DATA")
        .env_remove("KUBECONFIG");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("surface")
        .join(name)
}

#[test]
fn refit_alone_prints_help_and_succeeds() {
    let alone = run(&[], &[]);
    assert_eq!(alone.status.code(), Some(0));
    let help = text(&alone.stdout);
    expect_file![page("help.txt")].assert_eq(&help);
    for line in help.lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }
    assert!(
        !help.contains("Others:"),
        "every verb has its group: {help}"
    );
}

#[test]
fn every_verb_has_a_page_with_examples() {
    let help = text(&run(&[], &[]).stdout);
    let (help, _) = help.split_once("Options:").unwrap();
    let verbs: Vec<&str> = help
        .lines()
        .filter(|it| it.starts_with("  ") && !it.trim_start().starts_with('-'))
        .filter_map(|it| it.split_whitespace().next())
        .filter(|it| *it != "help")
        .collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    for verb in verbs {
        let long = run(&["help", verb], &[]);
        assert_eq!(long.status.code(), Some(0), "{verb}");
        let long = text(&long.stdout);
        if !["config", "version"].contains(&verb) {
            assert!(long.contains("Examples:"), "{verb}");
        }
        expect_file![page(&format!("help-{verb}.txt"))].assert_eq(&long);
    }
}

/// Without any network, in an empty folder: the plan is whole.
#[test]
fn the_sample_is_whole_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let isolated = Command::new("unshare").args(["-n", "true"]).status();
    let can_isolate = isolated.is_ok_and(|it| it.success());
    let output = if can_isolate {
        let mut run = command(Path::new("unshare"), folder.path());
        run.arg("-n").arg(refit());
        run
    } else {
        eprintln!("the network is not taken away: unshare -n is not allowed here");
        let mut run = command(refit(), folder.path());
        run.env("REFIT_RELEASE_URL", "http://127.0.0.1:1");
        run
    }
    .args(["plan", "--sample", "-o", "json", "--as-of", "2026-06-01"])
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["verdict"], "clear");
    for part in ["changes", "reverted", "restarts", "charts"] {
        assert!(!outcome[part].as_array().unwrap().is_empty(), "{part}");
    }
    assert!(!outcome["plan"]["steps"].as_array().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What comes with the binary is what the releases render: the plan of charts is the same.
#[test]
fn the_sample_with_charts_is_the_same_plan() {
    let Some(data) = istio_data() else { return };
    let releases = data.join("istio/releases");
    let plan = |more: &[&str]| {
        let flags = ["plan", "--sample", "-o", "json", "--as-of", "2026-06-01"];
        let output = run(&[&flags[..], more].concat(), &[]);
        let mut outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
        let charts = outcome.as_object_mut().unwrap().remove("charts");
        (outcome, charts)
    };
    let (whole, manifests) = plan(&[]);
    let (mut charts, archives) = plan(&["--offline", "--releases", releases.to_str().unwrap()]);
    assert_ne!(manifests, archives);
    // What values files say of a default is in charts alone.
    let mut told = 0;
    let defaults = charts["defaults"].as_array_mut().unwrap();
    for it in defaults {
        told += usize::from(it.as_object_mut().unwrap().remove("about").is_some());
    }
    assert!(told > 0);
    for (key, value) in whole.as_object().unwrap() {
        assert_eq!(Some(value), charts.get(key), "{key}");
    }
}

#[test]
fn manifests_that_are_rendered_already_stand_for_charts() {
    let Some(data) = istio_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let releases = data.join("istio/releases");
    let releases = releases.to_str().unwrap();
    let generate = |version: &str, sets: &[&str]| {
        let mut arguments = vec![
            "manifest",
            "generate",
            "-d",
            version,
            "--releases",
            releases,
            "--offline",
        ];
        arguments.extend(sets);
        let output = run(&arguments, &[]);
        let path = folder.path().join(format!("{version}-{}.yaml", sets.len()));
        std::fs::write(&path, output.stdout).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/sample/export");
    let plan = |more: &[&str]| {
        let arguments = [
            &["plan", export.to_str().unwrap(), "--offline", "-o", "json"],
            more,
        ]
        .concat();
        let output = run(&arguments, &[]);
        let outcome: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        outcome
    };
    let rendered = generate("1.30.3", &[]);
    let source = generate("1.29.6", &[]);
    // The version to go to is the one that the manifests name.
    let outcome = plan(&["--rendered", &rendered, "--rendered-source", &source]);
    assert_eq!(outcome["target"]["version"], "1.30.3");
    assert_eq!(outcome["charts"][0]["rendered"], true);
    let reverted = |it: &Value| {
        let all = it["reverted"].as_array().unwrap().iter();
        all.map(|it| it["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(
        reverted(&outcome).contains(&"values.pilot.traceSampling".to_owned()),
        "{outcome:#}"
    );
    // Counter-case: manifests that were rendered with the setting revert nothing of it.
    let kept = generate("1.30.3", &["--set", "values.pilot.traceSampling=10"]);
    let live = outcome["reverted"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["path"] == "values.pilot.traceSampling");
    if live.is_some_and(|it| it["live"].as_f64() == Some(10.0)) {
        assert!(
            !reverted(&plan(&["--rendered", &kept]))
                .contains(&"values.pilot.traceSampling".to_owned())
        );
    }
    // Of another release than asked for: refused, and both are named.
    let arguments = [
        "plan",
        export.to_str().unwrap(),
        "--to",
        "1.30.3",
        "--rendered",
        &source,
    ];
    let other = run(&arguments, &[]);
    assert_eq!(other.status.code(), Some(1));
    assert!(
        text(&other.stderr).contains("1.29.6"),
        "{}",
        text(&other.stderr)
    );
}

#[test]
fn the_sample_is_a_page_at_80_and_120_columns() {
    for width in ["80", "120"] {
        let output = run(
            &["plan", "--sample", "--as-of", "2026-06-01"],
            &[("COLUMNS", width)],
        );
        let page_text = text(&output.stdout);
        let widest = page_text.lines().map(|it| it.chars().count()).max();
        assert!(widest <= width.parse().ok(), "{widest:?}: {page_text}");
        assert!(
            page_text.lines().count() <= 60,
            "{}: {page_text}",
            page_text.lines().count()
        );
        assert!(!page_text.contains('\u{1b}'), "no colour on a pipe");
        expect_file![page(&format!("sample-{width}.txt"))].assert_eq(&page_text);
    }
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let output = run(
            &["plan", "--sample", "--as-of", "2026-06-01"],
            &[environment],
        );
        expect_file![page("sample-80.txt")].assert_eq(&text(&output.stdout));
    }
}

#[test]
fn slips_get_a_hint() {
    for (arguments, word) in [
        (&["install"][..], "refit upgrade"),
        (&["diff"], "-o diff"),
        (&["precheck"], "refit plan"),
        (&["verify-install"], "--verify"),
        (&["uninstall"], "istioctl uninstall"),
        (&["pln"], "plan"),
        (&["upgrade", "--to", "1.30.3", "--yes"], "-y"),
        (&["upgrade", "--to", "1.30.3", "--auto-approve"], "-y"),
        (&["plan", "-A"], "all namespaces"),
        (&["explain", "version-scew"], "version-skew"),
        (&["plan", "--sample", "-o", "excel"], "help plan"),
        (&["plan"], "--to"),
    ] {
        let output = run(arguments, &[]);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {words}");
        assert!(words.starts_with("error: "), "{words}");
        let hints: Vec<&str> = words
            .lines()
            .filter(|it| it.starts_with("hint: "))
            .collect();
        assert!(
            hints.iter().any(|it| it.contains(word)),
            "{arguments:?}: {words}"
        );
    }
    let twice = run(
        &[
            "plan", "--sample", "--to", "1.30.0", "--to", "1.30.3", "-o", "name",
        ],
        &[],
    );
    assert_eq!(twice.status.code(), Some(0), "{}", text(&twice.stderr));
    let upper = run(&["explain", "VERSION_SKEW"], &[]);
    assert_eq!(upper.status.code(), Some(0));
}

#[test]
fn explain_lists_searches_and_prints_data() {
    let list = text(&run(&["explain"], &[]).stdout);
    assert!(
        list.lines()
            .any(|it| it.starts_with("version-skew ") && it.contains(" block ")),
        "{list}"
    );
    let found = text(&run(&["explain", "webhook"], &[]).stdout);
    assert!(
        found.contains("webhook-gap") && !found.contains("version-skew"),
        "{found}"
    );
    let all: Value = serde_json::from_slice(&run(&["explain", "-o", "json"], &[]).stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), list.lines().count());
    let pages = text(&run(&["explain", "--all"], &[]).stdout);
    assert!(pages.matches("Why it matters").count() >= list.lines().count());
}

#[test]
fn flags_come_from_the_environment_and_a_file_too() {
    let output = run(
        &["plan", "--sample"],
        &[("REFIT_OUTPUT", "json"), ("REFIT_AS_OF", "2026-06-01")],
    );
    assert!(
        text(&output.stdout).starts_with('{'),
        "{}",
        text(&output.stderr)
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join(".refit.yaml"),
        "plan: {output: name, to: 1.30.3}\noffline: true\n",
    )
    .unwrap();
    let plan = |more: &[&str]| {
        let mut run = command(refit(), folder.path());
        run.args(["plan", "--sample"]).args(more).output().unwrap()
    };
    assert!(
        text(&plan(&[]).stdout)
            .lines()
            .any(|it| it.starts_with("deployment.apps/"))
    );
    assert!(
        text(&plan(&["-o", "json"]).stdout).starts_with('{'),
        "what is typed wins"
    );
    let shown = command(refit(), folder.path())
        .arg("config")
        .output()
        .unwrap();
    assert!(
        text(&shown.stdout).contains("--offline = true (.refit.yaml)"),
        "{}",
        text(&shown.stdout)
    );
    std::fs::write(folder.path().join(".refit.yaml"), "forse: true\n").unwrap();
    let wrong = plan(&[]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        text(&wrong.stderr).contains("forse"),
        "{}",
        text(&wrong.stderr)
    );
    std::fs::write(folder.path().join(".refit.yaml"), "plan: {force: true}\n").unwrap();
    assert!(
        text(&plan(&[]).stderr).contains("typed"),
        "what hides a block has to be typed"
    );
}

#[test]
fn sarif_and_junit_are_what_their_readers_take() {
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/version-skew/export");
    let plan = |format: &str| {
        let arguments = [
            "plan",
            export.to_str().unwrap(),
            "--to",
            "1.30.3",
            "--offline",
            "-o",
            format,
        ];
        text(&run(&arguments, &[]).stdout)
    };
    let log: Value = serde_json::from_str(&plan("sarif")).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let locations = result["locations"].as_array().unwrap();
        assert!(!locations.is_empty(), "{result:#}");
        for location in locations {
            let uri = &location["physicalLocation"]["artifactLocation"]["uri"];
            assert!(
                uri.as_str().is_some_and(|it| !it.is_empty()),
                "{location:#}"
            );
        }
    }
    let junit = plan("junit");
    assert!(
        junit.starts_with("<?xml") && junit.contains("<failure type=\"block\""),
        "{junit}"
    );
}

/// Without files the cluster is read; where there is none, the error says what was tried.
#[test]
fn a_cluster_that_is_not_there_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nclusters: [{name: a, cluster: {server: \"http://127.0.0.1:1\"}}]\nusers: [{name: a, user: {}}]\n";
    std::fs::write(&kubeconfig, config).unwrap();
    let arguments = [
        "plan",
        "--to",
        "1.30.3",
        "--offline",
        "-c",
        kubeconfig.to_str().unwrap(),
    ];
    let output = run(&arguments, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("no files are named"),
        "{}",
        text(&output.stderr)
    );
}

/// The manual is what the program says of itself: `cargo xtask docs` writes it.
#[test]
fn the_manual_is_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let (pages, man) = (folder.path().join("pages"), folder.path().join("man"));
    let written = run(
        &[
            "manual",
            "--markdown",
            pages.to_str().unwrap(),
            "--man",
            man.to_str().unwrap(),
        ],
        &[],
    );
    assert!(written.status.success(), "{}", text(&written.stderr));
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manual");
    let names = |folder: &Path| -> std::collections::BTreeSet<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|it| it.file_name().to_string_lossy().into_owned());
        names.collect()
    };
    if std::env::var_os("UPDATE_EXPECT").is_none() {
        assert_eq!(names(&manual), names(&pages), "run `cargo xtask docs`");
    }
    for name in names(&pages) {
        let page = std::fs::read_to_string(pages.join(&name)).unwrap();
        expect_file![manual.join(&name)].assert_eq(&page);
    }
    // A page for man for each page of a verb, and one for refit itself; what reads them reads them without a word.
    let verbs = names(&pages)
        .iter()
        .filter(|it| it.starts_with("refit-"))
        .count();
    assert_eq!(names(&man).len(), verbs + 1);
    for name in names(&man) {
        let Ok(read) = Command::new("man")
            .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"])
            .arg(man.join(&name))
            .output()
        else {
            eprintln!("there is no man");
            return;
        };
        assert_eq!(text(&read.stderr), "", "{name}");
    }
}

/// Documents link to what is there.
#[test]
fn links_of_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = vec![root.join("README.md")];
    for folder in ["docs", "docs/manual"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().flatten();
        documents.extend(
            entries
                .map(|it| it.path())
                .filter(|it| it.extension().is_some_and(|it| it == "md")),
        );
    }
    for document in documents {
        let words = std::fs::read_to_string(&document).unwrap();
        let links = words
            .split("](")
            .skip(1)
            .filter_map(|it| it.split_once(')'))
            .map(|it| it.0);
        for link in links.filter(|it| !it.contains("://") && !it.starts_with('#')) {
            let file = link.split('#').next().unwrap_or_default();
            let path = document.parent().unwrap().join(file);
            assert!(path.exists(), "{}: {link}", document.display());
        }
    }
}
