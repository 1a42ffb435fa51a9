//! What shells and kubectl offer of a cluster: its namespaces and its workloads, asked with the rights of `refit rbac`.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::cluster::{Cluster, plane};
use super::plans::workload;
use crate::suite::product::refit;

/// What a program offers for the last word of a line, without the words behind a tab and cobra's directive.
fn offered(cluster: &Cluster, bin: &Path, program: &[&str], words: &[&str]) -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
    let output = Command::new(program[0])
        .args(&program[1..])
        .args(words)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("KUBECONFIG", cluster.own_kubeconfig())
        .env("HOME", bin)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?} {words:?}: {errors}");
    let lines = text.lines().filter(|it| !it.starts_with(':'));
    lines
        .map(|it| it.split('\t').next().unwrap_or_default().to_owned())
        .collect()
}

/// A script of bash that prints what the registered function offers for its arguments, called as bash calls it.
const BASH: &str = r#"source <(refit completion bash)
read -ra registered < <(complete -p refit)
COMP_WORDS=(refit "$@") COMP_CWORD=$# COMP_TYPE=9
"${registered[-2]}" refit "${@: -1}" ''
printf '%s\n' "${COMPREPLY[@]}""#;

#[test]
fn namespaces_and_workloads_of_the_cluster_are_offered() {
    let Some(cluster) = plane() else { return };
    for name in ["offered-one", "offered-two"] {
        cluster.namespace(name);
    }
    for (kind, name) in [
        ("Deployment", "web"),
        ("Deployment", "worker"),
        ("StatefulSet", "store"),
    ] {
        cluster.apply(&workload(kind, "offered-one", name), "someone");
    }
    let bin = tempfile::tempdir().unwrap();
    for name in ["refit", "kubectl-refit", "kubectl_complete-refit"] {
        symlink(refit().canonicalize().unwrap(), bin.path().join(name)).unwrap();
    }
    let kubectl = std::env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let kubectl = [kubectl.as_str(), "__complete", "refit"];
    let bash = ["bash", "--norc", "-c", BASH, "bash"];
    for program in [kubectl.as_slice(), &bash] {
        let has = |words: &[&str], wanted: &[&str], others: &[&str]| {
            let offered = offered(cluster, bin.path(), program, words);
            let is = |it: &&&str| offered.iter().any(|other| other == **it);
            let lacks: Vec<_> = wanted.iter().filter(|it| !is(it)).collect();
            let wrong: Vec<_> = others.iter().filter(is).collect();
            assert!(
                lacks.is_empty() && wrong.is_empty(),
                "{program:?} {words:?}: lacks {lacks:?}, has {wrong:?} of {offered:?}"
            );
        };
        let both = ["offered-one", "offered-two"];
        has(&["status", "-i", ""], &both, &["web"]);
        has(&["plan", "-i", "offered-o"], &both[..1], &both[1..]);
        has(&["job", "--namespace", "offered-"], &both, &["default"]);
        has(
            &["restart", ""],
            &["Deployment/", "offered-one", "kube-system"],
            &["web"],
        );
        has(
            &["restart", "Deployment/offered-"],
            &["Deployment/offered-one/", "Deployment/offered-two/"],
            &["offered-one"],
        );
        has(
            &["restart", "Deployment/offered-one/w"],
            &[
                "Deployment/offered-one/web",
                "Deployment/offered-one/worker",
            ],
            &["Deployment/offered-one/store"],
        );
        has(
            &["restart", "StatefulSet/offered-one/"],
            &["StatefulSet/offered-one/store"],
            &["StatefulSet/offered-one/web"],
        );
    }
}
