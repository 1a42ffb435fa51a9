//! `--check-images`: the registries are asked before the first write.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::upgrades::{applied, is_as_before, restored, succeeds};

/// A registry of go-containerregistry on loopback (tests/oracles/registry). It ends with the test.
struct Registry {
    process: Child,
    address: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Registry {
    fn with(images: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os("REGISTRY_ORACLE") else {
            eprintln!("skipped: REGISTRY_ORACLE is not set (go build in tests/oracles/registry)");
            return None;
        };
        let mut process = Command::new(program)
            .args(images)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut address).unwrap();
        Some(Self {
            process,
            address: address.trim().to_owned(),
        })
    }
}

#[test]
fn nothing_is_written_while_a_registry_is_not_known_to_have_every_image() {
    let Some(registry) = Registry::with(&[
        "open/pilot:1.30.3",
        "open/proxyv2:1.30.3",
        "token/pilot:1.30.3",
    ]) else {
        return;
    };
    let Some((cluster, releases)) = restored() else {
        return;
    };
    let hub = |way: &str| format!("hub={}/{way}", registry.address);
    let upgrade = |way: &str, more: &[&str]| {
        let hub = hub(way);
        let mut arguments = vec!["upgrade", "--to", "1.30.3", "-y", "--releases", &releases];
        arguments.extend(["--check-images", "--set", &hub]);
        arguments.extend(more);
        cluster.run(&arguments)
    };
    let first = applied(&cluster);
    // Of the two images of the upgrade this one has only istiod's.
    let missing = upgrade("token", &[]);
    assert_eq!(missing.code, Some(3), "{}", missing.stderr);
    for line in [
        "/token/pilot:1.30.3: there",
        "/token/proxyv2:1.30.3: missing",
        "nothing was changed",
    ] {
        assert!(missing.stderr.contains(line), "{line}\n{}", missing.stderr);
    }
    for way in ["limited", "private", "broken"] {
        let unknown = upgrade(way, &[]);
        assert_eq!(unknown.code, Some(4), "{way}: {}", unknown.stderr);
        assert!(unknown.stderr.contains("not told"), "{}", unknown.stderr);
    }
    // A saved plan is asked about in the same way.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let saved = |way: &str| {
        let path = path.to_str().unwrap();
        let hub = hub(way);
        let plan = [
            "plan",
            "--to",
            "1.30.3",
            "--releases",
            &releases,
            "--set",
            &hub,
        ];
        let plan = cluster.run(&[&plan[..], &["--out", path]].concat());
        assert!(matches!(plan.code, Some(0 | 4)), "{}", plan.stderr);
        cluster.run(&["apply", path, "--check-images"])
    };
    let missing = saved("token");
    assert_eq!(missing.code, Some(3), "{}", missing.stderr);
    assert!(missing.stderr.contains("/token/proxyv2:1.30.3: missing"));
    assert!(cluster.journals().is_empty());
    is_as_before(&cluster, &first, "nothing was written");
    succeeds(&saved("open"), "every image is there");
    assert_eq!(cluster.journals().len(), 1);
}
