//! What a terminal sees: nothing that refit reads can steer it, turn words round or be taken for lines of refit's own.
//!
//! Each run is looked at as a terminal gets it (`script` gives it one), and as a pipe does.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::suite::product::refit;

/// What steers: of C0 and C1, of direction, without width; and lines that look as refit's own do.
const STEERS: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{1b}[8m\r\u{8}\u{202e}\u{2066}\u{200b}\u{feff}\nerror: forged\nhint: forged\nVerdict: forged\n";

/// The same without what ends a line, for places that hold only one.
fn steers_in_a_line() -> String {
    STEERS.replace(['\n', '\r'], "")
}

/// Fails where something would steer.
#[track_caller]
fn is_tame(shown: &str, what: &str, colours: bool) {
    let mut rest = shown.to_owned();
    if colours {
        // Refit's own: bold and the eight colours.
        for code in [
            "0", "1", "2", "4", "31", "32", "33", "34", "35", "36", "91", "92", "93", "94", "95",
            "96",
        ] {
            rest = rest.replace(&format!("\u{1b}[{code}m"), "");
        }
    }
    let steering = rest.chars().find(|it| {
        (it.is_control() && !matches!(it, '\n' | '\t'))
            || matches!(it, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    });
    assert_eq!(steering, None, "{what}: {rest:?}");
}

/// Fails where a line of others looks like one of refit's. What the user typed himself may.
#[track_caller]
fn is_ours(shown: &str, what: &str) {
    for line in shown.lines() {
        let forged = ["error: forged", "hint: forged", "Verdict: forged"];
        assert!(
            !forged.iter().any(|it| line.starts_with(it)),
            "{what}: {shown}"
        );
    }
}

/// Both.
#[track_caller]
fn is_tame_and_ours(shown: &str, what: &str, colours: bool) {
    is_tame(shown, what, colours);
    is_ours(shown, what);
}

fn command(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder)
        .env("HOME", folder)
        .env("TERM", "xterm")
        .env("COLUMNS", "100")
        .env("REFIT_RELEASE_URL", "http://127.0.0.1:1")
        .env_remove("REFIT_ISTIO_DATA")
        .env_remove("KUBECONFIG");
    command
}

/// Runs refit on a terminal of its own, and returns what that shows.
fn on_terminal(folder: &Path, arguments: &[&str]) -> String {
    // The words are handed over in variables: no shell reads them.
    let mut script = command(folder, Path::new("script"));
    let names: Vec<String> = (0..arguments.len())
        .map(|it| format!("\"$A{it}\""))
        .collect();
    for (number, argument) in arguments.iter().enumerate() {
        script.env(format!("A{number}"), argument);
    }
    let line = format!("\"$PROGRAM\" {} </dev/null", names.join(" "));
    let output = script
        .env("PROGRAM", refit())
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(127), "refit did not run");
    // The terminal makes both of a line feed.
    String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")
}

fn on_pipe(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = command(folder, refit()).args(arguments).output().unwrap();
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// What stays as it is, so that more of the rest is understood: nothing but kinds, what finds a control plane, all names.
const SPARED: [&[&str]; 3] = [
    &[],
    &[
        "app",
        "istio",
        "istio.io/rev",
        "name",
        "namespace",
        "image",
        "gitVersion",
    ],
    &["name", "namespace", "labels", "matchLabels", "selector"],
];

/// Puts what steers behind every text that is not spared.
fn spoil(value: &mut Value, key: &str, spared: &[&str]) {
    if ["apiVersion", "kind", "creationTimestamp"].contains(&key) || spared.contains(&key) {
        return;
    }
    match value {
        Value::String(text) => text.push_str(STEERS),
        Value::Array(list) => list.iter_mut().for_each(|it| spoil(it, key, spared)),
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(key, it)| spoil(it, key, spared)),
        _ => {}
    }
}

/// A golden case's export, spoilt.
fn hostile_export(case: &str, spared: &[&str]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(case)
        .join("export");
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        kube_yaml::load(&text, |it| objects.push(it.to_json())).unwrap();
    }
    assert!(!objects.is_empty(), "{case}");
    for it in &mut objects {
        spoil(it, "", spared);
    }
    objects
}

