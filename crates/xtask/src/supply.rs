//! What is handed out is made of: crates and npm packages, from `cargo metadata` and the page's lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{process, project};

/// What is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// The executable `refit`, as it is built for Linux.
    Binary,
    /// The npm package.
    Package,
    /// The page, with the package in it.
    Page,
}

impl Product {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Binary, Self::Package, Self::Page];

    /// Its name, as files are named after it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Binary => "refit",
            Self::Package => "refit-planner",
            Self::Page => "refit-page",
        }
    }

    /// The crate that it is built from, and for which platform.
    fn root(self) -> (&'static str, &'static str) {
        match self {
            Self::Binary => ("istio-executor", "x86_64-unknown-linux-gnu"),
            Self::Package | Self::Page => ("istio-planner-wasm", "wasm32-unknown-unknown"),
        }
    }
}

/// A part that others made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// `cargo` or `npm`, as package URLs have it.
    pub(crate) registry: &'static str,
    /// Its license, an SPDX expression.
    pub(crate) license: String,
    /// Who made it.
    pub(crate) authors: Vec<String>,
    /// Where its source is.
    pub(crate) repository: String,
    /// SHA-256 (crates) or SHA-512 (npm) in lower-case hexadecimal, as the lock file has it.
    pub(crate) hash: Option<(&'static str, String)>,
    /// Where it lies here.
    pub(crate) folder: PathBuf,
    /// The package URLs of what it stands on.
    pub(crate) needs: BTreeSet<String>,
}

impl Part {
    /// Its package URL.
    pub(crate) fn url(&self) -> String {
        let name = self.name.replacen('@', "%40", 1);
        format!("pkg:{}/{name}@{}", self.registry, self.version)
    }
}

/// Returns the parts of a product, by name and version.
pub(crate) fn parts(product: Product) -> Result<Vec<Part>> {
    let (root, platform) = product.root();
    let mut parts = crates(root, platform)?;
    if product == Product::Page {
        parts.extend(npm(&project::root().join("www"))?);
    }
    parts.sort();
    Ok(parts)
}

/// The crates below one of ours that end up in what is built: no build scripts, no macros, no tests.
fn crates(root: &str, platform: &str) -> Result<Vec<Part>> {
    let mut command = process::cargo();
    command.current_dir(project::root()).args([
        "metadata",
        "--locked",
        "--format-version=1",
        "--filter-platform",
        platform,
    ]);
    let (fine, text) = process::output(&mut command)?;
    ensure!(fine, "cargo metadata failed");
    let metadata: Value = serde_json::from_str(&text)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> = list(&metadata["packages"])
        .into_iter()
        .map(|it| (text_of(&it["id"]), it))
        .collect();
    let nodes: BTreeMap<String, Value> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|it| (text_of(&it["id"]), it))
        .collect();
    let is_macro = |id: &str| {
        list(&packages[id]["targets"])
            .iter()
            .any(|it| it["kind"] == serde_json::json!(["proc-macro"]))
    };
    let below = |id: &str| -> Vec<String> {
        list(&nodes[id]["deps"])
            .iter()
            .filter(|it| list(&it["dep_kinds"]).iter().any(|it| it["kind"].is_null()))
            .map(|it| text_of(&it["pkg"]))
            .filter(|it| !is_macro(it))
            .collect()
    };
    let first = packages.iter().find(|it| it.1["name"] == root);
    let mut todo = vec![first.with_context(|| format!("no crate {root}"))?.0.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = todo.pop() {
        if seen.insert(id.clone()) {
            todo.extend(below(&id));
        }
    }
    let sums = checksums()?;
    let part = |id: &str| {
        let package = &packages[id];
        let manifest = PathBuf::from(text_of(&package["manifest_path"]));
        let (name, version) = (text_of(&package["name"]), text_of(&package["version"]));
        let sum = sums.get(&(name.clone(), version.clone()));
        Part {
            registry: "cargo",
            license: text_of(&package["license"]),
            authors: list(&package["authors"]).iter().map(text_of).collect(),
            repository: text_of(&package["repository"]),
            hash: sum.map(|it| ("SHA-256", it.clone())),
            folder: manifest.parent().unwrap_or(Path::new("")).to_owned(),
            needs: BTreeSet::new(),
            name,
            version,
        }
    };
    let foreign = |id: &String| !packages[id]["source"].is_null();
    let mut parts = Vec::new();
    for id in seen.iter().filter(|it| foreign(it)) {
        let needs = below(id);
        let needs = needs.iter().filter(|it| foreign(it));
        parts.push(Part {
            needs: needs.map(|it| part(it).url()).collect(),
            ..part(id)
        });
    }
    Ok(parts)
}

