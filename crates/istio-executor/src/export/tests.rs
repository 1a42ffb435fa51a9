use super::*;

/// The names and contents of what is read, the root's path cut off.
fn read_names(root: &Path, paths: &[PathBuf]) -> Vec<String> {
    let mut names = Vec::new();
    each(paths, &mut |name, content| {
        let mut text = String::new();
        content.read_to_string(&mut text).unwrap();
        names.push(format!(
            "{}={text}",
            name.replace(&root.display().to_string(), "")
        ));
        Ok(())
    })
    .unwrap();
    names
}

#[test]
fn folders_are_walked_in_the_order_of_names_and_other_files_left_out() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("b")).unwrap();
    let files = [
        ("c.yaml", "c"),
        ("a.json", "a"),
        ("b/x.yml", "x"),
        ("notes.txt", "no"),
        (".h.yaml", "no"),
    ];
    for (name, text) in files {
        fs::write(root.path().join(name), text).unwrap();
    }
    let got = read_names(root.path(), &[root.path().to_owned()]);
    assert_eq!(got, ["/a.json=a", "/b/x.yml=x", "/c.yaml=c"]);
}

#[test]
fn a_file_that_is_named_is_read_whatever_its_ending() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("dump.txt");
    fs::write(&path, "x").unwrap();
    assert_eq!(read_names(root.path(), &[path]), ["/dump.txt=x"]);
}

#[test]
fn an_empty_folder_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let result = each(&[root.path().to_owned()], &mut |_, _| Ok(()));
    assert!(matches!(result, Err(Error::Empty { .. })));
}

#[test]
fn a_missing_file_is_named() {
    let result = each(&[PathBuf::from("/nowhere/x.yaml")], &mut |_, _| Ok(()));
    assert_eq!(
        result.unwrap_err().to_string(),
        "cannot read /nowhere/x.yaml"
    );
}
