//! `refit rbac`: the cluster role that the executor needs.

use clap::Args as ClapArgs;

use super::{Error, Exit};
use crate::{output, rbac};

/// The arguments of `refit rbac`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only what planning reads
    #[arg(long)]
    read_only: bool,

    /// The namespace of the service account
    #[arg(short, long, default_value = "istio-system")]
    namespace: String,

    /// The service account; without it, only the role is printed
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let mut objects = vec![rbac::role(args.read_only)];
    if let Some(account) = &args.service_account {
        objects.push(rbac::service_account(&args.namespace, account));
        objects.push(rbac::binding(args.read_only, &args.namespace, account));
    }
    output::print(&rbac::documents(&objects))?;
    Ok(Exit::Done)
}
