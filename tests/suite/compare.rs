//! `docs/compare.md`: each row's claim about refit is shown by a command that is run here, or by a test of the control plane
//! that is named here; what helm and kubectl are said to have, their own help names.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::product::refit;

/// What shows a claim.
enum Shown {
    /// A command that ends with a code and says some words.
    Runs(&'static [&'static str], i32, &'static [&'static str]),
    /// A test of `tests/suite/control_plane`, by file and name.
    Tested(&'static str, &'static str),
    /// A file of tests, which the gate runs.
    Kept(&'static str),
}

use Shown::{Kept, Runs, Tested};

/// The export of a cluster, below `tests/golden`.
const SKEW: &str = "golden/version-skew/export";
const CLEAR: &str = "golden/clear-upgrade/export";

/// Every row of the table, by how it begins.
const ROWS: &[(&str, &[Shown])] = &[
    (
        "installs what is not there",
        &[Runs(
            &["plan", "suite/compare/no-istio.yaml", "--to", "1.30.3"],
            3,
            &["no-control-plane"],
        )],
    ),
    (
        "installs and upgrades other revisions",
        &[Runs(
            &["plan", CLEAR, "--to", "1.30.3", "--set", "revision=canary"],
            3,
            &["revisioned-install"],
        )],
    ),
    (
        "says whether the upgrade can be made",
        &[
            Runs(
                &["plan", SKEW, "--to", "1.30.3"],
                3,
                &["blocked", "[version-skew]"],
            ),
            Runs(&["plan", "--sample"], 0, &["clear"]),
        ],
    ),
    (
        "does so from exported files",
        &[Runs(&["plan", SKEW, "--to", "1.30.3"], 3, &["1.26.8"])],
    ),
    (
        "lists defaults that change",
        &[
            Runs(&["plan", "--sample"], 0, &["Changed defaults"]),
            Runs(
                &[
                    "profile",
                    "diff",
                    "--effective",
                    "default@1.29.6",
                    "default@1.30.3",
                ],
                0,
                &["hub: docker.io/istio -> registry.istio.io/release"],
            ),
        ],
    ),
    (
        "shows what changes in the cluster",
        &[Runs(
            &["plan", "--sample", "-o", "diff"],
            0,
            &["--- a/", "+++ b/", "@@ "],
        )],
    ),
    (
        "asks the API server about every write",
        &[Tested(
            "upgrades",
            "up_and_down_again_it_is_as_predicted_and_no_pod_begins_without_its_sidecar",
        )],
    ),
    (
        "names settings that the request forgot",
        &[Runs(
            &["plan", "--sample"],
            0,
            &["[settings-reverted]", "values.pilot.traceSampling"],
        )],
    ),
    (
        "names fields that others own",
        &[Runs(
            &["plan", "--sample", "--full"],
            0,
            &["taken over from others", "owned by"],
        )],
    ),
    (
        "lists workloads to restart",
        &[Runs(
            &["plan", "--sample", "--full"],
            0,
            &["Data plane: ", "rollout restart"],
        )],
    ),
    (
        "restarts them in waves",
        &[
            Runs(
                &["restart", "--help"],
                0,
                &["--wave", "--pause", "--freeze"],
            ),
            Tested(
                "restarts",
                "a_budget_is_respected_a_paused_workload_left_out_and_old_proxies_are_told",
            ),
            Tested(
                "restarts",
                "a_wave_that_does_not_become_healthy_keeps_the_next_from_beginning",
            ),
        ],
    ),
    (
        "stops after a wave that did harm",
        &[Tested("gates", "a_wave_that_does_harm_is_the_last_one")],
    ),
    (
        "waits until what was applied is ready",
        &[Tested(
            "../control_plane",
            "a_crash_loop_ends_the_wait_with_its_reason_and_is_put_back",
        )],
    ),
    (
        "resumes after it was killed",
        &[Tested(
            "kills",
            "killed_at_any_moment_it_ends_as_without_a_kill",
        )],
    ),
    (
        "keeps one executor at a time",
        &[Tested("../control_plane", "a_second_executor_is_refused")],
    ),
    (
        "rolls back to what was there",
        &[Tested(
            "rollbacks",
            "a_rollback_leaves_what_others_wrote_as_if_there_had_been_no_upgrade",
        )],
    ),
    (
        "says before whether the way back is open",
        &[Tested("day", "a_day_from_the_plan_to_the_way_back")],
    ),
    (
        "says afterwards whether the cluster still is",
        &[Tested("day", "a_day_from_the_plan_to_the_way_back")],
    ),
    (
        "plans many clusters side by side",
        &[Runs(
            &["fleet", "plan", SKEW, CLEAR, "--to", "1.30.3", "--offline"],
            3,
            &["2 clusters", "blocked", "[version-skew]"],
        )],
    ),
    (
        "performs many in waves",
        &[
            Tested(
                "fleets",
                "after_too_many_failures_no_wave_is_released_until_they_are_settled",
            ),
            Tested(
                "fleets/upgrades",
                "three_clusters_are_upgraded_by_jobs_in_a_fourth_and_a_fault_in_one_keeps_the_last_wave",
            ),
        ],
    ),
    (
        "deletes what the older release left",
        &[
            Runs(&["plan", "--sample"], 0, &["1 left behind"]),
            Runs(&["plan", "--sample", "--prune-orphans"], 0, &["1 deleted"]),
        ],
    ),
    (
        "keeps a history of upgrades",
        &[Tested(
            "rollbacks",
            "upgrades_are_kept_in_the_cluster_and_rolled_back_one_after_the_other_by_any_machine",
        )],
    ),
    (
        "output for machines of a plan",
        &[
            Runs(
                &["plan", "--sample", "-o", "json"],
                0,
                &["\"schema\": \"refit.outcome/v1\""],
            ),
            Runs(
                &["plan", "--sample", "-o", "yaml"],
                0,
                &["schema: refit.outcome/v1"],
            ),
            Runs(&["plan", "--sample", "-o", "sarif"], 0, &["sarif"]),
            Runs(&["plan", "--sample", "-o", "junit"], 0, &["<testsuite"]),
            Runs(&["plan", "--sample", "-o", "html"], 0, &["<!DOCTYPE html>"]),
            Runs(&["plan", "--sample", "-o", "markdown"], 0, &["# "]),
        ],
    ),
    (
        "runs in a browser, in Node and as WASI",
        &[
            Kept("browser/golden.test.mjs"),
            Kept("node/golden.test.mjs"),
            Kept("node/wasi.test.mjs"),
        ],
    ),
];

