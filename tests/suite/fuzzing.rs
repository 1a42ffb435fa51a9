//! The fuzz targets in an ordinary run: what was found before, and random lines of the words of their dictionaries.
//! `cargo xtask fuzz` runs them by coverage.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{Strategy, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use refit_tests::fuzzing::{SEPARATOR, TARGETS};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Inputs that once did harm do none again.
#[test]
fn regressions_stay_fixed() {
    for (name, target) in TARGETS {
        let Ok(entries) = fs::read_dir(folder().join("regressions").join(name)) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("it can be listed").path();
            target(&fs::read(&path).expect("it can be read"));
        }
    }
}

#[test]
fn random_words_do_no_harm() {
    for (name, target) in TARGETS {
        let words = dictionary(if matches!(name, "parser" | "executor") {
            "templates"
        } else {
            "yaml"
        });
        let word = prop_oneof![
            6 => prop::sample::select(words),
            1 => "[a-z]{1,3}|[0-9]{1,19}|\\PC".prop_map(|it| it),
            1 => prop::sample::select(vec![" ".to_owned(), "\n".to_owned(), SEPARATOR.to_owned()]),
        ];
        let input = prop::collection::vec(word, 1..40).prop_map(|it| it.concat());
        let config = Config {
            cases: 200,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        )
        .run(&input, |it| {
            target(it.as_bytes());
            Ok(())
        })
        .unwrap_or_else(|it| panic!("{name}: {it}"));
    }
}

/// Every target has its file, and cargo fuzz knows it.
#[test]
fn targets_are_those_of_cargo_fuzz() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).expect("it is there");
    for (name, _) in TARGETS {
        let path = format!("fuzz_targets/{name}.rs");
        assert!(manifest.contains(&format!("path = \"{path}\"")), "{name}");
        assert!(folder().join(path).is_file(), "{name}");
    }
}

/// The words of a libFuzzer dictionary: one quoted a line, `\xHH` for a byte.
fn dictionary(name: &str) -> Vec<String> {
    let path = folder().join(format!("dictionaries/{name}.dict"));
    let text = fs::read_to_string(path).expect("it is there");
    text.lines()
        .filter_map(|it| it.strip_prefix('"')?.strip_suffix('"'))
        .map(|it| {
            it.replace("\\x0A", "\n")
                .replace("\\\"", "\"")
                .replace("\\\\", "\\")
        })
        .collect()
}
