//! `refit job`: a Job that performs an upgrade inside the cluster.

use clap::Args as ClapArgs;

use super::{Error, Exit};
use crate::{job, output, rbac};

/// The arguments of `refit job`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The image that holds refit
    #[arg(long)]
    image: String,

    /// The namespace
    #[arg(short, long, default_value = "istio-system")]
    namespace: String,

    /// The service account (refit rbac --service-account NAME makes one)
    #[arg(long, default_value = "refit", value_name = "NAME")]
    service_account: String,

    /// Arguments of refit upgrade, after --
    #[arg(last = true, required = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let job = job::job(
        &args.image,
        &args.namespace,
        &args.service_account,
        &args.arguments,
    );
    output::print(&rbac::documents(&[job]))?;
    Ok(Exit::Done)
}
