//! Archives and packed files: what is read, noted and refused.

use std::io::Write;

use super::*;

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bug_report_is_read_and_its_logs_are_not() {
    let long = format!(
        "bug-report/cluster/{}/k8s-cluster-resources",
        "x".repeat(150)
    );
    let list = list(POD);
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n";
    let tar = tar(&[
        ("bug-report/cluster/k8s-resources", &list),
        (&long, service),
        (
            "bug-report/cluster/kubectl-version",
            "Client Version: v1.30.1\nServer Version: v1.29.3\n",
        ),
        (
            "bug-report/cluster/secrets",
            "NAMESPACE  NAME  TYPE\nshop  token  Opaque\n",
        ),
        ("bug-report/cluster/empty", ""),
        ("bug-report/proxies/shop/a/config_dump", "{ not json"),
        ("bug-report/versions", "CLI version:\n1.30.3\n"),
    ]);
    for bytes in [tar.clone(), gzip(&tar)] {
        let snapshot = read(&[("b.tgz", &bytes)]).unwrap();
        assert_eq!((snapshot.pods.len(), snapshot.objects.len()), (1, 1));
        assert_eq!(snapshot.server_version.as_deref(), Some("1.29.3"));
        assert_eq!(
            snapshot.objects.values().next().unwrap().origin.file,
            format!("b.tgz!{long}")
        );
        let short = read(&[("b.tgz", &bytes[..bytes.len() * 2 / 3])]).expect_err("truncated");
        assert!(short.message.contains("truncated"), "{short}");
    }
}

fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// Files of a zip archive, each stored (0) or deflated (8), with their lengths before or behind them.
fn zip(files: &[(&str, &str)], method: u16, behind: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut central = Vec::new();
    for (name, text) in files {
        let mut packed = text.as_bytes().to_vec();
        if method == 8 {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(text.as_bytes()).unwrap();
            packed = encoder.finish().unwrap();
        }
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let size = |it: usize| u32::try_from(it).unwrap();
        let numbers: Vec<u8> = [crc.sum(), size(packed.len()), size(text.len())]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        let flags: u16 = if behind { 8 } else { 0 };
        let mut common = vec![20, 0];
        common.extend(flags.to_le_bytes());
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        let known = if behind { vec![0; 12] } else { numbers.clone() };
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(&known);
        out.extend(length);
        out.extend([0; 2]);
        out.extend(name.as_bytes());
        out.extend(&packed);
        if behind {
            out.extend(b"PK\x07\x08");
            out.extend(&numbers);
        }
        central.extend(b"PK\x01\x02\x14\0");
        central.extend(&common);
        central.extend(&numbers);
        central.extend(length);
        central.extend([0; 16]);
        central.extend(name.as_bytes());
    }
    out.extend(&central);
    out.extend(b"PK\x05\x06");
    out.extend([0; 18]);
    out
}

/// `apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n`, as `xz -9` packs it.
const XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
    0x1c, 0x00, 0x00, 0x00, 0x10, 0xcf, 0x58, 0xcc, 0x01, 0x00, 0x32, 0x61, 0x70, 0x69, 0x56, 0x65,
    0x72, 0x73, 0x69, 0x6f, 0x6e, 0x3a, 0x20, 0x76, 0x31, 0x0a, 0x6b, 0x69, 0x6e, 0x64, 0x3a, 0x20,
    0x4e, 0x61, 0x6d, 0x65, 0x73, 0x70, 0x61, 0x63, 0x65, 0x0a, 0x6d, 0x65, 0x74, 0x61, 0x64, 0x61,
    0x74, 0x61, 0x3a, 0x20, 0x7b, 0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0x78, 0x7d, 0x0a, 0x00, 0x00,
    0x24, 0x30, 0x3a, 0x46, 0xf6, 0x00, 0x3e, 0x0a, 0x00, 0x01, 0x4b, 0x33, 0xf3, 0x42, 0xdb, 0x8c,
    0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
];

