//! `cargo xtask sbom`: what is handed out is made of, as CycloneDX 1.6 writes it; the same bytes for the same lock files.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::supply::{Product, parts};
use crate::{notices, project};

/// Holds a file against the schema that CycloneDX publishes, as its library for Python carries it.
pub(crate) const VALIDATE: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(f'{sys.argv[1]}: {error}' if error else 0)
";

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("unknown arguments: {}", args.join(" "));
    }
    for path in write()? {
        crate::test::report::show(&format!("{}\n", path.display()));
    }
    Ok(())
}

/// Writes a file for each product below the target folder, and returns them in the order of [`Product::ALL`].
pub(crate) fn write() -> Result<[PathBuf; 3]> {
    let folder = project::target().join("sbom");
    fs::create_dir_all(&folder)?;
    let written = Product::ALL.map(|it| folder.join(format!("{}.cdx.json", it.name())));
    for (product, path) in Product::ALL.into_iter().zip(&written) {
        let mut text = serde_json::to_string_pretty(&document(product)?)?;
        text.push('\n');
        fs::write(path, text)?;
    }
    Ok(written)
}

fn document(product: Product) -> Result<Value> {
    let version = env!("CARGO_PKG_VERSION");
    let own = format!("{}@{version}", product.name());
    let parts = parts(product)?;
    let mut components = Vec::new();
    for part in &parts {
        let mut component = json!({
            "type": "library",
            "bom-ref": part.url(),
            "name": part.name,
            "version": part.version,
            "purl": part.url(),
            // What SPDX reads: a slash was Cargo's old way to say "or".
            "licenses": [{ "expression": part.license.replace('/', " OR ") }],
            "properties": [{ "name": "refit:license:taken", "value": notices::chosen(part)?.join(" AND ") }],
        });
        if let Some((algorithm, content)) = &part.hash {
            component["hashes"] = json!([{ "alg": algorithm, "content": content }]);
        }
        if part.repository.starts_with("https://") {
            component["externalReferences"] = json!([{ "type": "vcs", "url": part.repository }]);
        }
        components.push(component);
    }
    let mut graph = vec![json!({
        "ref": own,
        "dependsOn": parts.iter().map(crate::supply::Part::url).collect::<Vec<_>>(),
    })];
    graph.extend(
        parts
            .iter()
            .map(|it| json!({ "ref": it.url(), "dependsOn": it.needs })),
    );
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": product.name(),
                "version": version,
                "licenses": [{ "license": { "id": "Apache-2.0" } }],
            },
        },
        "components": components,
        "dependencies": graph,
    }))
}
