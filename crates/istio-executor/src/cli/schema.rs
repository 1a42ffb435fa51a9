//! `refit schema`: the JSON Schema of a document.

use clap::{Args as ClapArgs, ValueEnum};
use schemars::schema_for;

use super::{Error, Exit};
use crate::{journal, output};

/// The arguments of `refit schema`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Which document
    document: Document,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Document {
    /// What refit plan -o json prints
    Outcome,
    /// The plan in it
    Plan,
    /// What a request holds
    Request,
    /// What refit fleet plan -o json prints
    Fleet,
    /// What refit fleet status -o json prints
    FleetStatus,
    /// What refit verify -o json prints
    Verification,
    /// A line of a journal
    Record,
    /// What --facts reads
    Facts,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let schema = match args.document {
        Document::Outcome => schema_for!(istio_planner::Outcome),
        Document::Plan => schema_for!(istio_planner::plan::Plan),
        Document::Request => schema_for!(istio_planner::Request),
        Document::Fleet => schema_for!(istio_planner::fleet::Fleet),
        Document::FleetStatus => schema_for!(crate::fleet::status::Status),
        Document::Verification => schema_for!(super::verify::Document),
        Document::Record => schema_for!(journal::Record),
        Document::Facts => schema_for!(istio_catalog::Facts),
    };
    output::json(&schema)?;
    Ok(Exit::Done)
}