#[test]
fn exports_are_read_as_they_are_handed_over() {
    let pod = list(POD);
    let marked = format!("\u{feff}{pod}");
    let log = "==== START logs for container app of pod shop/a ====\n{ [ ]\n==== not ====\n\
        ==== END logs for container app of pod shop/a ====\n";
    let yaml = kube_yaml::to_string(&serde_json::from_str(&pod).unwrap());
    let image = ("shot.png", "\u{89}PNG");
    for (name, bytes) in [
        ("a.yaml.gz", gzip(yaml.as_bytes())),
        ("twice.gz", gzip(&gzip(pod.as_bytes()))),
        ("le.json", wide(&marked, u16::to_le_bytes)),
        (
            "be.yaml",
            wide(
                &format!("\u{feff}{}", yaml.replace('\n', "\r\n")),
                u16::to_be_bytes,
            ),
        ),
        ("no-mark.json", wide(&pod, u16::to_le_bytes)),
        ("le.json.gz", gzip(&wide(&marked, u16::to_le_bytes))),
        (
            "blanks.json",
            format!("{}{pod}", " \n".repeat(2000)).into_bytes(),
        ),
        ("dump.json", format!("{pod}{log}{log}{pod}").into_bytes()),
        (
            "dump.yaml",
            format!("{yaml}{log}---\n{yaml}{log}").into_bytes(),
        ),
        (
            "stored.zip",
            zip(&[("x/", ""), ("x/pods.json", &pod), image], 0, false),
        ),
        (
            "deflated.zip",
            zip(&[("pods.json", &pod), ("empty", "")], 8, false),
        ),
        (
            "behind.zip",
            zip(&[("pods.json", &pod), ("b.yaml", &yaml)], 8, true),
        ),
        (
            "in-tar.tar",
            tar(&[("pods.json", &pod), ("notes.txt", "Ask Ann\n")]),
        ),
    ] {
        for size in [1, 7, 64, bytes.len()] {
            let mut reader = SnapshotReader::new();
            let mut result = reader.open(name);
            for chunk in bytes.chunks(size) {
                result = result.and_then(|()| reader.push(chunk));
            }
            let snapshot = result.and_then(|()| reader.finish()).expect(name);
            assert_eq!(snapshot.pods.len(), 1, "{name} in chunks of {size}");
        }
        for end in [bytes.len() / 3, bytes.len() / 2] {
            if name != "in-tar.tar" && !name.starts_with("dump") && !name.starts_with("be") {
                assert!(
                    read(&[(name, &bytes[..end])]).is_err(),
                    "{name} cut at {end}"
                );
            }
        }
    }
}

#[test]
fn xz_is_read() {
    for size in [1, 5, XZ.len()] {
        let twice = [XZ, &[0; 4], XZ].concat();
        let mut reader = SnapshotReader::new();
        reader.open("f.xz").unwrap();
        twice.chunks(size).for_each(|it| reader.push(it).unwrap());
        let snapshot = reader.finish().unwrap();
        assert_eq!(snapshot.objects.keys().next().unwrap().name, "x");
    }
    for end in [20, XZ.len() - 1] {
        let error = read(&[("f.xz", &XZ[..end])]).expect_err("truncated");
        assert!(error.message.contains("xz stream"), "{error}");
    }
    let mut bad = XZ.to_vec();
    bad[40] ^= 0xff;
    assert!(read(&[("f.xz", &bad)]).is_err());
}

#[test]
fn members_without_objects_are_noted() {
    let bytes = zip(
        &[
            ("a/pods.json", &list(POD)),
            ("cluster.txt", "NAME   READY   STATUS\na   1/1   Running\n"),
            ("__MACOSX/._a", "x"),
            ("page.html", "<!DOCTYPE html>"),
        ],
        8,
        true,
    );
    let snapshot = read(&[("all.zip", &bytes)]).unwrap();
    let told: Vec<_> = snapshot
        .passed_over
        .iter()
        .map(|it| format!("{}: {}", it.file, it.what))
        .collect();
    assert_eq!(
        told,
        [
            "all.zip!cluster.txt: a table of `kubectl get`: add `-o yaml` or `-o json`",
            "all.zip!__MACOSX/._a: what macOS keeps beside every file",
            "all.zip!page.html: a page (HTML): was it a login page, instead of a download?",
        ]
    );
    // What was found is passed over where it cannot be read, but not where objects stood before that.
    let mut reader = SnapshotReader::new();
    reader
        .read_found("notes.md", b"---\na: [\n".as_slice())
        .unwrap();
    assert_eq!(reader.finish().unwrap().passed_over.len(), 1);
    let mut reader = SnapshotReader::new();
    let half = format!("{}{{", list(POD));
    assert!(reader.read_found("dump.txt", half.as_bytes()).is_err());
}

