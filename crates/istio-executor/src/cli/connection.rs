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
    /// Connects.
    pub(super) async fn connect(&self) -> Result<cluster::Cluster, Error> {
        let connection = cluster::Connection {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        Ok(cluster::Cluster::connect(&connection).await?)
    }
}

/// Runs what waits for the cluster.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(work)
}
