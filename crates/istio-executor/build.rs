//! Builds the page into the executable where `REFIT_PAGE_DIR` names its folder (`www/dist`, which `cargo xtask www` makes).
//!
//! Samples and releases stay outside: the live page reads the cluster, and asks the executor for releases.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=REFIT_PAGE_DIR");
    let mut files = Vec::new();
    if let Some(folder) = env::var_os("REFIT_PAGE_DIR") {
        // A relative one is meant from where cargo is called, the repository's root.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder);
        let folder = fs::canonicalize(&folder).map_err(|it| {
            io::Error::new(
                it.kind(),
                format!("REFIT_PAGE_DIR {}: {it}", folder.display()),
            )
        })?;
        println!("cargo::rerun-if-changed={}", folder.display());
        find(&folder, "", &mut files)?;
        files.sort();
    }
    let mut source =
        String::from("/// The page's files, by their paths.\nconst FILES: &[(&str, &[u8])] = &[\n");
    for (name, path) in &files {
        let _ = writeln!(source, "    ({name:?}, include_bytes!({path:?})),");
    }
    source.push_str("];\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gives no OUT_DIR"))?;
    fs::write(Path::new(&out).join("page_files.rs"), source)
}

/// Finds all files below a folder, with their paths from there.
fn find(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|it| it.to_str()) else {
            continue;
        };
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            if !matches!(name.as_str(), "samples" | "releases") {
                find(&path, &format!("{name}/"), files)?;
            }
        } else {
            let path = path
                .to_str()
                .ok_or_else(|| io::Error::other(format!("{} is no text", path.display())))?;
            files.push((name, path.to_owned()));
        }
    }
    Ok(())
}
