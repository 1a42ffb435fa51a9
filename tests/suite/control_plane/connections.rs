//! The ways to an API server that kubectl knows: contexts, files that are merged, exec plugins, proxies.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::cluster::{Cluster, How, Run, finish, plane};
use super::data;
use super::plans::{apply, config_map, plan, step};

/// The kubeconfig of the account of refit, changed.
fn kubeconfig(
    cluster: &Cluster,
    folder: &Path,
    name: &str,
    change: impl FnOnce(&mut Value),
) -> PathBuf {
    let text = fs::read_to_string(cluster.account("refit")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    change(&mut config);
    let path = folder.join(name);
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// Applies one ConfigMap by way of a kubeconfig, with words before the command.
fn makes(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    kubeconfig: &Path,
    before: Option<&str>,
    flags: &[&str],
) -> Run {
    let made = apply(None, &config_map(namespace, name, "1"));
    let plan = plan(namespace, vec![step("one", vec![made], vec![])]);
    let how = How {
        kubeconfig: Some(kubeconfig),
        limits: before,
        ..How::default()
    };
    let run = cluster.refit_as(how, &plan, &[&["apply"], flags].concat());
    let there = data(cluster, namespace, name).is_some();
    assert_eq!(run.code == Some(0), there, "{name}: {}", run.stderr);
    run
}

/// A proxy that tunnels whatever it is asked for to this machine, and counts.
fn tunnel() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || pass(&client));
        }
    });
    (address, count)
}

fn pass(mut client: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?);
    let mut asked = String::new();
    lines.read_line(&mut asked)?;
    let mut line = String::new();
    while lines.read_line(&mut line)? > 2 {
        line.clear();
    }
    let port = asked
        .split([':', ' '])
        .nth(2)
        .and_then(|it| it.parse().ok());
    let server = TcpStream::connect(("127.0.0.1", port.unwrap_or(0)))?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut lines, &mut &server)?;
    Ok(())
}

#[test]
fn contexts_merged_files_and_exec_plugins_lead_to_the_cluster() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("connections");
    let folder = tempfile::tempdir().unwrap();
    let change =
        |name: &str, change: &dyn Fn(&mut Value)| kubeconfig(cluster, folder.path(), name, change);

    let contexts = change("contexts", &|it| {
        let mut other = it["contexts"][0].clone();
        other["name"] = json!("other");
        let good = it["contexts"][0]["name"].clone();
        it["contexts"][0]["context"]["cluster"] = json!("none");
        it["contexts"].as_array_mut().unwrap().push(other);
        it["current-context"] = good;
    });
    let run = makes(
        cluster,
        &namespace,
        "context",
        &contexts,
        None,
        &["--context", "other"],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = makes(cluster, &namespace, "no-context", &contexts, None, &[]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("no cluster: "), "{}", run.stderr);

    // A fleet of contexts: the one that leads nowhere stops nobody.
    let how = How {
        kubeconfig: Some(&contexts),
        ..How::default()
    };
    let fleet = [
        "fleet",
        "plan",
        "--contexts",
        "*",
        "--to",
        "1.30.3",
        "--offline",
        "-o",
        "json",
    ];
    let run = finish(cluster.begin_as(how, &fleet));
    let told: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let clusters = told["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 2);
    assert!(
        clusters[0]["error"]
            .as_str()
            .unwrap()
            .contains("no cluster: "),
        "{told}"
    );
    assert_eq!(clusters[1]["name"], "other");
    assert!(clusters[1]["summary"]["findings"].is_array(), "{told}");

    // The users in one file, the rest in another, and one that is not there.
    let users = change("users", &|it| *it = json!({ "users": it["users"] }));
    let rest = change("rest", &|it| it["users"] = json!([]));
    let missing = folder.path().join("missing");
    let list = std::env::join_paths([&missing, &users, &rest]).unwrap();
    let run = makes(cluster, &namespace, "merged", Path::new(&list), None, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);

    let exec = change("exec", &|it| {
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": { "token": it["users"][0]["user"]["token"] },
        });
        it["users"][0]["user"] = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", "printf '%s' \"$CREDENTIAL\""],
            "env": [{ "name": "CREDENTIAL", "value": credential.to_string() }],
            "interactiveMode": "Never",
        } });
    });
    let run = makes(cluster, &namespace, "exec", &exec, None, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn proxies_are_taken_as_kubectl_takes_them() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("proxies");
    let folder = tempfile::tempdir().unwrap();
    let (proxy, count) = tunnel();
    let through = || count.swap(0, Ordering::Relaxed) > 0;

    // The file's proxy is taken whatever NO_PROXY says.
    let named = kubeconfig(cluster, folder.path(), "named", |it| {
        it["clusters"][0]["cluster"]["proxy-url"] = json!(format!("http://{proxy}"));
    });
    let run = makes(
        cluster,
        &namespace,
        "named",
        &named,
        Some("export NO_PROXY='*'"),
        &[],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(through());

    // A server that only the proxy can find.
    let far = kubeconfig(cluster, folder.path(), "far", |it| {
        let cluster = &mut it["clusters"][0]["cluster"];
        let server = cluster["server"]
            .as_str()
            .unwrap()
            .replace("127.0.0.1", "plane.invalid");
        cluster["server"] = json!(server);
        cluster["tls-server-name"] = json!("127.0.0.1");
    });
    let before = format!("export HTTPS_PROXY={proxy} NO_PROXY=127.0.0.1,example.org");
    let run = makes(cluster, &namespace, "far", &far, Some(&before), &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(through());
    let before = format!("export HTTPS_PROXY={proxy} NO_PROXY=.invalid");
    let run = makes(
        cluster,
        &namespace,
        "not-far",
        &far,
        Some(&before),
        &["--timeout", "2s"],
    );
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(!through());

    // This very machine needs none.
    let here = kubeconfig(cluster, folder.path(), "here", |_| {});
    let before = format!("export HTTPS_PROXY={proxy} NO_PROXY=example.org");
    let run = makes(cluster, &namespace, "here", &here, Some(&before), &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!through());
}
