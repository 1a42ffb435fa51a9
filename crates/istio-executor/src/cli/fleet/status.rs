//! `refit fleet status`: how far a fleet has come, from its Jobs and from the journals in its clusters.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::super::connection::{ControlPlane, block_on};
use super::super::format::{Format, written};
use super::super::status::state;
use super::super::{Error, Exit};
use super::{Chosen, matching};
use crate::cluster::{self, Changes, Cluster, Selection};
use crate::fleet::status::{Status, of_clusters, status};
use crate::interruption::Interruption;
use crate::journal::copy;
use crate::journal::progress;
use crate::{fleet, output};

/// Clusters that are asked for their journal at the same time.
const AT_ONCE: usize = 8;

/// The arguments of `refit fleet status`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    fleet: Chosen,

    /// Asks the clusters for their journals too: those whose context has the cluster's name and matches, for example '*'
    #[arg(long, value_name = "PATTERN")]
    contexts: Option<String>,

    /// The kubeconfig file with these contexts, where it is another than that of the management cluster
    #[arg(long, value_name = "FILE", requires = "contexts")]
    contexts_from: Option<PathBuf>,

    #[command(flatten)]
    plane: ControlPlane,

    /// Tells it again whenever something changes, until all is done or Ctrl-C
    #[arg(long)]
    watch: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = args.fleet.connect().await?;
        let interruption = Interruption::listen();
        interruption.unless_asked(told(args, &cluster)).await
    })
}

async fn told(args: &Args, cluster: &Cluster) -> Result<Exit, Error> {
    let mut changes = Changes::default();
    let (mut before, mut drawn) = (None, 0);
    loop {
        let found = args.fleet.find(cluster).await?;
        if args.watch {
            let labels = format!("{}={}", fleet::jobs::FLEET, found.id);
            for kind in [("batch/v1", "Job"), ("v1", "Pod")] {
                let namespace = Some(found.namespace.as_str());
                changes.labelled(cluster, kind, namespace, &labels).await?;
            }
        }
        let kind = cluster.kind("v1", "Pod").await?;
        let labels = of_clusters(&found.id);
        let selection = Selection {
            namespace: Some(&found.namespace),
            labels: Some(&labels),
            metadata_only: false,
        };
        let pods = cluster.list_all(&kind, &selection).await?;
        let mut status = status(&found, &pods);
        args.ask(&mut status).await?;
        if before.as_ref() != Some(&status) {
            match written(&status, args.output)? {
                Some(data) if args.output == Format::Json => output::json_text(&data)?,
                Some(data) => output::data(&data)?,
                None if args.watch => {
                    drawn = output::redrawn(&status.urgent_first().lines(), drawn)?;
                }
                None => output::print(&status.lines().join("\n"))?,
            }
        }
        if !args.watch || status.is_over() {
            return Ok(Exit::Done);
        }
        before = Some(status);
        let far = Instant::now() + std::time::Duration::from_hours(1);
        changes.next(far).await;
    }
}

impl Args {
    /// Adds what the journals in the clusters themselves say.
    async fn ask(&self, status: &mut Status) -> Result<(), Error> {
        let Some(pattern) = &self.contexts else {
            return Ok(());
        };
        let of = |context: Option<String>| cluster::Connection {
            kubeconfig: self.contexts_from.clone().or(self.fleet.kubeconfig()),
            context,
        };
        let matching = matching(pattern)?;
        let contexts = of(None).contexts();
        let names: Vec<String> = status
            .clusters
            .iter()
            .filter(|it| contexts.contains(&it.name) && matching.is_match(&it.name))
            .map(|it| it.name.clone())
            .collect();
        let asked = stream::iter(names.into_iter().map(|name| {
            let connection = of(Some(name.clone()));
            async move {
                let said = self.said(&connection).await;
                let words = said.unwrap_or_else(|it| output::line(&it.words()));
                (name, words)
            }
        }));
        let said: BTreeMap<String, String> = asked.buffer_unordered(AT_ONCE).collect().await;
        for it in &mut status.clusters {
            it.journal = said.get(&it.name).cloned();
        }
        Ok(())
    }

    async fn said(&self, connection: &cluster::Connection) -> Result<String, Error> {
        let cluster = Cluster::connect(connection).await?;
        let found = copy::load(&cluster, &self.plane.namespace).await?;
        Ok(found.map_or_else(
            || "no journal".to_owned(),
            |it| {
                let progress = progress(&it.records);
                format!("{}: {}", it.short(), state(&progress))
            },
        ))
    }
}