#[test]
fn an_export_steers_nothing() {
    let mut inputs = 0;
    let cases = ["sample", "clear-upgrade", "version-skew", "helm-installed"];
    for (case, spared) in cases
        .iter()
        .flat_map(|case| SPARED.map(|spared| (case, spared)))
    {
        let objects = hostile_export(case, spared);
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join(format!("export{}.json", steers_in_a_line()));
        std::fs::write(
            &path,
            json!({ "kind": "List", "items": objects }).to_string(),
        )
        .unwrap();
        let export = path.to_str().unwrap();
        for format in [
            "text", "json", "yaml", "diff", "markdown", "sarif", "junit", "html", "name",
        ] {
            let arguments = [
                "plan",
                "--to",
                "1.30.3",
                "--offline",
                "--no-pager",
                "-o",
                format,
                export,
            ];
            is_tame_and_ours(
                &on_terminal(folder.path(), &arguments),
                &format!("{case} {format}"),
                true,
            );
            let (stdout, stderr) = on_pipe(folder.path(), &arguments);
            is_tame_and_ours(&stderr, &format!("{case} {format} stderr"), false);
            if !["yaml", "diff"].contains(&format) {
                is_tame_and_ours(&stdout, &format!("{case} {format} stdout"), false);
            }
            inputs += 2;
        }
        for verb in [
            &["images", "--to", "1.30.3", "--offline"][..],
            &["recover", "--offline"],
            &["check-inject"],
        ] {
            let arguments = [verb, &[export]].concat();
            is_tame_and_ours(
                &on_terminal(folder.path(), &arguments),
                &format!("{case} {verb:?}"),
                true,
            );
            inputs += 1;
        }
    }
    println!("{inputs} runs on hostile exports");
}

#[test]
fn an_argument_a_setting_and_a_file_name_steer_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let line = steers_in_a_line();
    for arguments in [
        &[STEERS][..],
        &["plan", STEERS],
        &["plan", "--to", STEERS, "."],
        &["plan", "--to", "1.30.3", "-o", STEERS],
        &["plan", "--to", "1.30.3", "--sample", "--set", STEERS],
        &["plan", "--to", "1.30.3", "--sample", "-f", STEERS],
        &["plan", &format!("--{line}")],
        &["plan", "--to", "1.30.3", "--as-of", STEERS, "--sample"],
        &["plan", "--to", "1.30.3", "--releases", STEERS, "--sample"],
        &["explain", STEERS],
        &["help", STEERS],
        &["upgrade", "--to", "1.30.3", "-i", STEERS],
        &["upgrade", "--to", "1.30.3", "--context", STEERS],
        &["upgrade", "--to", "1.30.3", "-c", STEERS],
        &["manifest", "generate", "-d", STEERS],
        &["profile", "dump", STEERS],
        &["restart", "--wave", STEERS],
        &["apply", STEERS],
        &["completion", STEERS],
        &["template", STEERS, STEERS],
    ] {
        is_tame(
            &on_terminal(folder.path(), arguments),
            &format!("{arguments:?}"),
            true,
        );
        let (_, stderr) = on_pipe(folder.path(), arguments);
        is_tame(&stderr, &format!("{arguments:?}"), false);
    }
    let settings =
        json!({ "plan": { "to": STEERS, "output": STEERS }, "releases": STEERS }).to_string();
    for text in [
        settings,
        json!({ STEERS: STEERS }).to_string(),
        format!("a: [{STEERS}"),
    ] {
        std::fs::write(folder.path().join(".refit.yaml"), text).unwrap();
        for arguments in [
            &["plan", "--sample"][..],
            &["config"],
            &["help", "plan"],
            &["plan", "--help"],
        ] {
            is_tame(
                &on_terminal(folder.path(), arguments),
                &format!("{arguments:?}"),
                true,
            );
        }
    }
}