#[test]
fn a_wrong_file_says_what_it_looks_like() {
    for (text, what) in [
        (b"\x89PNG\r\n\x1a\n\0\0".as_slice(), "found a picture (PNG)"),
        (b"NAME   READY\na   1/1\n", "found a table of `kubectl get`"),
        (b"global:\n  hub: x\n", "found Helm values"),
        (b"{\"pilot\": {}}", "found Helm values"),
        (
            b"Error from server (Forbidden): x",
            "found an error of kubectl",
        ),
        (
            b"apiVersion: v1\nkind: Config\nclusters: []\n",
            "found a kubeconfig",
        ),
        (
            b"profile: minimal\ncomponents: {}\n",
            "found an IstioOperator without its kind",
        ),
    ] {
        let error = read(&[("f", text)]).expect_err(what);
        assert!(error.message.contains(what), "{error}");
    }
    let release = tar(&[("istio-1.30.3/manifests/charts/base/Chart.yaml", "a: b\n")]);
    let error = read(&[("f", &release)]).expect_err("a release");
    assert!(error.message.contains("--releases"), "{error}");
}

#[test]
fn what_is_packed_too_often_or_too_large_is_an_error() {
    let mut bytes = list(POD).into_bytes();
    for _ in 0..3 {
        bytes = gzip(&bytes);
    }
    let error = read(&[("f", &bytes)]).expect_err("three layers");
    assert!(error.message.contains("more than twice"), "{error}");
    for _ in 0..3000 {
        bytes = gzip(&bytes);
    }
    assert!(read(&[("f", &bytes)]).is_err());
    let text = list(POD);
    let once = tar(&[("a.json", &text)]);
    let texts = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("ASCII");
    let twice = tar(&[("once.tar", &texts(&once))]);
    let thrice = tar(&[("twice.tar", &texts(&twice))]);
    assert_eq!(read(&[("f", &twice)]).unwrap().pods.len(), 1);
    let error = read(&[("f", &thrice)]).expect_err("three archives");
    assert!(
        error.message.contains("archives more than twice"),
        "{error}"
    );
    let long = "x".repeat(1024 * 1024 + 1);
    for (text, words) in [
        (format!("Server Version: {long}"), "1 MB"),
        (
            format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {long}}}\n"),
            "longer than 1 MB",
        ),
        (" ".repeat(1024 * 1024 + 600), "1 MB of blanks"),
        (
            format!("{{\"kind\": \"{}", long.repeat(65)),
            "larger than 64 MB",
        ),
        (format!("kind: {}\n", long.repeat(65)), "larger than 64 MB"),
        (
            format!("{{\"items\": [{{\"kind\": \"{}", long.repeat(65)),
            "larger than 64 MB",
        ),
    ] {
        let error = read(&[("f", text.as_bytes())]).expect_err(words);
        assert!(error.message.contains(words), "{error}");
    }
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4 << 20);
    header.set_entry_type(tar::EntryType::XHeader);
    builder
        .append_data(&mut header, "x", std::io::repeat(b' ').take(4 << 20))
        .unwrap();
    let error = read(&[("f", &builder.into_inner().unwrap())]).expect_err("a huge header");
    assert!(error.message.contains("longer than 1 MB"), "{error}");
}

/// Valid inputs of every format.
fn inputs() -> Vec<Vec<u8>> {
    let json = list(&format!("{POD},\n{}", POD.replace("\"a\"", "\"b\"")));
    let pod = kube_yaml::to_string(&serde_json::from_str(POD).unwrap());
    let item = pod.trim_end().replace('\n', "\n  ");
    let yaml = format!("apiVersion: v1\nitems:\n- {item}\n- {item}\nkind: List\n---\n{pod}");
    let archive = tar(&[("a.json", &json), ("b.yaml", &yaml)]);
    let zips =
        [0, 8].map(|method| zip(&[("a.json", &json), ("b.yaml", &yaml)], method, method == 8));
    let [stored, deflated] = zips;
    vec![
        wide(&json, u16::to_le_bytes),
        json.into_bytes(),
        yaml.into_bytes(),
        gzip(&archive),
        archive,
        stored,
        deflated,
        XZ.to_vec(),
    ]
}

proptest::proptest! {
    /// Damage is an error, or reads as something else; it never panics, whatever the chunks are.
    #[test]
    fn damaged_inputs_never_panic(
        which in 0_usize..8,
        chunk in 1_usize..4096,
        damage in proptest::collection::vec(
            (proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()),
            0..6,
        ),
        cut in proptest::prelude::any::<proptest::sample::Index>(),
    ) {
        let mut bytes = inputs().swap_remove(which);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let mut reader = SnapshotReader::new();
        let mut result = reader.open("f");
        for part in bytes.chunks(chunk) {
            result = result.and_then(|()| reader.push(part));
        }
        let _ = result.and_then(|()| reader.finish());
    }
}
