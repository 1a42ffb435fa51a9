use std::io::Write as _;

use super::*;

/// A namespace of this name.
fn object(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.objects.keys().map(|it| it.name.as_str()).collect()
}

/// What was passed over, the root's path cut off.
fn passed_over(root: &Path, snapshot: &Snapshot) -> Vec<String> {
    let root = root.display().to_string();
    snapshot
        .passed_over
        .iter()
        .map(|it| format!("{} {}", it.file.replace(&root, ""), it.what))
        .collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn folders_are_walked_and_files_told_by_what_they_hold() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("b")).unwrap();
    let files: [(&str, Vec<u8>); 8] = [
        ("c.yaml", object("c").into()),
        (
            "a.json",
            br#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}"#.to_vec(),
        ),
        ("b/x.yml.gz", gzip(&object("x"))),
        ("b/export", object("w").into()),
        (
            "cluster.txt",
            b"NAME   READY   STATUS\nistiod  1/1  Running\n".to_vec(),
        ),
        ("notes.txt", b"Ask Ann: what for?\n".to_vec()),
        ("picture.png", b"\x89PNG\r\n\x1a\n".to_vec()),
        (".h.yaml", object("hidden").into()),
    ];
    for (name, bytes) in files {
        fs::write(root.path().join(name), bytes).unwrap();
    }
    let snapshot = read(&[root.path().to_owned()]).unwrap();
    assert_eq!(names(&snapshot), ["a", "c", "w", "x"]);
    assert_eq!(
        passed_over(root.path(), &snapshot),
        [
            "/cluster.txt a table of `kubectl get`: add `-o yaml` or `-o json`",
            "/notes.txt a text without Kubernetes objects",
            "/picture.png a picture (PNG)",
        ]
    );
}

#[test]
fn a_file_whose_name_promises_an_export_has_to_be_one() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("values.yaml"), "global: {hub: x}\n").unwrap();
    let error = read(&[root.path().to_owned()]).unwrap_err().to_string();
    assert!(
        error.contains("values.yaml:1:1") && error.ends_with("found Helm values"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_named_is_read_whatever_its_ending() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("dump.txt");
    fs::write(&path, object("x")).unwrap();
    assert_eq!(names(&read(&[path]).unwrap()), ["x"]);
}

#[test]
fn a_folder_without_an_export_is_refused_and_says_what_it_holds() {
    let root = tempfile::tempdir().unwrap();
    let paths = [root.path().to_owned()];
    let error = read(&paths).unwrap_err().to_string();
    assert!(error.ends_with("holds no export: it is empty"), "{error}");
    fs::write(root.path().join("a.png"), b"\x89PNG").unwrap();
    let error = read(&paths).unwrap_err().to_string();
    assert!(error.ends_with("a.png is a picture (PNG)"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let result = read(&[PathBuf::from("/nowhere/x.yaml")]);
    assert_eq!(
        result.unwrap_err().to_string(),
        "cannot read /nowhere/x.yaml"
    );
}

#[cfg(unix)]
#[test]
fn links_to_their_own_folder_are_followed_once_and_pipes_not_opened() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), object("a")).unwrap();
    symlink(root.path(), root.path().join("one")).unwrap();
    symlink(root.path(), root.path().join("two")).unwrap();
    symlink("/nowhere", root.path().join("three")).unwrap();
    let pipe = root.path().join("pipe.yaml");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let snapshot = read(&[root.path().to_owned()]).unwrap();
    assert_eq!(snapshot.kinds["v1/Namespace"], 1);
    assert!(snapshot.conflicts.is_empty());
    assert_eq!(
        passed_over(root.path(), &snapshot),
        ["/pipe.yaml a pipe", "/three a link that leads nowhere"]
    );
    let device = read(&[PathBuf::from("/dev/zero")]).unwrap_err().to_string();
    assert_eq!(device, "/dev/zero is a device, no file");
}

/// Namespaces with labels, as a list that is read in stretches.
fn list(names: std::ops::Range<usize>) -> String {
    let items = names.map(|it| {
        let object = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  labels:\n    a: b\n  name: n{it}\n"
        );
        format!("- {}\n", object.trim_end().replace('\n', "\n  "))
    });
    let items: String = items.collect();
    format!("apiVersion: v1\nitems:\n{items}kind: List\nmetadata: {{}}\n")
}

