//! A whole day of somebody who upgrades, on terminals: the plan of the live cluster, what it asks to be mended, the upgrade,
//! Ctrl-C, going on, the restart, the way back told, and gone.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::cluster::{Cluster, How};
use super::serves::{injected, proxies};
use super::upgrades::{applied, is_as_before, restore};
use crate::suite::data::istio_data;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(5);

const CTRL_C: &str = "\u{3}";

/// Refit on a terminal of its own.
struct Terminal {
    child: Child,
    pieces: Receiver<Vec<u8>>,
    /// Everything that was shown.
    shown: String,
    /// How much of it was waited for.
    past: usize,
}

impl Terminal {
    fn open(cluster: &Cluster, arguments: &[&str]) -> Self {
        let terminal = How {
            terminal: true,
            ..How::default()
        };
        let mut child = cluster.begin_as(terminal, arguments);
        let mut stdout = child.stdout.take().unwrap();
        let (told, pieces) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(size @ 1..) = stdout.read(&mut piece) {
                if told.send(piece[..size].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            pieces,
            shown: String::new(),
            past: 0,
        }
    }

    /// Waits until these words are shown, behind those that were waited for before.
    #[track_caller]
    fn shows(&mut self, words: &str) {
        loop {
            if let Some(at) = self.shown[self.past..].find(words) {
                self.past += at + words.len();
                return;
            }
            match self.pieces.recv_timeout(PATIENCE) {
                // A letter that two pieces share is lost; what is waited for is ASCII.
                Ok(piece) => self.shown.push_str(&String::from_utf8_lossy(&piece)),
                Err(why) => panic!("{why}: {words} is not shown:\n{}", self.shown),
            }
        }
    }

    fn types(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for the end; returns the exit code, and everything that was shown.
    fn ends(mut self) -> (Option<i32>, String) {
        while let Ok(piece) = self.pieces.recv_timeout(PATIENCE) {
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        (self.child.wait().unwrap().code(), self.shown)
    }
}

/// Runs refit to its end, answering a question where one is expected.
#[track_caller]
fn walk(cluster: &Cluster, arguments: &[&str], question: Option<&str>, code: i32) -> String {
    let mut terminal = Terminal::open(cluster, arguments);
    if let Some(question) = question {
        terminal.shows(question);
        terminal.shows("(y/N)");
        terminal.types("y\n");
    }
    let (ended, shown) = terminal.ends();
    assert_eq!(ended, Some(code), "{arguments:?}\n{shown}");
    shown
}

/// Fails where words are not shown.
#[track_caller]
fn has(shown: &str, words: &[&str]) {
    for it in words {
        assert!(shown.contains(it), "{it}:\n{shown}");
    }
}

/// What somebody changes after the upgrade is named, with the field and the hand; the change is taken back.
#[track_caller]
fn somebody_edits(cluster: &Cluster) {
    let patch = |field: &str, manager: &str| {
        let (patch, manager) = (
            format!("--patch={field}"),
            format!("--field-manager={manager}"),
        );
        let namespace = [
            "-n",
            "istio-system",
            "patch",
            "service",
            "istiod",
            "--type=json",
        ];
        cluster.done(&[namespace.as_slice(), &[&patch, &manager]].concat(), None);
    };
    let port = |value: &str| {
        format!(r#"[{{"op": "replace", "path": "/spec/ports/0/targetPort", "value": {value}}}]"#)
    };
    let service = cluster.get("services", "istio-system", "istiod").unwrap();
    let former = service["spec"]["ports"][0]["targetPort"].to_string();
    patch(&port("15099"), "somebody");
    let changed = walk(cluster, &["verify", "--skip-proxies"], None, 3);
    has(
        &changed,
        &[
            "Service istio-system/istiod",
            "targetPort is 15099, not",
            "(somebody, ",
        ],
    );
    patch(&port(&former), "istio-operator");
    walk(cluster, &["verify", "--skip-proxies"], None, 0);
}

#[test]
fn a_day_from_the_plan_to_the_way_back() {
    let Some(data) = istio_data() else { return };
    let Some(cluster) = Cluster::start(&["--istiod"]) else {
        return;
    };
    restore(&cluster, &data, "default-1.29-to-1.30");
    let web = injected(&cluster, "day");
    let first = applied(&cluster);
    let releases = data.join("istio/releases");
    let charts = ["--releases", releases.to_str().unwrap(), "--offline"];
    let folder = tempfile::tempdir().unwrap();
    let request = folder.path().join("request.yaml");
    let write = |field: &str| {
        let text = format!(
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  {field}: default\n  \
             hub: docker.io/istio\n  meshConfig:\n    accessLogFile: /dev/stdout\n"
        );
        fs::write(&request, text).unwrap();
    };
    let to = ["--to", "1.30.3", "-f", request.to_str().unwrap()];
    let words = |verb: &[&'static str]| [verb, &to, &charts].concat();

    write("profil");
    let plan = words(&["plan", "--no-pager"]);
    let blocked = walk(&cluster, &plan, None, 3);
    has(
        &blocked,
        &[
            "blocked",
            "[request-invalid]",
            "request.yaml:4:3",
            "profile",
        ],
    );
    write("profile");
    let clear = walk(&cluster, &plan, None, 0);
    has(&clear, &["Upgrade 1.29.6", "clear", "Next:"]);
    assert!(!clear.contains("[request-invalid]"), "{clear}");
    assert_eq!(
        applied(&cluster).len(),
        first.len(),
        "a plan writes nothing"
    );

    let upgrade = words(&["upgrade"]);
    let mut stopped = Terminal::open(&cluster, &upgrade);
    stopped.shows("Proceed to Istio 1.30.3");
    stopped.shows("(y/N)");
    stopped.types("y\n");
    stopped.shows("Apply istiod");
    stopped.types(CTRL_C);
    let (code, shown) = stopped.ends();
    assert_eq!(code, Some(130), "{shown}");
    has(
        &shown,
        &["go on with `refit apply --resume`", "`refit rollback`"],
    );
    let status = walk(&cluster, &["status"], None, 0);
    has(
        &status,
        &[
            "stopped: interrupted",
            "1.30.3, begun by",
            "Apply definitions and shared rights",
        ],
    );

    let done = walk(&cluster, &upgrade, Some("Go on with it?"), 0);
    has(
        &done,
        &["Apply gateway istio-ingressgateway", "refit restart"],
    );
    assert!(
        proxies(&cluster, &web)
            .iter()
            .all(|it| it.contains("1.29.6"))
    );
    // The control plane is what the upgrade left; the workload still has its old proxy.
    walk(&cluster, &["verify", "--skip-proxies"], None, 0);
    let stale = walk(&cluster, &["verify"], None, 3);
    has(&stale, &["day/web, its proxies", "another version"]);
    let restart = [["restart", "day"].as_slice(), &charts].concat();
    walk(&cluster, &restart, Some("Restart 1 workload"), 0);
    assert!(
        proxies(&cluster, &web)
            .iter()
            .all(|it| it.contains("1.30.3"))
    );

    let verified = walk(&cluster, &["verify", "--skip-proxies"], None, 0);
    has(&verified, &["1.30.3: as planned"]);
    let whole = cluster.run(&["verify"]);
    assert!(!whole.stdout.contains("day/web"), "{}", whole.stdout);
    somebody_edits(&cluster);
    let asked = [["status", "--rollback"].as_slice(), &charts].concat();
    let open = walk(&cluster, &asked, None, 0);
    has(
        &open,
        &["Way back 1.30.3", "open", "objects go back", "Next: "],
    );
    walk(&cluster, &["rollback"], Some("back to 1.29.6"), 0);
    is_as_before(&cluster, &first, "after the way back");
    let status = walk(&cluster, &["status"], None, 0);
    has(&status, &["rolled back"]);
}
