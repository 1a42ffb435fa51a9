//! `refit job`: what performs a plan inside the cluster.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::apply::read;
use super::{Error, Exit};
use crate::job::{self, Runner};
use crate::output;
use crate::rbac::{self, Purpose};

/// The arguments of `refit job`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What refit plan --out wrote; without it, the Job plans by itself (arguments of refit upgrade, after --)
    #[arg(required_unless_present = "arguments")]
    plan: Option<PathBuf>,

    /// The image that holds refit
    #[arg(long)]
    image: String,

    /// The namespace
    #[arg(short, long, default_value = "istio-system")]
    namespace: String,

    /// The service account, which is made too
    #[arg(long, default_value = "refit", value_name = "NAME")]
    service_account: String,

    /// The revision that the Job upgrades by itself
    #[arg(long, value_name = "REVISION", conflicts_with = "plan")]
    revision: Option<String>,

    /// Takes a plan although evidence is missing (verdict unknown)
    #[arg(long)]
    force: bool,

    /// Arguments of refit apply, or of refit upgrade where there is no plan, after --
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let runner = Runner {
        image: &args.image,
        namespace: &args.namespace,
        service_account: &args.service_account,
    };
    let (leases, jobs) = match &args.plan {
        Some(path) => {
            let plan = read(path, args.force)?;
            let jobs = job::applying(&runner, &plan, &args.arguments)?;
            (rbac::leases_of(&plan), jobs)
        }
        None => (
            rbac::leases(args.revision.as_slice()),
            vec![job::upgrading(&runner, &args.arguments)],
        ),
    };
    let purpose = Purpose::Performing(&leases);
    let mut objects = vec![
        rbac::service_account(&args.namespace, &args.service_account),
        rbac::role(purpose),
        rbac::binding(purpose, &args.namespace, &args.service_account),
    ];
    objects.extend(jobs);
    output::data(&rbac::documents(&objects))?;
    Ok(Exit::Done)
}
