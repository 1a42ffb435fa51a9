//! What source says of other documents: every chapter that it names is in the repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Documents that the repository does not hold, so nothing may name them.
const FOREIGN: &[&str] = &[
    concat!("domain", ".md"),
    concat!("design", "/"),
    concat!("../shared", "/design"),
];

#[test]
fn nothing_names_a_document_that_is_not_here() {
    let named: Vec<String> = texts()
        .iter()
        .flat_map(|(file, text)| {
            lines(file, text).filter(|(_, line)| FOREIGN.iter().any(|it| line.contains(it)))
        })
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect();
    assert!(named.is_empty(), "{}", named.join("\n"));
}

#[test]
fn every_chapter_that_source_names_exists() {
    let headings = headings();
    let missing: Vec<String> = texts()
        .iter()
        .flat_map(|(file, text)| lines(file, text))
        .flat_map(|(place, line)| {
            let missing: Vec<_> = named(line)
                .into_iter()
                .filter(|it| !headings.contains(it))
                .map(|it| format!("{place}: {it}"))
                .collect();
            missing
        })
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Chapters, sections and defects that a line names: `§7`, `§7.2`, `F-13`.
fn named(line: &str) -> Vec<String> {
    let Some((_, tail)) = line.split_once("domain §") else {
        return Vec::new();
    };
    let end = tail.find([')', ';', '"']).unwrap_or(tail.len());
    let words = tail[..end].split([',', ' ']).map(|it| it.trim_matches('§'));
    words
        .filter(|it| {
            let number = it.strip_prefix("F-").unwrap_or(it);
            number.starts_with(|it: char| it.is_ascii_digit()) && !number.contains(':')
        })
        .map(|it| it.trim_end_matches('.').to_owned())
        .collect()
}

/// The numbers of all chapters, sections and defects.
fn headings() -> BTreeSet<String> {
    let folder = root().join("crates/istio-planner/domain");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the chapters are there") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        for line in text.lines() {
            let heading = line.strip_prefix("## ").or(line.strip_prefix("# "));
            if let Some(number) = heading.and_then(|it| it.split(' ').next()) {
                found.insert(number.trim_end_matches('.').to_owned());
            }
            if let Some(defect) = line
                .strip_prefix("* **F-")
                .and_then(|it| it.split(' ').next())
            {
                found.insert(format!("F-{defect}"));
            }
        }
    }
    found
}

/// Every text file of ours, but the chapters themselves and this one.
fn texts() -> Vec<(PathBuf, String)> {
    let output = Command::new("git")
        .args([
            "ls-files", "--", "*.rs", "*.ts", "*.md", "*.json", "*.mjs", "*.toml",
        ])
        .current_dir(root())
        .output()
        .expect("git can be started");
    let listed = String::from_utf8(output.stdout).expect("names are UTF-8");
    listed
        .lines()
        .filter(|it| {
            !it.starts_with("crates/istio-planner/domain/") && !it.ends_with("references.rs")
        })
        .filter_map(|it| {
            let text = std::fs::read_to_string(root().join(it)).ok()?;
            Some((PathBuf::from(it), text))
        })
        .collect()
}

fn lines<'a>(file: &'a Path, text: &'a str) -> impl Iterator<Item = (String, &'a str)> {
    let numbered = text.lines().enumerate();
    numbered.map(move |(at, line)| (format!("{}:{}", file.display(), at + 1), line))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the repository")
}
