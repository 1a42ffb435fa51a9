//! TypeScript of what crosses the border: `pkg/src/border.ts`.

use istio_planner::explain::Explained;
use ts_rs::{Config, ExportError, TS};

use crate::{editing, facts, failure, rendering, session, words};

/// Writes the types that go in and come out, and those that they are made of.
pub fn export(config: &Config) -> Result<(), ExportError> {
    editing::Field::export_all(config)?;
    facts::Compared::export_all(config)?;
    facts::Needs::export_all(config)?;
    facts::ReleaseFacts::export_all(config)?;
    failure::Failure::export_all(config)?;
    rendering::Asked::export_all(config)?;
    rendering::Rendered::export_all(config)?;
    session::Compared::export_all(config)?;
    session::Missing::export_all(config)?;
    session::Recovered::export_all(config)?;
    session::ShownObject::export_all(config)?;
    session::Summary::export_all(config)?;
    words::Words::export_all(config)?;
    Explained::export_all(config)
}
