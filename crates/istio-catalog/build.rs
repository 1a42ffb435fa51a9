//! Packs the files of `data/` into one text, from which any patch is read without reading all the others.
//!
//! The files hold what each patch changed since the one before; most questions are of the newest. So the text begins
//! with the newest minor's first patch as a whole, and each older minor's first patch is what differs from that of the
//! minor after it. A line is a version, a tab and a delta; what was patched stands below its minor's first patch.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

use delta::Delta;

#[path = "src/delta.rs"]
#[allow(
    unreachable_pub,
    reason = "the crate's own module, used here in private"
)]
mod delta;

fn main() {
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-changed=src/delta.rs");
    let data = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("data");
    let mut files: Vec<(u32, PathBuf)> = fs::read_dir(&data)
        .expect("data/ is part of the crate")
        .map(|entry| entry.expect("data/ can be read").path())
        .filter_map(|path| Some((minor(&path)?, path)))
        .collect();
    files.sort();
    let mut first = Value::Null;
    let mut minors: Vec<(Value, Vec<Delta>)> = Vec::new();
    for (_, path) in &files {
        let text = fs::read(path).expect("data/ can be read");
        let deltas: Vec<Delta> = serde_json::from_slice(&text).expect("data/ holds deltas");
        let mut deltas = deltas.into_iter();
        deltas
            .next()
            .expect("a minor has a first patch")
            .apply(&mut first);
        minors.push((first.clone(), deltas.collect()));
    }
    let mut text = String::new();
    let mut after = Value::Null;
    for (first, patches) in minors.into_iter().rev() {
        line(&mut text, &first, &Delta::between(&after, &first));
        let mut document = first.clone();
        for patch in patches {
            patch.apply(&mut document);
            line(&mut text, &document, &patch);
        }
        after = first;
    }
    let out = Path::new(&env::var_os("OUT_DIR").expect("set by cargo")).join("releases.txt");
    fs::write(out, text).expect("OUT_DIR can be written");
}

fn line(text: &mut String, document: &Value, delta: &Delta) {
    let version = document["version"].as_str().expect("each has a version");
    let delta = serde_json::to_string(delta).expect("a delta is JSON");
    writeln!(text, "{version}\t{delta}").expect("texts can be written to");
}

/// Returns 30 for `1.30.json`, nothing for the other files.
fn minor(path: &Path) -> Option<u32> {
    path.file_name()?
        .to_str()?
        .strip_prefix("1.")?
        .strip_suffix(".json")?
        .parse()
        .ok()
}
