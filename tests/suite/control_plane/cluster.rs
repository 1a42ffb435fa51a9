//! A throw-away cluster, and `refit` and `kubectl` in it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use istio_planner::plan::Plan;
use serde_json::Value;

use crate::suite::product::{refit, target};

/// A running control plane. It ends with the test run: its standard input closes.
pub(super) struct Cluster {
    _plane: Child,
    kubeconfig: PathBuf,
    folder: tempfile::TempDir,
}

/// How a run of refit ended.
pub(super) struct Run {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Returns the cluster that the tests share, each in a namespace of its own; nothing where there is no plane.
pub(super) fn plane() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(Cluster::start).as_ref()
}

impl Cluster {
    /// Starts a cluster of its own.
    pub(super) fn start() -> Option<Self> {
        let Some(executable) = executable() else {
            assert!(
                env::var_os("CI").is_none_or(|it| it != "true"),
                "no control plane: set TESTPLANE"
            );
            eprintln!("skipped: no control plane (TESTPLANE)");
            return None;
        };
        let mut plane = Command::new(executable)
            .args(["up", "--exit-on-stdin-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(plane.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let kubeconfig = PathBuf::from(ready["kubeconfig"].as_str().unwrap());
        Some(Self {
            _plane: plane,
            kubeconfig,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// Returns the file that leads to it.
    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Makes a namespace and returns its name.
    pub(super) fn namespace(&self, name: &str) -> String {
        let output = self.kubectl(&["create", "namespace", name], None);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        name.to_owned()
    }

    /// Applies an object as a manager, server-side.
    pub(super) fn apply(&self, object: &Value, manager: &str) {
        let flags = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager",
            manager,
            "-f",
            "-",
        ];
        let output = self.kubectl(&flags, Some(&object.to_string()));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Reads an object with its managed fields.
    pub(super) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let mut arguments = vec!["get", kind, name, "--show-managed-fields", "-o", "json"];
        if !namespace.is_empty() {
            arguments.extend(["-n", namespace]);
        }
        let output = self.kubectl(&arguments, None);
        output
            .status
            .success()
            .then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Waits until an object that is being deleted is gone.
    pub(super) fn is_gone(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let object = format!("{kind}/{name}");
        let wait = [
            "wait",
            "--for=delete",
            &object,
            "-n",
            namespace,
            "--timeout=60s",
        ];
        self.kubectl(&wait, None).status.success()
    }

    /// Runs a verb that carries out `plan`, to its end.
    pub(super) fn refit(&self, plan: &Plan, arguments: &[&str]) -> Run {
        finish(self.spawn(plan, arguments))
    }

    /// Runs refit without a plan of ours.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments).spawn().unwrap())
    }

    /// Begins a verb that carries out `plan`.
    pub(super) fn spawn(&self, plan: &Plan, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        if arguments[0] == "apply" {
            let path = self.folder.path().join(format!("{}.json", plan.id));
            fs::write(&path, serde_json::to_vec(plan).unwrap()).unwrap();
            command.arg(path);
        } else {
            command.args(["-i", &plan.namespace]);
        }
        command.spawn().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(refit());
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("XDG_STATE_HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Reads the whole records of a plan's journal.
    pub(super) fn journal(&self, plan: &Plan) -> Vec<Value> {
        let text = fs::read_to_string(self.journal_path(plan)).unwrap_or_default();
        text.lines()
            .filter_map(|it| serde_json::from_str(it).ok())
            .collect()
    }

    /// Counts the lines of a plan's journal.
    pub(super) fn journal_lines(&self, plan: &Plan) -> usize {
        let bytes = fs::read(self.journal_path(plan)).unwrap_or_default();
        bytes.iter().filter(|it| **it == b'\n').count()
    }

    fn journal_path(&self, plan: &Plan) -> PathBuf {
        self.folder
            .path()
            .join(format!("refit/journals/{}.jsonl", plan.id))
    }

    fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> std::process::Output {
        let kubectl = env::var_os("KUBECTL").unwrap_or_else(|| OsString::from("kubectl"));
        let mut child = Command::new(kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(input.unwrap_or_default().as_bytes())
            .unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    }
}

fn finish(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Finds the control plane's executable.
fn executable() -> Option<PathBuf> {
    let given = env::var_os("TESTPLANE").map(PathBuf::from);
    given
        .or_else(|| Some(target()?.join("testplane/testplane")))
        .filter(|it| it.is_file())
}
