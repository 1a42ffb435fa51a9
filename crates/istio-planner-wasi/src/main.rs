//! The planner as a WASI command, for hosts that are not JavaScript: wazero, wasmtime, anything that runs preview 1.
//!
//! Standard input is one tar archive: `request.json` (a [`Request`] with `asOf`), `facts.json` where newer facts of
//! releases than the build has are known, `releases/*.tar.gz` as downloaded from
//! Istio (or `.yaml` of what they rendered already), and everything else is the cluster's export, each file by its name. Standard output is the outcome, byte by
//! byte what `refit plan -o json` prints. The exit code is that of `refit plan`; with 1, standard error holds one JSON
//! object: `message`, and `file`, `line` and `column` where a file of the export cannot be read.

use std::io::{self, Read, Write as _};
use std::process::ExitCode;

use istio_planner::outcome::Verdict;
use istio_planner::snapshot::{ReadError, SnapshotReader};
use istio_planner::{Facts, Input, Request, report};
use istio_render::{Manifests, Release};
use serde::{Deserialize, Serialize};

/// `request.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(flatten)]
    request: Request,
    #[serde(default)]
    as_of: Option<String>,
}

/// Why nothing was planned.
#[derive(Debug, Default, Serialize)]
struct Failure {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

impl Failure {
    fn new(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            ..Self::default()
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self {
            message: error.to_string(),
            file: Some(error.file),
            line: Some(error.line),
            column: Some(error.column),
        }
    }
}

fn main() -> ExitCode {
    let planned = read(io::stdin().lock()).and_then(|input| {
        let outcome = istio_planner::plan(&input);
        let mut out = io::stdout().lock();
        let written = out.write_all(report::json(&outcome).as_bytes());
        written.and_then(|()| out.flush()).map_err(Failure::new)?;
        Ok(outcome.verdict)
    });
    match planned {
        Ok(Verdict::Clear) => ExitCode::SUCCESS,
        Ok(Verdict::Blocked) => ExitCode::from(3),
        Ok(Verdict::Unknown) => ExitCode::from(4),
        Err(failure) => {
            let text = serde_json::to_string(&failure).expect("plain data with string keys");
            // A host that does not listen is told by the exit code alone.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::from(1)
        }
    }
}

/// Reads the archive as it comes; only what a plan needs stays in memory.
fn read(archive: impl Read) -> Result<Input, Failure> {
    let damaged = |it: io::Error| Failure::new(format!("the archive on standard input: {it}"));
    let mut archive = tar::Archive::new(archive);
    let mut reader = SnapshotReader::new();
    let mut releases = Vec::new();
    let mut asked = None;
    let mut facts = None;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry
            .path()
            .map_err(damaged)?
            .to_string_lossy()
            .into_owned();
        if name == "request.json" {
            let read = serde_json::from_reader::<_, Asked>(&mut entry);
            asked = Some(read.map_err(|it| Failure::new(format!("request.json: {it}")))?);
        } else if name == "facts.json" {
            let text = io::read_to_string(&mut entry).map_err(damaged)?;
            let read = Facts::newer(&text);
            facts = Some(read.map_err(|it| Failure::new(format!("facts.json: {it}")))?);
        } else if name.starts_with("releases/") && Manifests::are_named(&name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(damaged)?;
            releases.push(Release::read_manifests(&name, &bytes).map_err(Failure::new)?);
        } else if name.starts_with("releases/") {
            let read = Release::from_tar_gz(&mut entry);
            releases.push(read.map_err(|it| Failure::new(format!("{name}: {it}")))?);
        } else {
            reader.read(&name, &mut entry)?;
        }
    }
    let Some(asked) = asked else {
        return Err(Failure::new(
            "the archive on standard input holds no request.json",
        ));
    };
    Ok(Input {
        request: asked.request,
        snapshot: reader.finish()?,
        releases,
        as_of: asked.as_of,
        facts,
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn request_and_export_are_told_apart_by_their_names() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n";
        let request = r#"{"to": "1.30.3", "asOf": "2026-06-01"}"#;
        let bytes = archive(&[("export/pods.yaml", pod), ("request.json", request)]);
        let input = read(bytes.as_slice()).unwrap();
        assert_eq!(input.request.to, "1.30.3");
        assert_eq!(input.as_of.as_deref(), Some("2026-06-01"));
        assert_eq!(input.snapshot.pods.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let bad = archive(&[
            ("pods.yaml", "a: [\n"),
            ("request.json", r#"{"to": "1.30.3"}"#),
        ]);
        let failure = read(bad.as_slice()).unwrap_err();
        assert_eq!(failure.file.as_deref(), Some("pods.yaml"));
        let none = archive(&[]);
        assert!(
            read(none.as_slice())
                .unwrap_err()
                .message
                .contains("request.json")
        );
    }
}
