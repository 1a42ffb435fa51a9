//! Small files that unpack to much: refused with a place, in bounded memory.

use std::io::Write as _;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::suite::product::refit;

/// How much one block unpacks to.
const BLOCK: usize = 64 * 1024 * 1024;

/// How much memory a run may have, in KiB: the program itself, one object of 64 MB, and what it takes to read that.
#[cfg(target_os = "linux")]
const MEMORY: usize = 700 * 1024;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What begins with `head` and goes on with 4 GB of one byte, packed to a few megabytes.
fn bomb(head: &[u8], byte: u8) -> Vec<u8> {
    let block = gzip(&vec![byte; BLOCK]);
    let mut bytes = gzip(head);
    // Members of gzip behind each other are one stream.
    (0..64).for_each(|_| bytes.extend_from_slice(&block));
    bytes
}

/// The header of a tar archive's entry that claims 4 GB.
fn header(kind: tar::EntryType) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(4 << 30);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[cfg(target_os = "linux")]
#[test]
fn a_few_megabytes_never_take_gigabytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut nested = b"{}".to_vec();
    (0..2000).for_each(|_| nested = gzip(&nested));
    for (name, bytes, words) in [
        (
            "name.tar.gz",
            bomb(&header(tar::EntryType::GNULongName), b'x'),
            "longer than 1 MB",
        ),
        (
            "pax.tar.gz",
            bomb(&header(tar::EntryType::XHeader), b' '),
            "longer than 1 MB",
        ),
        (
            "object.json.gz",
            bomb(b"{\"apiVersion\": \"", b'x'),
            "larger than 64 MB",
        ),
        (
            "item.json.gz",
            bomb(b"{\"items\": [{\"kind\": \"", b'x'),
            "larger than 64 MB",
        ),
        (
            "object.yaml.gz",
            bomb(b"apiVersion: v1\nkind: ", b'x'),
            "larger than 64 MB",
        ),
        (
            "version.gz",
            bomb(b"Server Version: v", b'1'),
            "more than 1 MB",
        ),
        ("blanks.gz", bomb(b"\n", b' '), "1 MB of blanks"),
        (
            "packed.gz",
            gzip(&bomb(b"{\"apiVersion\": \"", b'x')),
            "larger than 64 MB",
        ),
        ("nested.gz", nested, "more than twice"),
    ] {
        assert!(bytes.len() < 24 << 20, "{name}: {}", bytes.len());
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        // A run that wants more is ended by the system, and says so in other words.
        let run = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -v {MEMORY}; exec \"$0\" plan --to 1.30.3 \"$1\""),
            ])
            .arg(refit())
            .arg(&path)
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{name}: {stderr}");
        assert!(
            stderr.contains(words) && stderr.contains(name),
            "{name}: {stderr}"
        );
    }
}

#[test]
fn a_huge_name_does_not_widen_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pods.yaml");
    let long = "x".repeat(1 << 20);
    let istiod = |name: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: istio-system, labels: {{app: istiod, istio.io/rev: default}}}}\n\
             spec:\n  template:\n    metadata: {{labels: {{app: istiod, istio.io/rev: default}}}}\n    spec:\n      containers:\n      - {{name: discovery, image: docker.io/istio/pilot:1.29.6}}\n"
        )
    };
    let mut text = istiod(&long);
    for number in 0..200 {
        text.push_str(&istiod(&format!("istiod-{number}")));
    }
    std::fs::write(&path, &text).unwrap();
    let run = Command::new(refit())
        .args(["plan", "--to", "1.30.3"])
        .arg(&path)
        .current_dir(folder.path())
        .env("XDG_CACHE_HOME", folder.path())
        .output()
        .unwrap();
    // Each row padded to the longest name would be 200 MB.
    assert!(run.stdout.len() < 40 << 20, "{}", run.stdout.len());
}
