//! `refit rbac`: the cluster role that the executor needs.

use clap::Args as ClapArgs;

use super::{Error, Exit};
use crate::output;
use crate::rbac::{self, Purpose};

/// The arguments of `refit rbac`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only what planning reads
    #[arg(long)]
    read_only: bool,

    /// The namespace of the service account
    #[arg(short, long, default_value = "istio-system")]
    namespace: String,

    /// A revision that is upgraded in place, and whose istiod may be asked to restart its gateways; several may be given
    #[arg(long, value_name = "REVISION", conflicts_with = "read_only")]
    revision: Vec<String>,

    /// The service account; without it, only the role is printed
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let leases = rbac::leases(&args.revision);
    let purpose = if args.read_only {
        Purpose::Planning
    } else {
        Purpose::Performing(&leases)
    };
    let mut objects = vec![rbac::role(purpose)];
    if let Some(account) = &args.service_account {
        objects.push(rbac::service_account(&args.namespace, account));
        objects.push(rbac::binding(purpose, &args.namespace, account));
    }
    output::data(&rbac::documents(&objects))?;
    Ok(Exit::Done)
}