/// What a path says on one core and on several has to be the same to the letter.
fn said(root: &Path) -> String {
    let steps = walk::steps(&[root.to_owned()]).unwrap();
    let said = [1, 2, 3, 8].map(|cores| {
        let read = reading::all(&steps, cores, &Progress::hidden());
        read.map_or_else(|it| it.to_string(), |it| format!("{it:?}"))
    });
    assert!(said.iter().all(|it| *it == said[0]));
    let [said, ..] = said;
    said
}

#[test]
fn what_is_read_does_not_tell_how_many_cores_there_are() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
    write("a.yaml", &list(0..2000));
    write("b.yaml", &object("b"));
    write("c.yaml", &list(2000..4000));
    write("notes.txt", "Ask Ann: what for?\n");
    let all = said(root.path());
    for name in ["\"n0\"", "\"n3999\"", "\"b\"", "notes.txt", "line: 11997"] {
        assert!(all.contains(name), "{name}");
    }
    // The large ones are read in stretches, and nothing is read twice.
    let steps = walk::steps(&[root.path().to_owned()]).unwrap();
    let files = reading::files(&steps);
    let stretches: Vec<_> = files
        .map(|(at, it)| reading::stretches(at, it, 3).len())
        .collect();
    assert_eq!(stretches, [3, 1, 3, 1]);
    assert_eq!(reading::ahead(&steps, 3, &Progress::hidden()).len(), 4);
    // The same objects again, with another resourceVersion of one.
    let again = list(1000..3000).replacen(
        "name: n1500\n",
        "name: n1500\n    resourceVersion: '7'\n",
        1,
    );
    write("d.yaml", &again);
    assert!(said(root.path()).contains("conflicts: [Conflict"));
    // What cannot be read is named as one reader names it.
    write(
        "c.yaml",
        &list(2000..4000).replacen("name: n3900\n", "name: [n3900]\n", 1),
    );
    let error = said(root.path());
    assert!(
        error.ends_with("/c.yaml:11408:11: expected a string, found a sequence"),
        "{error}"
    );
    write("c.yaml", &list(2000..4000).replace("kind: List\n", ""));
    assert!(said(root.path()).contains("/c.yaml:12004:1: the file is truncated"));
    fs::remove_file(root.path().join("c.yaml")).unwrap();
    // Nobody named this file, but it holds objects: that the first of a part cannot be read is an error of it all the same.
    let mut text = list(4000..6000);
    let half = text.len() / 2;
    let first = half + text[half..].find("\n- ").unwrap();
    let name = first + text[first..].find(": n").unwrap();
    text.replace_range(name..name + 3, ": [");
    write("export", &text);
    let error = said(root.path());
    assert!(error.contains("/export:6014:11"), "{error}");
}

/// The same list as JSON, as kubectl writes it.
fn as_json(yaml: &str) -> String {
    let all = kube_yaml::from_str(yaml).unwrap();
    let text = serde_json::to_string_pretty(&all).unwrap();
    let lines = text.lines().map(|it| {
        let depth = it.len() - it.trim_start().len();
        format!("{}{it}\n", " ".repeat(depth))
    });
    lines.collect()
}

#[test]
fn damage_is_told_alike_on_any_number_of_cores() {
    const PIECES: [&str; 16] = [
        "- ",
        "\n- ",
        "\n",
        "---\n",
        "...\n",
        "},",
        "{",
        "]",
        "\"",
        "'",
        " ",
        "  ",
        "\t",
        "kind: List\n",
        "items:\n",
        "#",
    ];
    let root = tempfile::tempdir().unwrap();
    let (yaml, json) = (root.path().join("c.yaml"), root.path().join("c.json"));
    let text = list(0..600);
    let mut state = 7u64;
    let mut below = |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    let mut errors = 0;
    for (path, text) in [(&yaml, text.clone()), (&json, as_json(&text))] {
        for _ in 0..30 {
            let mut damaged = text.clone();
            let at = below(damaged.len());
            let end = at + [0, 1, 9, 400][below(4)];
            let piece = [PIECES[below(PIECES.len())], ""][below(2)];
            damaged.replace_range(at..end.min(text.len()), piece);
            fs::write(path, damaged).unwrap();
            errors += usize::from(!said(path).starts_with("Snapshot"));
        }
    }
    assert!((5..55).contains(&errors), "{errors}");
}
