//! What shells offer: asked through real shells, and through kubectl where there is one.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::product::refit;

/// A folder with a kubeconfig of two contexts, some files, and refit under all its names.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("bin")).unwrap();
    for name in ["refit", "kubectl-refit", "kubectl_complete-refit"] {
        symlink(fs::canonicalize(refit()).unwrap(), at("bin").join(name)).unwrap();
    }
    fs::create_dir(at("folder")).unwrap();
    for name in ["iop.yaml", "notes.txt", "plan.json"] {
        fs::write(at(name), "").unwrap();
    }
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: first\n\
                  contexts: [{name: first, context: {cluster: a, user: a}}, {name: production, context: {cluster: a, user: a}}]\n\
                  clusters: [{name: a, cluster: {server: \"http://127.0.0.1:1\"}}]\nusers: [{name: a, user: {}}]\n";
    fs::write(at("kubeconfig"), config).unwrap();
    folder
}

fn command(program: &Path, folder: &Path) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut paths = vec![folder.join("bin")];
    paths.extend(env::split_paths(&path));
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("PATH", env::join_paths(paths).unwrap())
        .env("HOME", folder)
        .env("KUBECONFIG", folder.join("kubeconfig"));
    command
}

fn lines(mut command: Command) -> Vec<String> {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What bash offers for the last word of a line.
fn bash(folder: &Path, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|it| format!("'{it}'")).collect();
    let last = words.last().unwrap();
    // The function that is registered, called as bash calls it.
    let script = format!(
        r#"source <(refit completion bash)
read -ra registered < <(complete -p refit)
COMP_WORDS=({})
COMP_CWORD={}
COMP_TYPE=9
"${{registered[-2]}}" refit '{last}' ''
printf '%s\n' "${{COMPREPLY[@]}}""#,
        quoted.join(" "),
        words.len() - 1
    );
    let mut command = command(Path::new("bash"), folder);
    command.args(["--norc", "-c", &script]);
    lines(command)
}

/// What any shell offers, as it is asked: the same lines for all of them.
fn check(ask: impl Fn(&[&str]) -> Vec<String>) {
    let has = |words: &[&str], wanted: &[&str], others: &[&str]| {
        let offered = ask(words);
        for it in wanted {
            assert!(offered.iter().any(|is| is == it), "{words:?}: {offered:?}");
        }
        for it in others {
            assert!(!offered.iter().any(|is| is == it), "{words:?}: {offered:?}");
        }
    };
    has(&["refit", "pl"], &["plan"], &["apply"]);
    has(
        &["refit", "plan", "--context", ""],
        &["first", "production"],
        &["plan.json"],
    );
    has(
        &["refit", "status", "--context", "pro"],
        &["production"],
        &["first"],
    );
    has(
        &["refit", "plan", "-f", ""],
        &["iop.yaml", "folder/"],
        &["notes.txt"],
    );
    has(
        &["refit", "apply", ""],
        &["plan.json", "folder/"],
        &["iop.yaml"],
    );
    has(
        &["refit", "upgrade", "--to", "1.30."],
        &["1.30.3"],
        &["1.29.6"],
    );
    has(
        &["refit", "explain", "version-s"],
        &["version-skew"],
        &["webhook-gap"],
    );
    has(
        &["refit", "plan", "--accept", "version-s"],
        &["version-skew"],
        &["webhook-gap"],
    );
    has(
        &["refit", "profile", "dump", "dem"],
        &["demo"],
        &["ambient"],
    );
    has(
        &["refit", "upgrade", "--set", "values.pilot.tr"],
        &["values.pilot.traceSampling="],
        &["values.pilot.autoscaleMin="],
    );
    // A cluster that does not answer offers nothing, and no error.
    has(&["refit", "status", "-i", ""], &[], &["istio-system"]);
    has(
        &["refit", "restart", "De"],
        &["Deployment/"],
        &["DaemonSet/"],
    );
}

#[test]
fn bash_offers_names_files_and_fields() {
    let folder = folder();
    check(|words| bash(folder.path(), words));
}

#[test]
fn fish_offers_the_same() {
    if Command::new("fish").arg("--version").output().is_err() {
        eprintln!("there is no fish");
        return;
    }
    let folder = folder();
    check(|words| {
        let mut command = command(Path::new("fish"), folder.path());
        command.arg("-c").arg(format!(
            "refit completion fish | source; complete -C '{}'",
            words.join(" ")
        ));
        let offered = lines(command).into_iter();
        // A description stands behind a tab.
        offered
            .map(|it| it.split('\t').next().unwrap_or_default().to_owned())
            .collect()
    });
}

#[test]
fn every_shell_gets_a_script() {
    for (shell, word) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef refit"),
        ("fish", "complete --keep-order"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let mut command = Command::new(refit());
        command.args(["completion", shell]);
        let script = lines(command).join("\n");
        assert!(
            script.contains(word) && script.contains("REFIT_COMPLETE"),
            "{shell}: {script}"
        );
    }
}

/// kubectl hands the line of a plugin to `kubectl_complete-NAME`, and reads cobra's protocol.
#[test]
fn kubectl_offers_what_its_plugin_does() {
    let folder = folder();
    let ask = |program: &Path, words: &[&str]| {
        let mut command = command(program, folder.path());
        command.args(words);
        let mut offered = lines(command);
        let directive = offered.pop();
        assert!(
            matches!(directive.as_deref(), Some(":4" | ":6")),
            "{directive:?}"
        );
        offered
            .iter()
            .map(|it| it.split('\t').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let plugin = folder.path().join("bin/kubectl_complete-refit");
    check(|words| ask(&plugin, &words[1..]));
    let Some(kubectl) = env::var_os("KUBECTL").map(PathBuf::from) else {
        return;
    };
    check(|words| ask(&kubectl, &[&["__complete"], words].concat()));
}
