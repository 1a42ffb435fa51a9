//! Which cluster, and how a verb talks to it.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Error;
use crate::cluster;

/// `--context`, `--kubeconfig`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Connection {
    /// The kubeconfig file
    #[arg(short = 'c', long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The kubeconfig's context
    #[arg(long)]
    context: Option<String>,
}

impl Connection {
    /// The kubeconfig that is named.
    pub(super) fn kubeconfig(&self) -> Option<PathBuf> {
        self.kubeconfig.clone()
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<cluster::Cluster, Error> {
        let connection = cluster::Connection {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        Ok(cluster::Cluster::connect(&connection).await?)
    }
}

/// `-i`, of a verb that goes on with what was begun in a control plane's namespace.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct ControlPlane {
    /// The namespace of the control plane
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        default_value = "istio-system",
        value_parser = namespace
    )]
    pub(super) namespace: String,
}

/// `-i`, of a verb that finds the control plane by itself.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct AnyControlPlane {
    /// The namespace of the control plane, where the cluster holds several
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        value_name = "NAMESPACE",
        value_parser = namespace
    )]
    pub(super) namespace: Option<String>,
}

/// A namespace as the API names one (RFC 1123): it becomes a part of addresses.
fn namespace(text: &str) -> Result<String, String> {
    if cluster::is_label(text) {
        return Ok(text.to_owned());
    }
    Err("expected the name of a namespace: lower-case letters, digits and -".to_owned())
}

/// Runs what waits for the cluster.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(work)
}
