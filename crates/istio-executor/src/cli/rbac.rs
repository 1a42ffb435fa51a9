//! `refit rbac`: the cluster role that the executor needs.

use clap::Args as ClapArgs;

use super::{Error, Exit};
use crate::gate::Address;
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

    /// The Prometheus that gates ask through the API server: a role in its namespace, for this Service alone
    #[arg(long, value_name = "svc/NAMESPACE/NAME", value_parser = service)]
    prometheus: Option<Address>,

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
    if let Some(Address::Service { namespace, name }) = &args.prometheus {
        let account = args.service_account.as_deref();
        let account = account.map(|it| (args.namespace.as_str(), it));
        objects.extend(rbac::prometheus((namespace, name), account));
    }
    output::data(&rbac::documents(&objects))?;
    Ok(Exit::Done)
}

/// A Service; what is reached otherwise needs no right of the cluster.
fn service(text: &str) -> Result<Address, String> {
    match Address::new(text)? {
        Address::Url(_) => Err("only svc/NAMESPACE/NAME needs a right of the cluster".to_owned()),
        service @ Address::Service { .. } => Ok(service),
    }
}
