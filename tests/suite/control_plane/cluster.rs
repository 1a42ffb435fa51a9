//! A throw-away cluster, and `refit` and `kubectl` in it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use istio_planner::plan::Plan;
use serde_json::{Value, json};

use crate::suite::product::{refit, target};

/// A running control plane. It ends with the test run: its standard input closes.
pub(super) struct Cluster {
    plane: Mutex<Plane>,
    /// The administrator's: for what a test sets up and looks at.
    admin: PathBuf,
    /// What `refit rbac` grants, and nothing else.
    refit: PathBuf,
    folder: tempfile::TempDir,
}

struct Plane {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// How a run of refit ended.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Who runs refit, and how.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'a> {
    /// Another kubeconfig than the one of `refit rbac`.
    pub(super) kubeconfig: Option<&'a Path>,
    /// Where it ends by itself (`REFIT_CRASH`).
    pub(super) crash: Option<&'a str>,
    /// The folder of another machine's journals.
    pub(super) state: Option<&'a Path>,
    /// Words before the command, run by `sh`: limits of the process.
    pub(super) limits: Option<&'a str>,
    /// On a terminal of its own (`script`), whose keys are its standard input.
    pub(super) terminal: bool,
}

/// A proxy that makes faults, and the way through it.
pub(super) struct Faults {
    proxy: Child,
    pub(super) kubeconfig: PathBuf,
}

impl Drop for Faults {
    fn drop(&mut self) {
        drop(self.proxy.stdin.take());
        let _ = self.proxy.wait();
    }
}

/// Returns the cluster that the tests share, each in a namespace of its own; nothing where there is no plane.
pub(super) fn plane() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&[])).as_ref()
}

