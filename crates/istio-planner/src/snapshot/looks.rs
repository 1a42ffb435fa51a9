//! What a file looks like that is no export, said in the words of who made it.

/// Bytes that tell a format: where they stand, what they are, what the format is called.
const MAGIC: [(usize, &[u8], &str); 27] = [
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (4, b"ftyphei", "a picture (HEIC)"),
    (4, b"ftypavif", "a picture (AVIF)"),
    (4, b"ftyp", "a film"),
    (0, b"II*\0", "a picture (TIFF)"),
    (0, b"MM\0*", "a picture (TIFF)"),
    (0, b"<svg", "a picture (SVG)"),
    (0, b"%PDF", "a PDF"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90\0", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\0asm", "a WebAssembly module"),
    (0, b"SQLite format 3", "a database (SQLite)"),
    (
        0,
        b"\x28\xb5\x2f\xfd",
        "an archive (zstd), which is not read: unpack it first",
    ),
    (
        0,
        b"BZh",
        "an archive (bzip2), which is not read: unpack it first",
    ),
    (
        0,
        b"7z\xbc\xaf\x27\x1c",
        "an archive (7z), which is not read: unpack it first",
    ),
    (
        0,
        b"Rar!",
        "an archive (RAR), which is not read: unpack it first",
    ),
    (
        0,
        b"\x04\x22\x4d\x18",
        "an archive (lz4), which is not read: unpack it first",
    ),
    (0, b"-----BEGIN ", "a certificate or key (PEM)"),
    (0, b"#!", "a script"),
    (0, b"From ", "a mail"),
    (
        0,
        b"k8s\0",
        "an object of etcd, in the API server's own encoding",
    ),
];

/// Says what bytes look like that are neither an archive that is read nor text with objects; `None` where nothing tells.
pub(super) fn like(bytes: &[u8]) -> Option<&'static str> {
    let begins = bytes.trim_ascii_start();
    let magic = MAGIC.iter().find(|(at, magic, _)| {
        let bytes = if *at == 0 { begins } else { bytes };
        bytes.get(*at..).is_some_and(|it| it.starts_with(magic))
    });
    if let Some((.., name)) = magic {
        return Some(name);
    }
    if bytes.contains(&0) {
        return Some("a file that holds no text");
    }
    let text = String::from_utf8_lossy(begins);
    markup(&text).or_else(|| words(&text))
}

fn markup(text: &str) -> Option<&'static str> {
    let lower: String = text
        .chars()
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Some("a page (HTML): was it a login page, instead of a download?");
    }
    if lower.starts_with("<?xml") && text.contains("<svg") {
        return Some("a picture (SVG)");
    }
    lower.starts_with("<?xml").then_some("an XML document")
}

fn words(text: &str) -> Option<&'static str> {
    let first = text.lines().find(|it| !it.trim().is_empty())?;
    if is_table(first) {
        return Some("a table of `kubectl get`: add `-o yaml` or `-o json`");
    }
    if first.starts_with("No resources found") {
        return Some("the words of kubectl that there is nothing");
    }
    let refused = [
        "Error from server",
        "error: ",
        "Unable to connect to the server",
        "The connection to the server",
    ];
    if refused.iter().any(|it| first.starts_with(it)) {
        return Some("an error of kubectl");
    }
    let described = first
        .strip_prefix("Name:")
        .is_some_and(|it| it.starts_with("  "));
    if described {
        return Some("the words of `kubectl describe`: use `kubectl get -o yaml`");
    }
    if first.starts_with("diff ") || first.starts_with("--- a/") || first.starts_with("Index: ") {
        return Some("a patch");
    }
    if first.starts_with("# ") && text.contains("\n## ") {
        return Some("a text in Markdown");
    }
    if is_log(first) {
        return Some("a log");
    }
    if text.contains("{{") && (text.contains(".Values") || text.contains("{{-")) {
        return Some("a template of a Helm chart: render it first");
    }
    None
}

/// Whether a line is the head of a table: two or more names in capitals, parted by two blanks or more.
fn is_table(line: &str) -> bool {
    let columns: Vec<&str> = line
        .split("  ")
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    let named = |it: &&str| {
        it.bytes().any(|it| it.is_ascii_uppercase())
            && it
                .bytes()
                .all(|it| it.is_ascii_uppercase() || b" -()/_.".contains(&it))
    };
    columns.len() >= 2 && columns.iter().all(named)
}

