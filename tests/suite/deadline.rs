//! A server that accepts and never answers: everything ends in time, and by a signal.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::suite::product::refit;

/// Begins a verb before a server that never answers.
fn begin(folder: &std::path::Path, arguments: &[&str]) -> Child {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    // Connections are taken and kept; the thread ends with the test.
    thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = silent.accept() {
            kept.push(stream);
        }
    });
    let config = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {{ server: 'http://{address}' }}\n\
         contexts:\n- name: c\n  context: {{ cluster: c, user: u }}\nusers:\n- name: u\n  user: {{}}\n"
    );
    fs::write(&config, text).unwrap();
    Command::new(refit())
        .args(arguments)
        .env("KUBECONFIG", config)
        .env("XDG_STATE_HOME", folder)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_time_for_everything_is_the_time_for_everything() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let child = begin(folder.path(), &["rollback", "-y", "--timeout", "2s"]);
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("(--timeout) is over"), "{words}");
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_signal_ends_it_before_a_server_that_never_answers() {
    let folder = tempfile::tempdir().unwrap();
    for signals in [1, 2] {
        let child = begin(folder.path(), &["rollback", "-y"]);
        let id = child.id().to_string();
        for _ in 0..signals {
            thread::sleep(Duration::from_secs(1));
            let _ = Command::new("kill").args(["-TERM", &id]).status();
        }
        let since = Instant::now();
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{words}");
        assert!(
            since.elapsed() < Duration::from_secs(8),
            "{:?}",
            since.elapsed()
        );
    }
}

#[test]
fn without_a_terminal_it_is_refused_before_the_cluster_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    for verb in [
        &["upgrade", "--to", "1.30.3"][..],
        &["rollback"],
        &["restart"],
        &["abandon"],
    ] {
        let output = begin(folder.path(), verb).wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{verb:?} {words}");
        assert!(words.contains("no terminal to ask on"), "{words}");
    }
}
