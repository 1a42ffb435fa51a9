//! `plan [plan] FILES… --to V [-f F]… [--set S]… [--revision R] [-o json|text|markdown|recover] [--predicted] [--full] [--force]
//! [--releases DIR]`: the planner on files, without the rest of `refit`. For `checks/exports.py` and for profiling.

#![expect(clippy::print_stdout, reason = "its output")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use istio_planner::needs::releases;
use istio_planner::outcome::Verdict;
use istio_planner::report::{Markdown, Text, json};
use istio_planner::snapshot::SnapshotReader;
use istio_planner::{Input, Request, RequestFile};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Error> {
    let mut request = Request::default();
    let mut files = Vec::new();
    let (mut output, mut folder, mut full) = ("text".to_owned(), None, false);
    let mut args = std::env::args().skip(1).peekable();
    args.next_if_eq("plan");
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--to" => request.to = value()?,
            "--from" => request.from = Some(value()?),
            "--revision" => request.revision = Some(value()?),
            "--namespace" => request.namespace = Some(value()?),
            "--set" => request.sets.push(value()?),
            "-o" => output = value()?,
            "--releases" => folder = Some(PathBuf::from(value()?)),
            "--predicted" => request.predicted = true,
            "--force" => request.force = true,
            "--full" => full = true,
            "-f" => {
                let name = value()?;
                let text = std::fs::read_to_string(&name)?;
                request.files.push(RequestFile { name, text });
            }
            _ => files.push(arg),
        }
    }
    let mut reader = SnapshotReader::new();
    for file in &files {
        reader.read(file, File::open(file)?)?;
    }
    let snapshot = reader.finish()?;
    let folder = folder.unwrap_or_else(|| {
        let data = std::env::var_os("REFIT_ISTIO_DATA")
            .map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
        data.join("istio/releases")
    });
    let releases = load(&folder, &releases(&request, &snapshot));
    if output == "recover" {
        let input = Input {
            request,
            snapshot,
            releases,
            as_of: None,
            facts: None,
        };
        let recovery = istio_planner::customisation::recover(&input);
        print!(
            "{}",
            recovery.map_or_else(|| "nothing to recover\n".to_owned(), |it| it.yaml())
        );
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = istio_planner::plan(&Input {
        request,
        snapshot,
        releases,
        as_of: None,
        facts: None,
    });
    match output.as_str() {
        "json" => print!("{}", json(&outcome)),
        "markdown" => print!("{}", Markdown { outcome: &outcome }),
        _ => print!(
            "{}",
            Text {
                full,
                ..Text::plain(&outcome)
            }
        ),
    }
    Ok(ExitCode::from(match outcome.verdict {
        Verdict::Clear => 0,
        Verdict::Blocked => 3,
        Verdict::Unknown => 4,
    }))
}

/// Loads the releases that are there.
fn load(folder: &Path, versions: &[String]) -> Vec<istio_render::Release> {
    let archive = |it: &String| folder.join(format!("istio-{it}.tar.gz"));
    let open = versions
        .iter()
        .filter_map(|it| File::open(archive(it)).ok());
    open.filter_map(|it| istio_render::Release::from_tar_gz(it).ok())
        .collect()
}