/// Whether a line begins as logs do: with a day, or with klog's level and day.
fn is_log(line: &str) -> bool {
    let bytes = line.as_bytes();
    let digits = |at: std::ops::Range<usize>| {
        bytes
            .get(at)
            .is_some_and(|it| it.iter().all(u8::is_ascii_digit))
    };
    let bytes_at = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let dated = digits(0..4) && bytes_at(4) == b'-' && digits(5..7) && bytes_at(7) == b'-';
    let bracketed = bytes_at(0) == b'[' && digits(1..5) && bytes_at(5) == b'-';
    let klog =
        matches!(bytes_at(0), b'I' | b'W' | b'E' | b'F') && digits(1..5) && bytes_at(5) == b' ';
    dated || bracketed || klog
}

/// Says what a document without a kind looks like, by its keys.
pub(super) fn without_kind(keys: &[&str]) -> Option<&'static str> {
    let has = |key: &str| keys.contains(&key);
    let any = |wanted: &[&str]| wanted.iter().any(|it| has(it));
    if any(&[
        "global",
        "pilot",
        "meshConfig",
        "sidecarInjectorWebhook",
        "istio_cni",
    ]) {
        return Some("Helm values");
    }
    if any(&[
        "replicaCount",
        "nodeSelector",
        "podAnnotations",
        "serviceAccount",
    ]) && has("image")
    {
        return Some("Helm values");
    }
    if has("apiVersion") && has("name") && has("version") {
        return Some("a chart's description (Chart.yaml)");
    }
    if has("configs") || has("static_resources") {
        return Some("a proxy's configuration (`istioctl proxy-config`)");
    }
    if has("components") && has("profile") || has("spec") && !has("metadata") {
        return Some("an IstioOperator without its kind: give it with -f");
    }
    if has("$schema") && has("runs") {
        return Some("a report (SARIF)");
    }
    if has("verdict") && has("findings") {
        return Some("an outcome of `refit plan`: give the export that it was made of");
    }
    if has("schema") && has("steps") {
        return Some("a plan of refit: give the export that it was made of");
    }
    if has("accessLogFile") || has("defaultConfig") || has("trustDomain") {
        return Some("a MeshConfig: export the ConfigMap that holds it");
    }
    None
}

/// Says what a document is that has a kind and is no object of a cluster.
pub(super) fn of_kind(api_version: &str, kind: &str) -> Option<&'static str> {
    match (api_version, kind) {
        ("v1", "Config") => {
            Some("a kubeconfig: keep it to yourself, and give what kubectl exported")
        }
        ("kustomize.config.k8s.io/v1beta1", "Kustomization") => {
            Some("a kustomization: give what the cluster holds, not what it is made from")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{like, without_kind};

    #[test]
    fn files_are_told_by_what_they_hold() {
        for (bytes, name) in [
            (b"\x89PNG\r\n\x1a\n".as_slice(), "picture"),
            (b"\xff\xd8\xff\xe0", "picture"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "picture"),
            (b"%PDF-1.7", "PDF"),
            (
                b"NAME    READY   STATUS    RESTARTS   AGE\nistiod  1/1\n",
                "kubectl get",
            ),
            (b"NAMESPACE  NAME\nshop  a\n", "kubectl get"),
            (
                b"Error from server (Forbidden): pods is forbidden",
                "error of kubectl",
            ),
            (b"No resources found in shop namespace.", "nothing"),
            (
                b"Name:         istiod\nNamespace:    istio-system\n",
                "describe",
            ),
            (b"2026-06-01T10:00:00Z info x", "log"),
            (b"I0601 10:00:00.000001 1 x.go:1] x", "log"),
            (b"<!DOCTYPE html><html>", "page"),
            (b"#!/bin/sh\n", "script"),
            (b"BZh91AY", "bzip2"),
            (b"a\0b\0\0\0", "no text"),
        ] {
            let found = like(bytes).unwrap_or_default();
            assert!(found.contains(name), "{name}: {found:?}");
        }
        for text in [
            "apiVersion: v1\nkind: Pod\n",
            "{\"kind\": \"List\"}",
            "KIND: x\n",
            "Server Version: v1.30.1",
        ] {
            assert_eq!(like(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn documents_without_a_kind_are_told_by_their_keys() {
        assert_eq!(without_kind(&["global", "pilot"]), Some("Helm values"));
        assert_eq!(without_kind(&["a", "b"]), None);
    }
}