/// The checksums of `Cargo.lock`, by name and version.
fn checksums() -> Result<BTreeMap<(String, String), String>> {
    let lock = fs::read_to_string(project::root().join("Cargo.lock"))?;
    let mut sums = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |key: &str| {
            let line = package.lines().find_map(|it| it.strip_prefix(key))?;
            Some(line.trim_start_matches(" = ").trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) =
            (field("name"), field("version"), field("checksum"))
        {
            sums.insert((name, version), sum);
        }
    }
    Ok(sums)
}

/// The npm packages that a folder's lock file installs for use, not for building.
fn npm(folder: &Path) -> Result<Vec<Part>> {
    let lock: Value = serde_json::from_slice(&fs::read(folder.join("package-lock.json"))?)?;
    let packages = lock["packages"].as_object().context("no packages")?;
    let mut parts = Vec::new();
    for (path, package) in packages {
        // Our own package is linked; what it needs to be built is not in the page.
        let Some(name) = path.strip_prefix("node_modules/") else {
            continue;
        };
        if package["dev"] == true || package["link"] == true || package["devOptional"] == true {
            continue;
        }
        let place = folder.join(path);
        let manifest = fs::read(place.join("package.json"));
        let manifest: Value = serde_json::from_slice(
            &manifest.with_context(|| format!("{name} is not installed: npm ci in www"))?,
        )?;
        let repository = match &manifest["repository"] {
            Value::String(it) => it.clone(),
            other => text_of(&other["url"]),
        };
        let author = match &manifest["author"] {
            Value::String(it) => it.clone(),
            other => text_of(&other["name"]),
        };
        let needs = package["dependencies"].as_object().into_iter().flatten();
        let needs = needs.map(|(name, _)| {
            let version = text_of(&packages[&format!("node_modules/{name}")]["version"]);
            format!("pkg:npm/{}@{version}", name.replacen('@', "%40", 1))
        });
        parts.push(Part {
            name: name.to_owned(),
            version: text_of(&package["version"]),
            registry: "npm",
            license: text_of(&package["license"]),
            authors: [author].into_iter().filter(|it| !it.is_empty()).collect(),
            repository,
            hash: hash_of(&text_of(&package["integrity"])),
            folder: place,
            needs: needs.collect(),
        });
    }
    if parts.is_empty() {
        bail!("{} names no package", folder.display());
    }
    Ok(parts)
}

/// `sha512-BASE64` as CycloneDX writes it.
fn hash_of(integrity: &str) -> Option<(&'static str, String)> {
    use std::fmt::Write as _;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = integrity.strip_prefix("sha512-")?.trim_end_matches('=');
    let (mut hex, mut bits, mut held) = (String::new(), 0_u32, 0);
    for it in text.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == it)?;
        bits = bits << 6 | u32::try_from(digit).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            let _ = write!(hex, "{:02x}", bits >> held & 0xff);
        }
    }
    Some(("SHA-512", hex))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integrity_is_its_hash() {
        // SHA-512 of nothing, as the standard has it.
        let empty = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
        let (name, hex) = hash_of(empty).unwrap();
        assert_eq!(name, "SHA-512");
        assert!(
            hex.starts_with("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce")
        );
        assert_eq!(hex.len(), 128);
    }
}
