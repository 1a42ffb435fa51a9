//! `refit explain`: what a finding means, why it matters, how to settle it.

use clap::Args as ClapArgs;
use istio_planner::Code;

use super::{Error, Exit};
use crate::output;

/// The arguments of `refit explain`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The finding's code, for example version-skew. Without it, all codes are listed
    code: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let Some(code) = &args.code else {
        let codes: Vec<String> = Code::ALL.iter().map(|it| it.as_str().to_owned()).collect();
        output::print(&codes.join("\n"))?;
        return Ok(Exit::Done);
    };
    match istio_planner::explain::explain(code) {
        Some(explanation) => output::print(&explanation.to_string())?,
        None => {
            return Err(Error::usage(format!(
                "{code:?} is no code; refit explain lists them"
            )));
        }
    }
    Ok(Exit::Done)
}
