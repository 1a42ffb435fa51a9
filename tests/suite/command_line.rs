//! The command line from files alone: what is refused, what is printed, how it ends.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::suite::data::istio_data;
use crate::suite::product::refit;

mod charts;

/// How a run ended.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// The outcome that was printed as JSON.
    #[track_caller]
    fn outcome(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|it| panic!("{it}: {}", self.stderr))
    }

    /// The codes of its findings.
    #[track_caller]
    fn codes(&self) -> Vec<String> {
        let outcome = self.outcome();
        let findings = outcome["findings"].as_array().expect("a list");
        let code = |it: &Value| it["code"].as_str().expect("a text").to_owned();
        findings.iter().map(code).collect()
    }
}

/// A folder of `tests/golden`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
}

/// Runs refit in an empty folder, without the network and without releases.
#[track_caller]
fn run(arguments: &[&str], input: Option<&str>) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(refit())
        .args(arguments)
        .current_dir(folder.path())
        .env("XDG_CACHE_HOME", folder.path())
        .env_remove("REFIT_ISTIO_DATA")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    if let Some(input) = input {
        // A run that refuses its arguments reads nothing.
        let _ = stdin.write_all(input.as_bytes());
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Plans a golden case's export.
#[track_caller]
fn plan(case: &str, more: &[&str]) -> Run {
    let export = golden(case).join("export");
    let mut arguments = vec!["plan", "--offline", export.to_str().unwrap()];
    arguments.extend(more);
    run(&arguments, None)
}

#[test]
fn the_exit_code_says_the_verdict_whatever_is_printed() {
    for format in ["text", "json", "yaml", "diff", "markdown"] {
        let blocked = plan("version-skew", &["--to", "1.30.3", "-o", format]);
        assert_eq!(blocked.code, Some(3), "{format}: {}", blocked.stderr);
        let unknown = plan("clear-upgrade", &["--to", "1.30.3", "-o", format]);
        assert_eq!(unknown.code, Some(4), "{format}: {}", unknown.stderr);
    }
}

#[test]
fn unreadable_input_is_named_with_its_place() {
    let cut = plan("truncated", &["--to", "1.30.3"]);
    assert_eq!(cut.code, Some(1));
    assert!(cut.stderr.contains("cluster.yaml:"), "{}", cut.stderr);
    assert!(cut.stdout.is_empty());
}

#[test]
fn what_cannot_be_meant_is_bad_usage() {
    for (more, word) in [
        (&["--as-of", "2020-13-45"][..], "YYYY-MM-DD"),
        (&["--as-of", "foo"], "YYYY-MM-DD"),
        (&["-f", "-", "-f", "a.yaml"], "last file"),
        (&["-f", "-,-"], "last file"),
        (&["-f", "a.yaml,"], "a.yaml"),
        (&["-", "-f", "-"], "more than once"),
        (&["--manifests", "/nonexistent"], "/nonexistent"),
        (&["--releases", "/nonexistent"], "/nonexistent"),
        (&["--manifests", "1.29.6"], "the target is 1.30.3"),
    ] {
        let run = plan("clear-upgrade", &[&["--to", "1.30.3"], more].concat());
        assert_eq!(run.code, Some(1), "{more:?}: {}", run.stdout);
        assert!(run.stderr.contains(word), "{more:?}: {}", run.stderr);
    }
    let unasked = plan("clear-upgrade", &[]);
    assert_eq!(unasked.code, Some(1));
    assert!(unasked.stderr.contains("--to"));
}

#[test]
fn standard_input_is_read_for_the_export_and_for_the_request() {
    let export = golden("version-skew").join("export/cluster.yaml");
    let text = std::fs::read_to_string(export).unwrap();
    let piped = run(
        &["plan", "-", "--offline", "--to", "1.30.3", "-o", "json"],
        Some(&text),
    );
    assert!(piped.codes().contains(&"version-skew".to_owned()));
    let request =
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {revision: canary}\n";
    let export = golden("clear-upgrade").join("export");
    let arguments = [
        "plan",
        "--offline",
        export.to_str().unwrap(),
        "--to",
        "1.30.3",
        "-o",
        "json",
        "-f",
        "-",
    ];
    let asked = run(&arguments, Some(request));
    assert!(asked.codes().contains(&"revisioned-install".to_owned()));
}

#[test]
fn a_finding_about_the_request_shows_the_line_it_points_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("iop.yaml");
    std::fs::write(
        &file,
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  revision: canary\n",
    )
    .unwrap();
    let run = plan(
        "clear-upgrade",
        &["--to", "1.30.3", "-f", file.to_str().unwrap()],
    );
    assert!(
        run.stdout.contains("4 |   revision: canary"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains('\u{1b}'), "no colour on a pipe");
}

#[test]
fn a_source_that_contradicts_the_export_blocks() {
    let run = plan(
        "version-skew",
        &["--to", "1.30.3", "--from", "1.29.6", "-o", "json"],
    );
    assert_eq!(run.code, Some(3));
    let codes = run.codes();
    for code in ["request-invalid", "version-skew"] {
        assert!(codes.iter().any(|it| it == code), "{codes:?}");
    }
}

#[test]
fn a_longer_way_says_what_each_hop_meets() {
    let outcome = plan("version-skew", &["--to", "1.30.3", "-o", "json"]).outcome();
    let path = outcome["path"].as_array().expect("a list");
    assert_eq!(path.len(), 4);
    assert!(
        path.iter()
            .all(|it| it["kubernetes"]["minimum"].is_string())
    );
}

#[test]
fn yaml_keeps_the_order_of_the_document() {
    let text = plan("version-skew", &["--to", "1.30.3", "-o", "yaml"]).stdout;
    let at = |key: &str| {
        text.find(&format!("\n{key}:"))
            .unwrap_or_else(|| panic!("{key}"))
    };
    assert!(text.starts_with("schema: refit.outcome/v1"));
    assert!(
        at("verdict") < at("source")
            && at("source") < at("findings")
            && at("findings") < at("plan")
    );
}

#[test]
fn every_code_of_the_contract_is_explained() {
    for code in [
        "version-skew",
        "orphans-left",
        "edits-overwritten",
        "manual-restart",
    ] {
        let run = run(&["explain", code], None);
        assert_eq!(run.code, Some(0));
        assert!(run.stdout.contains("Why it matters"), "{code}");
    }
    let unknown = run(&["explain", "no-such-code"], None);
    assert_eq!(unknown.code, Some(1));
}

#[test]
fn profiles_are_listed_dumped_and_compared() {
    let list = run(&["profile", "list", "-d", "1.30.3"], None);
    assert!(list.stdout.contains("ambient"), "{}", list.stderr);
    let dump = run(
        &["profile", "dump", "default", "-d", "1.30.3", "--effective"],
        None,
    );
    assert!(dump.stdout.contains("enableReaderRBAC: true"));
    let unknown = run(&["profile", "dump", "default", "-d", "1.30.5"], None);
    assert!(
        unknown.stderr.contains("those of 1.30.3"),
        "{}",
        unknown.stderr
    );
    let older = run(&["profile", "dump", "default", "-d", "1.30.0"], None);
    assert!(older.stderr.is_empty(), "{}", older.stderr);
    let same = run(
        &["profile", "diff", "default@1.30.3", "default@1.30.3"],
        None,
    );
    assert_eq!(same.code, Some(0));
    let other = run(&["profile", "diff", "default@1.30.3", "demo@1.30.3"], None);
    assert_eq!(other.code, Some(0));
    let coded = [
        "profile",
        "diff",
        "--exit-code",
        "default@1.30.3",
        "demo@1.30.3",
    ];
    assert_eq!(run(&coded, None).code, Some(1), "as diff does");
}

#[test]
fn the_sample_is_planned_without_network_and_without_data() {
    let run = run(&["plan", "--sample", "--offline", "-o", "json"], None);
    assert_eq!(run.outcome()["source"]["version"], "1.29.6");
}

/// What README.md shows of it is what it prints.
#[test]
fn the_readme_shows_what_the_sample_prints() {
    let readme = include_str!("../../README.md");
    let (_, block) = readme
        .split_once("$ refit plan --sample\n")
        .expect("the command");
    let (block, _) = block.split_once("```").expect("the block's end");
    let flags = ["--as-of", "2026-06-01"];
    let printed = run(&[&["plan", "--sample"][..], &flags].concat(), None).stdout;
    let mut rest = printed.as_str();
    for line in block.lines().filter(|it| it.trim() != "…") {
        let found = rest.lines().position(|it| it == line);
        let found = found.unwrap_or_else(|| panic!("{line:?} is not printed, in this order"));
        let at: usize = rest
            .split_inclusive('\n')
            .take(found + 1)
            .map(str::len)
            .sum();
        rest = &rest[at..];
    }
}

#[test]
fn profiles_of_two_patches_differ_by_their_own_charts() {
    let diff = run(
        &["profile", "diff", "default@1.29.0", "default@1.29.6"],
        None,
    );
    assert_eq!(diff.code, Some(0), "{}", diff.stderr);
    assert!(
        diff.stdout.contains("tag: 1.29.0 -> 1.29.6"),
        "{}",
        diff.stdout
    );
    assert!(diff.stderr.is_empty(), "{}", diff.stderr);
    let unknown = run(&["profile", "dump", "-d", "1.29.8"], None);
    assert!(
        unknown.stderr.contains("those of 1.29.6 stand in"),
        "{}",
        unknown.stderr
    );
    let newest = run(&["profile", "list"], None);
    assert!(
        newest.stderr.contains("1.30.3, the newest stable release"),
        "{}",
        newest.stderr
    );
}

#[test]
fn bulletins_are_settled_open_or_in_prose() {
    let run = run(
        &[
            "bulletins",
            "--from",
            "1.29.4",
            "--to",
            "1.29.6",
            "-o",
            "json",
        ],
        None,
    );
    let outcome = run.outcome();
    let ids = |key: &str| {
        let list = outcome[key].as_array().unwrap();
        list.iter()
            .map(|it| it["id"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("fixed"), ["ISTIO-SECURITY-2026-005"]);
    assert_eq!(ids("open"), ["ISTIO-SECURITY-2026-006"]);
    assert_eq!(ids("unknown").len(), 3);
}

#[test]
fn facts_say_how_old_they_are_and_only_newer_ones_replace_them() {
    let fresh = run(&["facts", "--as-of", "2026-11-01"], None);
    assert!(fresh.stderr.is_empty(), "{}", fresh.stderr);
    assert!(
        fresh
            .stdout
            .contains("The newest fact is of 2026-09-21, 41 days old")
    );
    let old = run(&["facts", "--as-of", "2027-03-01"], None);
    assert!(old.stderr.contains("161 days old"), "{}", old.stderr);
    let json = run(&["facts", "-o", "json"], None).stdout;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.json");
    let with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(
            &[
                "facts",
                "--as-of",
                "2026-11-01",
                "--facts",
                file.to_str().unwrap(),
            ],
            None,
        )
    };
    assert_eq!(with(&json).code, Some(0));
    let older = json.replace("2026-09-21", "2026-08-28");
    let older = with(&older);
    assert_ne!(older.code, Some(0));
    assert!(
        older.stderr.contains("older facts replace no newer ones"),
        "{}",
        older.stderr
    );
}

/// What is printed as YAML is what is printed as JSON.
#[test]
fn yaml_is_there_wherever_json_is() {
    let export = golden("clear-upgrade").join("export");
    let export = export.to_str().unwrap();
    for verb in [
        &["plan", export, "--to", "1.30.3", "--offline"][..],
        &["images", export, "--to", "1.30.3", "--offline"],
        &[
            "check-inject",
            export,
            "--namespace-labels",
            "istio-injection=enabled",
        ],
        &["bulletins", "--from", "1.29.3", "--to", "1.29.6"],
        &["facts"],
        &["explain"],
        &["explain", "version-skew"],
        &["explain", "--all"],
        &["config"],
        &["version"],
    ] {
        let as_form = |form: &str| run(&[verb, &["-o", form]].concat(), None);
        let (json, yaml) = (as_form("json"), as_form("yaml"));
        assert_eq!(yaml.code, json.code, "{verb:?}: {}", yaml.stderr);
        let read = kube_yaml::from_str(&yaml.stdout).unwrap_or_else(|it| panic!("{verb:?}: {it}"));
        assert_eq!(read, json.outcome(), "{verb:?}");
    }
    let help = Command::new(refit()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs = help.lines().filter_map(|it| it.strip_prefix("  "));
    for verb in verbs.filter_map(|it| it.split_whitespace().next()) {
        let page = Command::new(refit()).args(["help", verb]).output().unwrap();
        let page = String::from_utf8(page.stdout).unwrap();
        let forms = page
            .lines()
            .filter(|it| it.contains("[possible values:") && it.contains("json"));
        for form in forms {
            assert!(form.contains("yaml"), "{verb}: {form}");
        }
    }
}

/// The way back from an export, in the words of the plan that leads there.
#[test]
fn the_way_back_is_what_a_downgrade_would_meet() {
    let Some(data) = istio_data() else { return };
    let releases = data.join("istio/releases");
    let releases = releases.to_str().unwrap();
    for (name, to) in [
        ("downgrade-1.30-to-1.29", "1.29.6"),
        ("live-edits", "1.28.0"),
    ] {
        let scenario = data.join("exports").join(name);
        let export = scenario.join("export.tar.gz");
        let export = export.to_str().unwrap();
        let flags = [
            "--offline",
            "--releases",
            releases,
            "--to",
            to,
            "-o",
            "json",
        ];
        let back = run(
            &[&["status", "--rollback", export], &flags[..]].concat(),
            None,
        );
        let settings = run(
            &["recover", export, "--offline", "--releases", releases],
            None,
        );
        let folder = tempfile::tempdir().unwrap();
        let request = folder.path().join("recovered.yaml");
        std::fs::write(&request, settings.stdout).unwrap();
        let request = request.to_str().unwrap();
        let plan = run(
            &[&["plan", export, "-f", request], &flags[..]].concat(),
            None,
        );
        assert_eq!(back.code, plan.code, "{name}: {}", back.stderr);
        let (told, planned) = (back.outcome(), plan.outcome());
        assert_eq!(told["verdict"], planned["verdict"], "{name}");
        assert_eq!(told["from"], planned["source"]["version"], "{name}");
        let codes = |it: &Value| -> Vec<String> {
            let all = it.as_array().into_iter().flatten();
            all.map(|it| it["code"].as_str().unwrap().to_owned())
                .collect()
        };
        let heavy = planned["findings"].as_array().unwrap().iter();
        let heavy = heavy.filter(|it| it["level"] == "block" || it["level"] == "unknown");
        for finding in heavy {
            let code = finding["code"].as_str().unwrap().to_owned();
            let told = [codes(&told["open"]), codes(&told["lost"])].concat();
            assert!(told.contains(&code), "{name}: {code} of {told:?}");
        }
        assert!(told["supportedUntil"].is_string(), "{name}");
        let words = run(
            &[&["status", "--rollback", export], &flags[..5]].concat(),
            None,
        );
        assert!(
            words.stdout.starts_with("Way back "),
            "{name}: {}",
            words.stderr
        );
    }
}

/// Before the cluster is asked for anything.
#[test]
fn a_plan_of_another_schema_or_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let run = run(
        &[
            "plan",
            "--sample",
            "--to",
            "1.30.3",
            "--as-of",
            "2026-06-01",
            "--out",
            path.to_str().unwrap(),
        ],
        None,
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let whole: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let with = |pointer: &str, value: &str| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).expect("a field") = value.into();
        changed
    };
    for (document, code, words) in [
        (
            with("/schema", "refit.outcome/v2"),
            1,
            "this refit reads refit.outcome/v1",
        ),
        (with("/schema", ""), 1, "this refit reads refit.outcome/v1"),
        (
            with("/plan/namespace", "kube-system"),
            3,
            "was changed after it was made",
        ),
        (
            with("/plan/steps/0/title", "nothing"),
            3,
            "was changed after it was made",
        ),
        (
            with("/plan/namespace", "kube-system")["plan"].clone(),
            3,
            "was changed after it was made",
        ),
    ] {
        std::fs::write(&path, document.to_string()).unwrap();
        let run = self::run(&["apply", path.to_str().unwrap()], None);
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

/// They become parts of addresses.
#[test]
fn namespaces_are_names() {
    for wrong in ["", "a/b", "../kube-system", "a?x", "A", "a%2fb", "-a"] {
        for verb in [
            &["upgrade", "--to", "1.30.3", "-y"][..],
            &["rollback", "-y"],
            &["restart", "-y"],
            &["status"],
            &["history"],
            &["abandon", "-y"],
            &["plan", "--to", "1.30.3", "--sample"],
        ] {
            let run = run(
                &[verb, &[&format!("--istio-namespace={wrong}")]].concat(),
                None,
            );
            assert_eq!(run.code, Some(1), "{verb:?} {wrong}: {}", run.stderr);
            assert!(
                run.stderr.contains("namespace"),
                "{verb:?} {wrong}: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn a_mistake_about_gates_is_told_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gates.yaml");
    std::fs::write(
        &path,
        "gates:\n  - name: own\n    query: up\n    max: many\n",
    )
    .unwrap();
    let file = path.to_str().unwrap();
    let url = "https://prometheus.example.org";
    let at = format!("{file}:4:10: expected a number");
    let lacks = "gates ask a Prometheus\nhint: name it by --prometheus URL";
    let token = folder.path().join("none");
    let token = token.to_str().unwrap();
    for (flags, words) in [
        (vec!["--gate", file, "--prometheus", url], at.as_str()),
        (vec!["--gate", file], lacks),
        (
            vec!["--prometheus", url, "--prometheus-token", token],
            "cannot read the token",
        ),
        (
            vec!["--prometheus", "prometheus:9090"],
            "expected a URL that begins with https://",
        ),
        (
            vec![
                "--prometheus",
                "http://prometheus.example.org",
                "--prometheus-token",
                file,
            ],
            "--prometheus-token goes nowhere without TLS",
        ),
    ] {
        for verb in [&["restart", "-y"][..], &["upgrade", "--to", "1.30.3", "-y"]] {
            let run = run(&[verb, &flags].concat(), None);
            assert_eq!(run.code, Some(1), "{flags:?}: {}", run.stderr);
            assert!(run.stderr.contains(words), "{flags:?}: {}", run.stderr);
        }
    }
}
