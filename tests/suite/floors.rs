//! The floors of the planner: which module may know which, as `crates/README.md` has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that are one document, and so know each other.
const DOCUMENT: [&str; 3] = ["outcome", "plan", "edit"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// The table of the map: each module's floor.
fn floors() -> BTreeMap<String, u32> {
    let map = fs::read_to_string(root().join("README.md")).expect("the map is there");
    let rows = map.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let floor: u32 = cells.next()?.parse().ok()?;
        Some((floor, cells.next()?.to_owned()))
    });
    rows.flat_map(|(floor, modules)| {
        let names = modules
            .split(", ")
            .map(|it| it.trim_matches('`').to_owned());
        names.map(move |it| (it, floor)).collect::<Vec<_>>()
    })
    .collect()
}

/// Every source of the planner but tests, with the module of the crate that it belongs to.
fn sources(folder: &Path, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|it| it.to_str()).expect("a name");
        if matches!(name, "tests" | "fixture" | "lib") {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
            continue;
        }
        let inside = path
            .strip_prefix(root().join("istio-planner/src"))
            .expect("a source");
        let first = inside
            .iter()
            .next()
            .and_then(|it| it.to_str())
            .expect("a name");
        found.push((first.trim_end_matches(".rs").to_owned(), path.clone()));
    }
}

/// A source up to its tests.
fn without_tests(text: &str) -> &str {
    let mut parts = text.split("#[cfg(test)]\nmod tests {");
    parts.next().unwrap_or(text)
}

/// Modules that a source names by `crate::`, its tests and comments left out.
fn named(text: &str) -> BTreeSet<String> {
    let lines = without_tests(text)
        .lines()
        .map(|it| it.split("//").next().unwrap_or(it));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|it| it == '$' || it == '_' || it.is_alphanumeric()) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => named.extend(heads(list)),
            None => {
                named.insert(identifier(rest));
            }
        }
    }
    named
}

/// The first names of a list in braces, which has been opened.
fn heads(list: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut heads = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(String::new()),
            _ => {}
        }
        if depth == 0
            && let Some(last) = heads.last_mut()
        {
            last.push(letter);
        }
    }
    let heads = heads
        .iter()
        .map(|it| identifier(it.trim_matches([',', ' ', '\n'])));
    heads.filter(|it| !it.is_empty()).collect()
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|it| it.is_alphanumeric() || *it == '_')
        .collect()
}

#[test]
fn each_module_of_the_planner_knows_only_floors_below_its_own() {
    let floors = floors();
    let mut files = Vec::new();
    sources(&root().join("istio-planner/src"), &mut files);
    assert!(files.len() > 100, "only {} sources", files.len());
    let mut wrong = Vec::new();
    for (module, path) in files {
        let Some(floor) = floors.get(&module) else {
            wrong.push(format!("{module} stands on no floor of the map"));
            continue;
        };
        let text = fs::read_to_string(&path).expect("a source");
        for other in named(&text).into_iter().filter(|it| *it != module) {
            let together = [&module, &other]
                .iter()
                .all(|it| DOCUMENT.contains(&it.as_str()));
            let below = floors.get(&other).is_some_and(|it| it < floor);
            if !below && !together {
                wrong.push(format!("{} names crate::{other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn components_are_compared_with_the_catalogues_names() {
    let mut files = Vec::new();
    sources(&root().join("istio-planner/src"), &mut files);
    let names = [
        "Base",
        "Cni",
        "EgressGateways",
        "IngressGateways",
        "Pilot",
        "Ztunnel",
    ];
    let mut wrong = Vec::new();
    for (_, path) in files {
        let text = fs::read_to_string(&path).expect("a source");
        let code = without_tests(&text);
        for name in names
            .iter()
            .filter(|it| code.contains(&format!("\"{it}\"")))
        {
            wrong.push(format!("{} says \"{name}\"", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "istio_catalog::ComponentName: {}",
        wrong.join("\n")
    );
}

#[test]
fn names_are_read_from_lists_and_paths() {
    let named = named(
        "use crate::a::{b, c};\nuse crate::{d, e::{f, g}};\n// crate::h\nfn x() { crate::i::j() }",
    );
    let expected = ["a", "d", "e", "i"].map(str::to_owned);
    assert_eq!(named, BTreeSet::from(expected));
}
