//! `cargo xtask notices`: the licenses of what others made, as they want to be handed on with it.
//!
//! One text for each product, committed: `refit version --licenses` prints the executable's, the package and the page carry
//! theirs. Of a choice of licenses one is taken, Apache-2.0 first: its text stands once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use spdx::{Expression, ParseMode};

use crate::project;
use crate::supply::{Part, Product, parts};

/// Licenses that may be in what is handed out, those that are taken first in front.
const ALLOWED: [&str; 12] = [
    "Apache-2.0",
    "MIT",
    "BSD-3-Clause",
    "BSD-2-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "MPL-2.0",
    "CDLA-Permissive-2.0",
    "BSL-1.0",
    "Unlicense",
];

/// What the products hold beside crates and npm packages.
const DATA: &str = "\
The facts, charts and defaults of Istio's releases are derived from Istio (https://github.com/istio/istio), the tables of
kinds from Kubernetes (https://github.com/kubernetes/kubernetes), the rules of Go's templates and of Helm from
https://go.dev and https://github.com/helm/helm; Istio, Kubernetes and Helm are under Apache-2.0, Go under BSD-3-Clause.
The Rust standard library (https://github.com/rust-lang/rust) is under MIT or Apache-2.0.
";

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args {
        [] => write(),
        [flag] if flag == "--check" => check(),
        _ => bail!("unknown arguments: {}", args.join(" ")),
    }
}

/// Where a product's text lies.
fn place(product: Product) -> PathBuf {
    project::root().join(match product {
        Product::Binary => "crates/istio-executor/data/notices.txt",
        Product::Package => "pkg/NOTICES.txt",
        Product::Page => "www/public/notices.txt",
    })
}

fn write() -> Result<()> {
    for product in Product::ALL {
        let path = place(product);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        fs::write(&path, text(product)?)?;
    }
    Ok(())
}

/// Fails where a text is not the one of what `Cargo.lock` and the page's lock file name.
pub(crate) fn check() -> Result<()> {
    for product in Product::ALL {
        let path = place(product);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept != text(product)? {
            bail!("{} is out of date: `cargo xtask notices`", path.display());
        }
    }
    Ok(())
}

/// The text of a product.
fn text(product: Product) -> Result<String> {
    let mut text = format!(
        "{} is under Apache-2.0. It holds what others made, listed here with the license that was chosen, and the texts of these\nlicenses below.\n\n{DATA}\n",
        product.name()
    );
    let mut texts: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for part in parts(product)? {
        let chosen = chosen(&part)?;
        let name = format!("{} {}", part.name, part.version);
        let _ = writeln!(
            text,
            "{name}: {}; {}",
            chosen.join(" and "),
            part.repository
        );
        for (license, words) in words(&part, &chosen)? {
            texts
                .entry((license, words))
                .or_default()
                .push(name.clone());
        }
    }
    for ((license, words), users) in texts {
        let _ = write!(
            text,
            "\n{}\n{license}: {}\n\n{}\n",
            "-".repeat(80),
            users.join(", "),
            words.trim_matches('\n')
        );
    }
    Ok(text)
}

/// The licenses that a part is taken under.
pub(crate) fn chosen(part: &Part) -> Result<Vec<String>> {
    let name = format!("{} {}", part.name, part.version);
    let expression = Expression::parse_mode(&part.license, ParseMode::LAX)
        .with_context(|| format!("{name}: its license {:?} cannot be read", part.license))?;
    let accepted = |it: &spdx::LicenseReq| {
        let id = it.license.id().map(|it| it.name);
        // What LLVM's exception adds is permission.
        ALLOWED.iter().position(|allowed| Some(*allowed) == id)
    };
    if !expression.evaluate(|it| accepted(it).is_some()) {
        bail!(
            "{name} is under {}, which may not be handed out",
            part.license
        );
    }
    // The fewest, and of these the ones that are wanted most.
    let mut all: Vec<_> = expression.requirements().map(|it| it.req.clone()).collect();
    all.sort_by_key(|it| std::cmp::Reverse(accepted(it).unwrap_or(usize::MAX)));
    let mut left = all.clone();
    for it in &all {
        let without: Vec<_> = left.iter().filter(|other| *other != it).cloned().collect();
        if expression.evaluate(|req| without.contains(req) && accepted(req).is_some()) {
            left = without;
        }
    }
    let mut ids: Vec<String> = left
        .iter()
        .filter_map(|it| Some(it.license.id()?.name.to_owned()))
        .collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// The texts that go with a part: the license's own where that is the same for everybody, else those that lie in it.
fn words(part: &Part, chosen: &[String]) -> Result<Vec<(String, String)>> {
    let files = files(&part.folder)?;
    let mut found = Vec::new();
    for id in chosen {
        let license = spdx::license_id(id).with_context(|| format!("no license {id}"))?;
        if id == "Apache-2.0" || id == "MPL-2.0" {
            found.push((id.clone(), license.text().to_owned()));
            let notices = files.iter().filter(|it| it.0.starts_with("notice"));
            found.extend(notices.map(|it| (format!("{id}, notice"), it.1.clone())));
            continue;
        }
        let own: Vec<_> = files
            .iter()
            .filter(|it| !it.0.starts_with("notice") && speaks_of(&it.1, id))
            .map(|it| (id.clone(), it.1.clone()))
            .collect();
        if own.is_empty() {
            let authors = part.authors.join(", ");
            found.push((
                id.clone(),
                format!("Copyright: {authors}\n\n{}", license.text().trim()),
            ));
        }
        found.extend(own);
    }
    Ok(found)
}

/// The files of a part that speak of its license, by their names in lower case.
fn files(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let speaks = [
            "license",
            "licence",
            "copying",
            "notice",
            "copyright",
            "unlicense",
        ]
        .iter()
        .any(|it| name.starts_with(it));
        if speaks && path.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path)?).replace("\r\n", "\n");
            found.push((name, text));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a text is the one of a license, by words that stand in no other.
fn speaks_of(text: &str, id: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = match id {
        "MIT" => "Permission is hereby granted, free of charge",
        "BSD-3-Clause" => "endorse or promote products",
        "BSD-2-Clause" => "Redistributions in binary form must reproduce",
        "ISC" | "0BSD" => "Permission to use, copy, modify, and",
        "Zlib" => "This software is provided 'as-is'",
        "Unicode-3.0" => "UNICODE LICENSE",
        "CDLA-Permissive-2.0" => "Community Data License Agreement",
        "BSL-1.0" => "Boost Software License",
        "Unlicense" => "released into the public domain",
        _ => return false,
    };
    text.contains(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(license: &str) -> Result<Vec<String>> {
        chosen(&Part {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            registry: "cargo",
            license: license.to_owned(),
            authors: Vec::new(),
            repository: String::new(),
            hash: None,
            folder: PathBuf::new(),
            needs: std::collections::BTreeSet::new(),
        })
    }

    #[test]
    fn of_a_choice_one_is_taken_and_what_may_not_be_handed_out_is_refused() {
        for (license, taken) in [
            ("MIT OR Apache-2.0", "Apache-2.0"),
            ("MIT/Apache-2.0", "Apache-2.0"),
            (
                "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
                "Apache-2.0",
            ),
            (
                "(MIT OR Apache-2.0) AND Unicode-3.0",
                "Apache-2.0, Unicode-3.0",
            ),
            ("Apache-2.0 AND ISC", "Apache-2.0, ISC"),
            ("BSD-3-Clause AND MIT", "BSD-3-Clause, MIT"),
            ("GPL-3.0-only OR MIT", "MIT"),
            ("Unlicense OR MIT", "MIT"),
        ] {
            assert_eq!(of(license).unwrap().join(", "), taken, "{license}");
        }
        for refused in ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "", "who knows"] {
            assert!(of(refused).is_err(), "{refused}");
        }
    }
}