/// An archive's entries: what is damaged is named by them.
#[test]
fn an_archive_steers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (number, content) in [
        "a: [",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: [}}",
        "{\"items\": [1,",
    ]
    .iter()
    .enumerate()
    {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        let name = format!("export/{}{number}.yaml", STEERS.replace('/', ""));
        archive
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
        let path = folder.path().join(format!("{number}.tar"));
        std::fs::write(&path, archive.into_inner().unwrap()).unwrap();
        let path = path.to_str().unwrap();
        for arguments in [
            &["plan", "--to", "1.30.3", "--offline", path][..],
            &[
                "plan",
                "--to",
                "1.30.3",
                "--offline",
                "--manifests",
                path,
                "--sample",
            ],
            &["manifest", "generate", "-d", path],
        ] {
            is_tame_and_ours(
                &on_terminal(folder.path(), arguments),
                &format!("{number} {arguments:?}"),
                true,
            );
        }
    }
    // A release that says of itself what it wants.
    let release = folder.path().join("release");
    std::fs::create_dir_all(release.join("manifests/charts/base/templates")).unwrap();
    std::fs::create_dir_all(release.join("manifests/profiles")).unwrap();
    let quoted = json!(STEERS).to_string();
    for (path, text) in [
        ("manifest.yaml", format!("version: {quoted}\n")),
        (
            "manifests/profiles/default.yaml",
            format!("spec: {{hub: {quoted}, tag: {quoted}}}\n"),
        ),
        (
            "manifests/charts/base/Chart.yaml",
            format!("name: {quoted}\nversion: 1.30.3\n"),
        ),
        ("manifests/charts/base/values.yaml", String::new()),
        (
            "manifests/charts/base/templates/a.yaml",
            format!("{{{{ fail {quoted} }}}}\n"),
        ),
    ] {
        std::fs::write(release.join(path), text).unwrap();
    }
    let release = release.to_str().unwrap();
    for arguments in [
        &["manifest", "generate", "-d", release][..],
        &["plan", "--sample", "--manifests", release],
        &["plan", "--sample", "--to", "1.30.3", "--manifests", release],
        &["template", "x", &format!("{release}/manifests/charts/base")],
    ] {
        is_tame_and_ours(
            &on_terminal(folder.path(), arguments),
            &format!("{arguments:?}"),
            true,
        );
    }
}

/// A server that answers each request so, as long as the test runs.
fn server(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, body) = (socket.unwrap(), body.clone());
            thread::spawn(move || {
                let mut read = [0; 4096];
                let _ = socket.read(&mut read);
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all(format!("{head}{body}").as_bytes());
            });
        }
    });
    format!("http://{address}")
}

fn kubeconfig(folder: &Path, server: &str, name: &str) -> PathBuf {
    let path = folder.join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
        "clusters": [{ "name": name, "cluster": { "server": server } }],
        "users": [{ "name": name, "user": {} }],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

#[test]
fn an_api_server_and_a_kubeconfig_steer_nothing() {
    let status = |code: u16| json!({ "kind": "Status", "status": "Failure", "message": STEERS, "reason": STEERS, "code": code });
    for (code, body) in [
        ("403 Forbidden", status(403).to_string()),
        ("401 Unauthorized", STEERS.to_owned()),
        ("200 OK", STEERS.to_owned()),
        ("200 OK", json!({ "kind": STEERS, "gitVersion": STEERS, "groups": [{ "name": STEERS, "preferredVersion": { "groupVersion": STEERS } }], "resources": [{ "name": STEERS, "kind": STEERS }], "items": [{ "metadata": { "name": STEERS, "namespace": STEERS } }] }).to_string()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = kubeconfig(folder.path(), &server(code, body), STEERS);
        let config = config.to_str().unwrap();
        for arguments in [
            &["plan", "--to", "1.30.3", "--offline", "-c", config][..],
            &["status", "-c", config],
            &["history", "-c", config],
            &["snapshot", "-o", "out", "-c", config],
            &["upgrade", "--to", "1.30.3", "-y", "--offline", "--timeout", "5s", "-c", config],
            &["rollback", "-y", "--timeout", "5s", "-c", config],
            &["restart", "-y", "--timeout", "5s", "-c", config],
            &["abandon", "-y", "-c", config],
        ] {
            let shown = on_terminal(folder.path(), arguments);
            assert!(!shown.is_empty(), "{code} {arguments:?}");
            is_tame_and_ours(&shown, &format!("{code} {arguments:?}"), true);
        }
    }
}

#[test]
fn a_large_export_tells_how_fast_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let objects = |count: usize| -> Vec<Value> {
        let data = "x".repeat(1 << 20);
        let object = |at| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("n{at}"), "namespace": "shop"}, "data": {"a": data}});
        (0..count).map(object).collect()
    };
    for (count, is_told) in [(70, true), (2, false)] {
        let export = json!({"apiVersion": "v1", "items": objects(count), "kind": "List"});
        std::fs::write(folder.path().join("cluster.json"), export.to_string()).unwrap();
        let arguments = ["check-inject", "--namespace-labels", "a=b", "cluster.json"];
        let shown = on_terminal(folder.path(), &arguments);
        assert_eq!(shown.contains("Reading the export"), is_told, "{shown:?}");
        assert_eq!(shown.contains("MB/s"), is_told, "{shown:?}");
        let (_, on_pipe) = on_pipe(folder.path(), &arguments);
        assert!(!on_pipe.contains("MB/s"), "{on_pipe:?}");
    }
}
