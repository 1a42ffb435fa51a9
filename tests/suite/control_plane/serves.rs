//! `refit serve` on a terminal of its own: what the page asks for is applied once the word is typed, and not before.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::{Cluster, How, plane};
use super::plans::workload;
use super::upgrades::{applied, restore};
use crate::suite::data::istio_data;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(5);

/// A running `refit serve`, seen by its page.
struct Served {
    child: Child,
    /// What the terminal shows.
    terminal: Receiver<String>,
    host: String,
    secret: String,
    _page: tempfile::TempDir,
}

impl Served {
    fn start(cluster: &Cluster, how: How<'_>, more: &[&str]) -> Self {
        let page = tempfile::tempdir().unwrap();
        fs::write(page.path().join("index.html"), "<p>page</p>").unwrap();
        let mut arguments = vec!["serve", "--page", page.path().to_str().unwrap()];
        arguments.extend(more);
        let mut child = cluster.begin_as(how, &arguments);
        let (told, terminal) = channel();
        // `script` shows its terminal on standard output; without one, refit speaks on standard error.
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        let other = told.clone();
        thread::spawn(move || lines(BufReader::new(stdout), &told));
        thread::spawn(move || lines(BufReader::new(stderr), &other));
        let mut served = Self {
            child,
            terminal,
            host: String::new(),
            secret: String::new(),
            _page: page,
        };
        let link = served.shows("/#token=");
        let (origin, token) = link.trim().split_once("/#token=").unwrap();
        served.host = origin.strip_prefix("http://").unwrap().to_owned();
        let got = served.post("session", &json!({ "token": token }));
        assert_eq!(got.status, 200, "{}", got.text());
        let about: Value = serde_json::from_str(&got.text()).unwrap();
        served.secret = about["secret"].as_str().unwrap().to_owned();
        served
    }

    /// Waits until the terminal shows a line with these words.
    #[track_caller]
    fn shows(&self, words: &str) -> String {
        let mut seen = String::new();
        loop {
            let line = self.terminal.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|it| panic!("{it}: {words} is not shown:\n{seen}"));
            if line.contains(words) {
                return line;
            }
            seen = format!("{seen}{line}\n");
        }
    }

    /// Types on the terminal.
    fn types(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for the question, and returns the word that it wants.
    #[track_caller]
    fn word(&self) -> String {
        let line = self.shows("to go on");
        line.split('"').nth(1).unwrap().to_owned()
    }

    /// Sends a request of the page. HTTP/1.0, so that an answer ends where the connection does.
    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.host).unwrap();
        let (host, secret, length) = (&self.host, &self.secret, body.len());
        let request = format!(
            "{method} /live/{path} HTTP/1.0\r\nHost: {host}\r\nOrigin: http://{host}\r\nAuthorization: Bearer {secret}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        socket
    }

    fn get(&self, path: &str) -> Got {
        Got::read(self.send("GET", path, ""))
    }

    fn post(&self, path: &str, body: &Value) -> Got {
        Got::read(self.send("POST", path, &body.to_string()))
    }

    /// Begins to listen to the records.
    fn listen(&self) -> Heard {
        let socket = self.send("GET", "records", "");
        let (told, lines) = channel();
        thread::spawn(move || self::lines(BufReader::new(socket), &told));
        Heard { lines }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands on lines until they end; a terminal ends them in `\r\n`, and moves its cursor.
fn lines(mut from: impl std::io::BufRead, told: &std::sync::mpsc::Sender<String>) {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|it| it > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if told.send(text).is_err() {
            return;
        }
        line.clear();
    }
}

/// An answer.
struct Got {
    status: u16,
    body: Vec<u8>,
}

