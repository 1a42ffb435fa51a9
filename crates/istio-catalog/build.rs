//! Packs the files of `data/` into one, so that the crate carries them small.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

fn main() {
    println!("cargo::rerun-if-changed=data");
    let data = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("data");
    let mut files: Vec<(u32, PathBuf)> = fs::read_dir(&data)
        .expect("data/ is part of the crate")
        .map(|entry| entry.expect("data/ can be read").path())
        .filter_map(|path| Some((minor(&path)?, path)))
        .collect();
    files.sort();
    let deltas: Vec<Value> = files
        .iter()
        .map(|(_, path)| fs::read(path).expect("data/ can be read"))
        .map(|text| serde_json::from_slice(&text).expect("data/ holds JSON"))
        .collect();
    let packed =
        miniz_oxide::deflate::compress_to_vec(Value::Array(deltas).to_string().as_bytes(), 10);
    let out = Path::new(&env::var_os("OUT_DIR").expect("set by cargo")).join("releases.deflate");
    fs::write(out, packed).expect("OUT_DIR can be written");
}

/// Returns 30 for `1.30.json`, nothing for the files kept by hand.
fn minor(path: &Path) -> Option<u32> {
    path.file_name()?
        .to_str()?
        .strip_prefix("1.")?
        .strip_suffix(".json")?
        .parse()
        .ok()
}
