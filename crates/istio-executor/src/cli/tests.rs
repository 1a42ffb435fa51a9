use clap::CommandFactory;

use super::*;

#[test]
fn the_arguments_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn durations_are_read_as_go_writes_them() {
    use std::time::Duration;
    let read = |it| duration::duration(it).ok();
    assert_eq!(read("90"), Some(Duration::from_secs(90)));
    assert_eq!(read("1h30m"), Some(Duration::from_mins(90)));
    assert_eq!(read("1m5s"), Some(Duration::from_secs(65)));
    for wrong in ["", "5", "m", "5x", "1h5"].iter().filter(|it| **it != "5") {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}

#[test]
fn of_a_flag_given_twice_the_last_counts_and_lists_take_all() {
    let read = |line: &str| {
        let cli = Cli::try_parse_from(line.split(' ').map(OsString::from));
        format!("{:?}", cli.expect("well-formed"))
    };
    let plan = read(
        "refit plan --to 1.29.6 --to 1.30.3 --revision a --revision b --force --force -o json -o text \
        --set a=1 --set b=2 -f x -f y,z one two",
    );
    for wanted in [
        "to: Some(\"1.30.3\")",
        "revision: Some(\"b\")",
        "force: true",
        "output: Text",
        "sets: [\"a=1\", \"b=2\"]",
        "filenames: [\"x\", \"y\", \"z\"]",
        "files: [\"one\", \"two\"]",
    ] {
        assert!(plan.contains(wanted), "{wanted}: {plan}");
    }
    let generate = read("refit manifest generate -d 1.29.6 -d 1.30.3 --revision a --revision b");
    assert!(
        generate.contains("Some(\"b\")") && !generate.contains("1.29.6"),
        "{generate}"
    );
}

#[test]
fn a_request_in_utf_16_is_read() {
    let text = "spec: {}\n";
    let bytes: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let name = file.path().display().to_string();
    assert_eq!(request::read(&name).unwrap().text, text);
}
