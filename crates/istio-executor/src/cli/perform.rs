//! Flags of everything that writes to a cluster.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use tokio::time::Instant;

use super::duration::duration;
use super::format::Format;
use crate::cluster::Cluster;
use crate::journal;
use crate::output::stream::Stream;
use crate::run::Options;

/// Flags of everything that writes to a cluster.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Perform {
    /// How long a component may take to become ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(super) readiness_timeout: Duration,

    /// How long everything may take, from the first request to the last
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// Folder of journals; local keeps them on this machine only, with no copy in the cluster
    #[arg(long, value_name = "DIR|local")]
    journal: Option<PathBuf>,

    /// How to tell what happens: in words, every record as a line of JSON, or each as a YAML document
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) output: Format,
}

/// Flags of what goes forward.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Forward {
    #[command(flatten)]
    pub(super) perform: Perform,

    /// Roll back what was changed if a step fails
    #[arg(long)]
    rollback_on_failure: bool,

    /// Restart workloads too, so that they run the new proxy
    #[arg(long)]
    pub(super) restart: bool,
}

impl Perform {
    /// The folder of journals.
    pub(super) fn folder(&self) -> PathBuf {
        journal::folder(self.journal.as_deref().filter(|_| !self.is_local()))
    }

    fn is_local(&self) -> bool {
        self.journal
            .as_ref()
            .is_some_and(|it| it.as_os_str() == "local")
    }

    /// From now on everything has to be over in time.
    pub(super) fn begin(&self, cluster: &Cluster) {
        cluster.until(self.timeout.map(|it| Instant::now() + it));
    }

    /// How a run goes about it that only restarts, or puts back.
    pub(super) fn options(&self) -> Options {
        Options {
            readiness: self.readiness_timeout,
            local: self.is_local(),
            request: None,
            rollback_on_failure: false,
            restarts: false,
            folder: self.folder(),
            audience: self.output.audience(),
            stream: None,
        }
    }
}

impl Forward {
    /// How a run goes about it.
    pub(super) fn options(&self) -> Options {
        Options {
            rollback_on_failure: self.rollback_on_failure,
            restarts: self.restart,
            ..self.perform.options()
        }
    }

    /// The same, told to those who listen to a stream too.
    pub(super) fn streamed(&self, stream: &Arc<Stream>) -> Options {
        Options {
            stream: Some(Arc::clone(stream)),
            ..self.options()
        }
    }
}
