//! Flags of everything that writes to a cluster.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use tokio::time::Instant;

use super::Error;
use super::duration::duration;
use super::format::Format;
use super::gates::Watch;
use crate::cluster::Cluster;
use crate::gate::Gating;
use crate::journal;
use crate::output::notifier::{Address, Notifier};
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

    /// Tells a webhook when a run begins, a step ends, a wave waits, something fails, and how it ends: each as JSON with
    /// a text that Slack shows
    #[arg(long, value_name = "URL", value_parser = Address::new)]
    notify: Option<Address>,

    /// File with the key that signs what is sent (HMAC-SHA256, header X-Refit-Signature-256)
    #[arg(long, value_name = "FILE", requires = "notify", value_parser = key)]
    notify_key: Option<Key>,

    /// How to tell what happens: in words, every record as a line of JSON, or each as a YAML document
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) output: Format,
}

/// Flags of what goes forward.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Forward {
    #[command(flatten)]
    pub(super) perform: Perform,

    #[command(flatten)]
    watch: Watch,

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

    fn notifier(&self) -> Option<Arc<Notifier>> {
        let key = self.notify_key.as_ref().map(|it| it.0.clone());
        let address = self.notify.clone()?.signed(key);
        Some(Arc::new(Notifier::new(address)))
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
            notifier: self.notifier(),
            gates: Gating::Absent,
        }
    }
}

/// The key that signs what is sent; no one sees it.
#[derive(Clone)]
struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
}

/// Reads a key: the file's content without blanks around it.
fn key(path: &str) -> Result<Key, String> {
    let bytes = fs::read(path).map_err(|it| it.to_string())?;
    let key = bytes.trim_ascii();
    if key.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(Key(key.to_vec()))
}

impl Forward {
    /// How a run goes about it.
    pub(super) fn options(&self) -> Result<Options, Error> {
        Ok(Options {
            rollback_on_failure: self.rollback_on_failure,
            restarts: self.restart,
            gates: self.watch.gating()?,
            ..self.perform.options()
        })
    }

    /// The same, told to those who listen to a stream too.
    pub(super) fn streamed(&self, stream: &Arc<Stream>) -> Result<Options, Error> {
        Ok(Options {
            stream: Some(Arc::clone(stream)),
            ..self.options()?
        })
    }
}