impl Got {
    fn read(mut socket: TcpStream) -> Self {
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Self {
            status: head[9..12].parse().unwrap(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is told of runs.
struct Heard {
    lines: Receiver<String>,
}

impl Heard {
    /// Collects messages until a proposal is in one of these states; returns them, and the last once more.
    #[track_caller]
    fn until(&self, states: &[&str]) -> (Vec<Value>, Value) {
        let mut heard = Vec::new();
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|it| panic!("{it}: {heard:?}"));
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            let is_last =
                message["kind"] == "proposal" && states.iter().any(|it| message["state"] == **it);
            heard.push(message.clone());
            if is_last {
                return (heard, message);
            }
        }
    }
}

impl Heard {
    /// Collects messages until the terminal asks.
    #[track_caller]
    fn until_asked(&self) -> Vec<Value> {
        let (told, last) = self.until(&["asking", "done", "failed", "refused"]);
        assert_eq!(last["state"], "asking", "{last}");
        told
    }
}

/// Keeps what was told for the browser's tests, which show it.
fn keep(messages: &[Value]) {
    let mut text = String::new();
    for message in messages {
        let _ = writeln!(text, "{message}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/live-run.jsonl");
    fs::write(path, text).unwrap();
}

fn records(messages: &[Value]) -> Vec<Value> {
    let records = messages.iter().filter(|it| it["kind"] == "record");
    records.map(|it| it["record"].clone()).collect()
}

/// The uids of all objects of an export, by file.
fn uids(export: impl Iterator<Item = (String, String)>) -> BTreeSet<String> {
    let mut uids = BTreeSet::new();
    for (name, text) in export {
        assert!(
            !text.contains("canary-of-a-secret") && !text.contains("Y2FuYXJ5"),
            "{name}"
        );
        let list: Value = serde_json::from_str(&text).unwrap();
        uids.insert(name.clone());
        for item in list["items"].as_array().into_iter().flatten() {
            uids.insert(format!("{name} {}", item["metadata"]["uid"]));
        }
    }
    uids
}

fn of_folder(folder: &Path) -> impl Iterator<Item = (String, String)> {
    fs::read_dir(folder).unwrap().map(|it| {
        let it = it.unwrap();
        (
            it.file_name().into_string().unwrap(),
            fs::read_to_string(it.path()).unwrap(),
        )
    })
}

/// What an upgrade writes, as it is now; whoever writes nothing leaves it as it is.
fn versions(cluster: &Cluster) -> Vec<String> {
    let version = |it: &Value| {
        format!(
            "{} {}",
            it["metadata"]["uid"], it["metadata"]["resourceVersion"]
        )
    };
    applied(cluster).iter().map(version).collect()
}

/// Makes a Deployment in a namespace of its own whose pods have a sidecar of the release that runs.
pub(super) fn injected(cluster: &Cluster, namespace: &str) -> String {
    cluster.await_field(
        "validatingwebhookconfiguration",
        "default",
        "istio-validator-istio-system",
        "{.webhooks[0].failurePolicy}=Fail",
    );
    cluster.namespace(namespace);
    let label = ["label", "namespace", namespace, "istio-injection=enabled"];
    cluster.done(&label, None);
    let mut web = workload("Deployment", namespace, "web");
    let containers = &mut web["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().truncate(1);
    cluster.apply(&web, "someone");
    let ready = "{.status.availableReplicas}=1";
    cluster.await_field("deployment", namespace, "web", ready);
    let images = proxies(cluster, namespace);
    assert!(images.iter().all(|it| it.contains("1.29.6")), "{images:?}");
    namespace.to_owned()
}

/// The images of the sidecars of a namespace.
pub(super) fn proxies(cluster: &Cluster, namespace: &str) -> Vec<String> {
    let text = cluster.done(&["get", "pods", "-n", namespace, "-o", "json"], None);
    let pods: Value = serde_json::from_str(&text).unwrap();
    let pods = pods["items"].as_array().unwrap();
    let stay = pods
        .iter()
        .filter(|it| it["metadata"]["deletionTimestamp"].is_null());
    let images: Vec<String> = stay
        .flat_map(|it| it["spec"]["containers"].as_array().unwrap())
        .filter(|it| it["name"] == "istio-proxy")
        .map(|it| it["image"].as_str().unwrap().to_owned())
        .collect();
    assert!(!images.is_empty(), "no pod has a sidecar");
    images
}

/// What the page reads is what `refit snapshot` reads, and holds no secret.
fn export_is_a_snapshot(cluster: &Cluster, served: &Served) {
    let export = served.get("export");
    assert_eq!(export.status, 200, "{}", export.text());
    let folder = tempfile::tempdir().unwrap();
    let unpacked = flate2::read::GzDecoder::new(export.body.as_slice());
    tar::Archive::new(unpacked).unpack(folder.path()).unwrap();
    let snapshot = tempfile::tempdir().unwrap();
    let run = cluster.run(&["snapshot", "-o", snapshot.path().to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let live = uids(of_folder(&folder.path().join("export")));
    assert_eq!(live, uids(of_folder(snapshot.path())));
    assert!(live.len() > 100, "{}", live.len());
}

#[test]
fn what_the_page_proposes_is_applied_after_the_word_and_not_before() {
    let Some(data) = istio_data() else { return };
    let Some(cluster) = Cluster::start(&["--istiod"]) else {
        return;
    };
    let releases = data.join("istio/releases");
    let releases = releases.to_str().unwrap();
    restore(&cluster, &data, "default-1.29-to-1.30");
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "namespace": "default", "name": "s" },
        "stringData": { "password": "canary-of-a-secret" },
    });
    cluster.apply(&secret, "someone");
    let web = injected(&cluster, "restarted");
    let terminal = How {
        terminal: true,
        ..How::default()
    };
    let mut served = Served::start(&cluster, terminal, &["--releases", releases, "--offline"]);

    export_is_a_snapshot(&cluster, &served);
    let release = served.get("releases/istio-1.30.3.tar.gz");
    assert_eq!(release.status, 200, "{}", release.text());

    let heard = served.listen();
    let before = versions(&cluster);
    let wish = json!({ "to": "1.30.3", "force": true });
    for typed in ["y\n", "\n", "upgrade\n"] {
        assert_eq!(served.post("proposal", &wish).status, 202);
        heard.until_asked();
        let busy = served.post("proposal", &wish);
        assert_eq!(busy.status, 409, "{}", busy.text());
        assert!(served.word().ends_with("upgrade 1.30.3"));
        served.types(typed);
        let (told, last) = heard.until(&["refused", "running"]);
        assert_eq!(last["state"], "refused", "{typed:?}");
        assert_eq!(records(&told), Vec::<Value>::new());
        served.shows("cancelled, nothing was changed");
        served.shows("the page may propose again");
    }
    assert_eq!(versions(&cluster), before, "nothing was written");
    for (kind, name) in [("configmap", "refit-journal"), ("lease", "refit")] {
        assert!(cluster.get(kind, "istio-system", name).is_none(), "{kind}");
    }
    assert!(cluster.journals().is_empty(), "no journal was begun");

    assert_eq!(served.post("proposal", &wish).status, 202);
    let asked = heard.until_asked();
    let word = served.word();
    served.types(&format!("{word}\n"));
    let (told, last) = heard.until(&["done", "failed", "refused"]);
    assert_eq!(last["state"], "done", "{last} {told:?}");
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|it| it == "1") {
        keep(&[asked, told.clone()].concat());
    }
    let istiod = cluster.get("deployment", "istio-system", "istiod").unwrap();
    let image = super::plans::deployment_of(&istiod);
    assert!(image.contains("1.30.3"), "{image}");
    let mut journal = cluster.journals().pop().expect("a journal");
    for record in &mut journal {
        let record = record.as_object_mut().unwrap();
        record.remove("former");
        record.remove("stored");
    }
    assert_eq!(
        records(&told),
        journal,
        "every record is streamed, as it stands in the journal"
    );
    let (all, _) = served.listen().until(&["done"]);
    assert_eq!(records(&all), journal, "who comes late hears all of it");

    assert_eq!(
        served
            .post(
                "restart",
                &json!({ "workloads": ["restarted"], "wave": "100%" })
            )
            .status,
        202
    );
    heard.until_asked();
    assert_eq!(served.word(), "restart");
    served.types("restart\n");
    let (told, last) = heard.until(&["done", "failed", "refused"]);
    assert_eq!(last["state"], "done", "{last}");
    let renewed = records(&told);
    let is_renewal = |it: &Value| it["event"] == "action-began" && it["object"]["name"] == "web";
    assert!(renewed.iter().any(is_renewal), "{renewed:?}");
    assert!(
        proxies(&cluster, &web)
            .iter()
            .all(|it| it.contains("1.30.3"))
    );

    // Ctrl-C, as the terminal sends it.
    served.types("\u{3}");
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_terminal_the_page_is_fed_and_nothing_can_be_proposed() {
    let Some(cluster) = plane() else { return };
    let served = Served::start(cluster, How::default(), &["--offline"]);
    assert_eq!(served.get("export").status, 200);
    for (path, wish) in [
        ("proposal", json!({ "to": "1.30.3" })),
        ("restart", json!({})),
    ] {
        let got = served.post(path, &wish);
        assert_eq!(got.status, 403);
        assert!(
            got.text().contains("no terminal to ask on"),
            "{}",
            got.text()
        );
    }
}