/// What the columns of other tools name, and where their own help does.
const OTHERS: &[(&str, &str, &[&str], &str)] = &[
    ("KUBECTL", "kubectl", &["diff", "--help"], "kubectl diff"),
    (
        "KUBECTL",
        "kubectl",
        &["apply", "--help"],
        "--dry-run='none'",
    ),
    ("KUBECTL", "kubectl", &["apply", "--help"], "--prune"),
    (
        "KUBECTL",
        "kubectl",
        &["apply", "--help"],
        "--force-conflicts",
    ),
    (
        "KUBECTL",
        "kubectl",
        &["rollout", "restart", "--help"],
        "rollout restart",
    ),
    (
        "KUBECTL",
        "kubectl",
        &["rollout", "undo", "--help"],
        "rollout undo",
    ),
    (
        "KUBECTL",
        "kubectl",
        &["rollout", "history", "--help"],
        "rollout history",
    ),
    ("KUBECTL", "kubectl", &["wait", "--help"], "--for"),
    ("HELM", "helm", &["upgrade", "--help"], "--wait "),
    ("HELM", "helm", &["upgrade", "--help"], "--dry-run=server"),
    ("HELM", "helm", &["upgrade", "--help"], "--reuse-values"),
    ("HELM", "helm", &["upgrade", "--help"], "--install"),
    ("HELM", "helm", &["rollback", "--help"], "helm rollback"),
    ("HELM", "helm", &["history", "--help"], "helm history"),
    ("HELM", "helm", &["list", "--help"], "--output format"),
];

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Everything that a program says, and how it ends; without a cluster, a network, or what this machine holds.
fn run(program: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(tests()).env_clear();
    command.env("HOME", home.path()).env("COLUMNS", "160");
    command.env("REFIT_OFFLINE", "true");
    command.env("PATH", env::var_os("PATH").unwrap_or_default());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn every_claim_about_refit_is_shown() {
    let table = fs::read_to_string(tests().join("../docs/compare.md")).unwrap();
    let rows = table.lines().filter(|it| it.starts_with("| ")).skip(1);
    let mut features: Vec<&str> = rows
        .map(|it| it.trim_start_matches("| ").split(" | ").next().unwrap())
        .collect();
    for (feature, shown) in ROWS {
        let before = features.len();
        features.retain(|it| !it.starts_with(feature));
        assert_eq!(features.len(), before - 1, "{feature}: one row is expected");
        for it in *shown {
            match it {
                Runs(arguments, code, words) => {
                    let (ended, said) = run(refit(), arguments);
                    let lacks: Vec<_> = words.iter().filter(|it| !said.contains(**it)).collect();
                    let short: String = said.chars().take(4_000).collect();
                    assert_eq!(ended, Some(*code), "{arguments:?}: {short}");
                    assert!(lacks.is_empty(), "{arguments:?} lacks {lacks:?}: {short}");
                }
                Tested(file, name) => {
                    let path = tests().join(format!("suite/control_plane/{file}.rs"));
                    let source = fs::read_to_string(&path).unwrap();
                    let wanted = format!("#[test]\nfn {name}() {{");
                    assert!(source.contains(&wanted), "{}: {name}", path.display());
                }
                Kept(file) => assert!(tests().join(file).is_file(), "{file}"),
            }
        }
    }
    assert_eq!(features, Vec::<&str>::new(), "rows that nothing shows");
}

#[test]
fn what_helm_and_kubectl_are_said_to_have_their_help_names() {
    for (variable, name, arguments, words) in OTHERS {
        let Some(program) = env::var_os(variable).map(PathBuf::from) else {
            eprintln!("skipped: no {name} ({variable})");
            continue;
        };
        let (code, said) = run(&program, arguments);
        assert_eq!(code, Some(0), "{name} {arguments:?}: {said}");
        assert!(
            said.contains(words),
            "{name} {arguments:?}: {words}: {said}"
        );
    }
}