impl Cluster {
    /// Starts a cluster of its own.
    pub(super) fn start(flags: &[&str]) -> Option<Self> {
        let Some(executable) = executable() else {
            assert!(
                env::var_os("CI").is_none_or(|it| it != "true"),
                "no control plane: set TESTPLANE"
            );
            eprintln!("skipped: no control plane (TESTPLANE)");
            return None;
        };
        let mut child = Command::new(executable)
            .args(["up", "--exit-on-stdin-eof"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let mut cluster = Self {
            plane: Mutex::new(Plane { child, lines }),
            admin: PathBuf::from(ready["kubeconfig"].as_str().unwrap()),
            refit: PathBuf::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        let rights = Command::new(refit())
            .args(["rbac", "--service-account", "refit", "-n", "default"])
            .output()
            .unwrap();
        let rights = String::from_utf8(rights.stdout).unwrap();
        cluster.done(&["apply", "-f", "-"], Some(&rights));
        cluster.refit = cluster.account("refit");
        Some(cluster)
    }

    /// Returns the kubeconfig of a service account of the namespace `default`.
    pub(super) fn account(&self, name: &str) -> PathBuf {
        let token = self.done(
            &["create", "token", name, "-n", "default", "--duration", "6h"],
            None,
        );
        let mut config = self.config();
        config["users"][0]["user"] = json!({ "token": token.trim() });
        self.write_config(name, &config)
    }

    fn config(&self) -> Value {
        let text = self.done(&["config", "view", "--raw", "--minify", "-o", "json"], None);
        serde_json::from_str(&text).unwrap()
    }

    fn write_config(&self, name: &str, config: &Value) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.kubeconfig"));
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Starts a proxy whose faults are drawn from a seed.
    pub(super) fn faults(&self, seed: u64, rate: &str) -> Faults {
        let mut proxy = Command::new(executable().unwrap())
            .args(["proxy", "--rate", rate, "--seed", &seed.to_string()])
            .arg("--kubeconfig")
            .arg(&self.admin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(proxy.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = fs::read_to_string(&self.refit).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        config["clusters"][0]["cluster"] = json!({ "server": ready["server"] });
        let kubeconfig = self.write_config(&format!("faults-{seed}"), &config);
        Faults { proxy, kubeconfig }
    }

    /// Ends a component (`apiserver`, `controllers`) and starts it again so much later; returns when it is there again.
    pub(super) fn bounce(&self, component: &str, away: &str) {
        let mut plane = self.plane.lock().unwrap();
        writeln!(
            plane.child.stdin.as_mut().unwrap(),
            "{component} down {away}"
        )
        .unwrap();
        let mut line = String::new();
        plane.lines.read_line(&mut line).unwrap();
        assert!(line.contains("up"), "{line}");
    }

    /// Returns the file that leads to it.
    pub(super) fn kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// Returns the file with the rights of `refit rbac`.
    pub(super) fn own_kubeconfig(&self) -> &Path {
        &self.refit
    }

    /// Returns the address of the API server, and the authority that it is known by.
    pub(super) fn server(&self) -> (String, Vec<u8>) {
        let config = self.config();
        let cluster = &config["clusters"][0]["cluster"];
        let authority = cluster["certificate-authority-data"].as_str().unwrap();
        (
            cluster["server"].as_str().unwrap().to_owned(),
            BASE64_STANDARD.decode(authority).unwrap(),
        )
    }

    /// Makes a namespace and returns its name.
    pub(super) fn namespace(&self, name: &str) -> String {
        self.done(&["create", "namespace", name], None);
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
        self.done(&flags, Some(&object.to_string()));
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

    /// Waits until an object is there.
    pub(super) fn await_made(&self, kind: &str, namespace: &str, name: &str) {
        let object = format!("{kind}/{name}");
        let wait = [
            "wait",
            "--for=create",
            &object,
            "-n",
            namespace,
            "--timeout=90s",
        ];
        self.done(&wait, None);
    }

    /// Waits until a field of an object (a `jsonpath`) has a value.
    pub(super) fn await_field(&self, kind: &str, namespace: &str, name: &str, field: &str) {
        let object = format!("{kind}/{name}");
        let condition = format!("--for=jsonpath={field}");
        self.done(
            &[
                "wait",
                &condition,
                &object,
                "-n",
                namespace,
                "--timeout=90s",
            ],
            None,
        );
    }

    /// Runs a verb that carries out `plan`, to its end.
    pub(super) fn refit(&self, plan: &Plan, arguments: &[&str]) -> Run {
        self.refit_as(How::default(), plan, arguments)
    }

    /// The same, by somebody else or otherwise.
    pub(super) fn refit_as(&self, how: How<'_>, plan: &Plan, arguments: &[&str]) -> Run {
        finish(self.command(how, Some(plan), arguments).spawn().unwrap())
    }

    /// Runs refit without a plan of ours.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        finish(
            self.command(How::default(), None, arguments)
                .spawn()
                .unwrap(),
        )
    }

    /// Begins a verb that carries out `plan`.
    pub(super) fn spawn(&self, plan: &Plan, arguments: &[&str]) -> Child {
        self.command(How::default(), Some(plan), arguments)
            .spawn()
            .unwrap()
    }

    /// Begins a verb without a plan of ours.
    pub(super) fn begin(&self, arguments: &[&str]) -> Child {
        self.command(How::default(), None, arguments)
            .spawn()
            .unwrap()
    }

    /// The same, by somebody else or otherwise.
    pub(super) fn begin_as(&self, how: How<'_>, arguments: &[&str]) -> Child {
        self.command(how, None, arguments).spawn().unwrap()
    }

    fn command(&self, how: How<'_>, plan: Option<&Plan>, arguments: &[&str]) -> Command {
        let mut command = match how.limits {
            Some(limits) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
                shell.arg(refit());
                shell
            }
            None => Command::new(refit()),
        };
        if how.terminal {
            let words = [refit().to_str().unwrap()].into_iter();
            let words = words.chain(arguments.iter().copied());
            let line: Vec<_> = words.map(|it| format!("'{it}'")).collect();
            command = Command::new("script");
            command.args([
                "-q",
                "-e",
                "-c",
                &format!("exec {}", line.join(" ")),
                "/dev/null",
            ]);
        } else {
            command.args(arguments);
        }
        command
            .env("KUBECONFIG", how.kubeconfig.unwrap_or(&self.refit))
            .env("XDG_STATE_HOME", how.state.unwrap_or(self.folder.path()))
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("REFIT_CRASH")
            .stdin(if how.terminal {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(crash) = how.crash {
            command.env("REFIT_CRASH", crash);
        }
        match plan {
            Some(plan) if arguments[0] == "apply" && !arguments.contains(&"--resume") => {
                let path = self.folder.path().join(format!("{}.json", plan.id));
                fs::write(&path, serde_json::to_vec(plan).unwrap()).unwrap();
                command.arg(path);
            }
            Some(plan) => {
                command.args(["-i", &plan.namespace]);
            }
            None => {}
        }
        command
    }

    /// Reads the whole records of a plan's journal.
    pub(super) fn journal(&self, plan: &Plan) -> Vec<Value> {
        let text = fs::read_to_string(self.journal_path(plan)).unwrap_or_default();
        text.lines()
            .filter_map(|it| serde_json::from_str(it).ok())
            .collect()
    }

    /// Reads the whole records of every journal of this machine.
    pub(super) fn journals(&self) -> Vec<Vec<Value>> {
        let folder = self.folder.path().join("refit/journals");
        let paths = fs::read_dir(folder).into_iter().flatten();
        paths
            .map(|it| it.unwrap().path())
            .filter(|it| it.extension().is_some_and(|it| it == "jsonl"))
            .map(|it| {
                let text = fs::read_to_string(it).unwrap();
                text.lines()
                    .map(|it| serde_json::from_str(it).unwrap())
                    .collect()
            })
            .collect()
    }

    /// Counts the lines of a plan's journal.
    pub(super) fn journal_lines(&self, plan: &Plan) -> usize {
        let text = fs::read_to_string(self.journal_path(plan)).unwrap_or_default();
        text.matches('\n').count()
    }

    fn journal_path(&self, plan: &Plan) -> PathBuf {
        self.folder
            .path()
            .join(format!("refit/journals/{}.jsonl", plan.id))
    }

    /// The last event of a plan's journal.
    pub(super) fn last_event(&self, plan: &Plan) -> String {
        let records = self.journal(plan);
        let last = records.last().expect("a record");
        last["event"].as_str().unwrap().to_owned()
    }

    /// Runs kubectl as administrator, which has to succeed; returns what it printed.
    pub(super) fn done(&self, arguments: &[&str], input: Option<&str>) -> String {
        let output = self.kubectl(arguments, input);
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> std::process::Output {
        let kubectl = env::var_os("KUBECTL").unwrap_or_else(|| OsString::from("kubectl"));
        let mut child = Command::new(kubectl)
            .arg("--kubeconfig")
            .arg(&self.admin)
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

/// Waits for the end of a run.
pub(super) fn finish(child: Child) -> Run {
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
        .or_else(|| Some(target()?.join("go/testplane")))
        .filter(|it| it.is_file())
}
