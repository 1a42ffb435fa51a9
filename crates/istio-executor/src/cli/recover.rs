//! `refit recover`: the `IstioOperator` that a cluster was installed with, as far as it tells.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args as ClapArgs;
use istio_planner::customisation::{Recovery, recover};
use istio_planner::{Input, Request};

use super::connection::AnyControlPlane;
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::name;
use crate::{export, output, planning};

/// The arguments of `refit recover`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What the cluster exported: files, folders, .tar.gz; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    target: Target,

    /// The version that runs, where the export does not tell
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,

    #[command(flatten)]
    plane: AnyControlPlane,

    /// Writes it to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let snapshot = export::read(&args.files).map_err(|it| Error::Usage(it.into()))?;
    let request = Request {
        from: args.from.clone(),
        namespace: args.plane.namespace.clone(),
        ..Request::default()
    };
    let places = args.target.places();
    let releases = planning::releases(&request, &snapshot, &places);
    let input = Input {
        request,
        snapshot,
        releases,
        as_of: None,
        facts: places.facts.as_deref().cloned(),
    };
    let Some(recovery) = recover(&input) else {
        output::error("no control plane, or not its version, is known from the export");
        return Ok(Exit::Unknown);
    };
    say(&recovery);
    let text = recovery.yaml();
    match &args.output {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => output::data(&text)?,
    }
    Ok(Exit::Done)
}

/// Says what the recovered request does not reproduce.
fn say(recovery: &Recovery) {
    if !recovery.compared {
        output::warning(
            "the release that runs was not rendered, so it is not known what this leaves out",
        );
    }
    for it in &recovery.unexplained {
        let fields: Vec<&str> = it.fields.iter().map(|it| it.path.as_str()).collect();
        output::note(&format!(
            "{} is not reproduced: {}",
            name(&it.object),
            fields.join(", ")
        ));
    }
}
