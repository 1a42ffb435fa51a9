//! `refit serve`: the page, fed by the live cluster; the terminal confirms and performs.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;

use super::connection::{Connection, block_on};
use super::perform::Forward;
use super::request::{Meant, Prune, Request};
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::output;
use crate::output::stream::{Message, State, Stream, Verb};
use crate::serve::{About, Page, Proposal, Server, Sources, Wish, desk};

mod proposal;
mod signal;
mod terminal;

use signal::Signal;
use terminal::Terminal;

/// The arguments of `refit serve`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The page's folder, in the place of the page that releases have built in
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,

    /// The version that the page begins with, for example 1.30.3
    #[arg(long, value_name = "VERSION", default_value = "")]
    to: String,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    prune: Prune,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    forward: Forward,

    #[command(flatten)]
    meant: Meant,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if args.request.reads_standard_input() {
        return Err(Error::usage(
            "standard input is where refit serve asks: name a file with -f",
        ));
    }
    let page = Page::find(args.page.as_deref()).map_err(|it| Error::Usage(it.into()))?;
    let request = istio_planner::Request {
        to: args.to.clone(),
        files: args.request.planner_files()?,
        sets: args.request.sets.clone(),
        namespace: args.meant.plane.namespace.clone(),
        prune: args.prune.named.clone(),
        prune_orphans: args.prune.orphans,
        ..Default::default()
    };
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        // Who cannot reach the cluster hears of it now, not on the page.
        cluster.version().await?;
        let mut terminal = Terminal::open();
        let stream = Arc::new(Stream::default());
        let (desk, mut inbox) = desk(terminal.is_some());
        let name = cluster.name().unwrap_or("the cluster").to_owned();
        let server = Server::bind(
            args.port,
            Sources {
                page,
                cluster: Arc::new(cluster.beside()),
                places: args.target.places(),
                stream: Arc::clone(&stream),
                desk,
                about: About {
                    schema: "refit.live/v1",
                    version: env!("CARGO_PKG_VERSION"),
                    cluster: name.clone(),
                    request,
                },
            },
        )
        .await?;
        greet(&server.link(), &name, terminal.is_some());
        tokio::spawn(server.run());
        let mut signal = Signal::listen();
        loop {
            let proposal = tokio::select! {
                proposal = inbox.next() => proposal,
                () = signal.came() => return Ok(Exit::Done),
            };
            let Some(terminal) = &mut terminal else {
                continue;
            };
            let ended = attend(&cluster, args, &stream, terminal, &mut signal, proposal).await;
            if let Ended::Stopped(exit) = ended {
                return Ok(exit);
            }
            if terminal.is_gone() {
                inbox.leave();
                output::note(
                    "the terminal is gone: the page can still be read, and nothing can be applied",
                );
            }
        }
    })
}

fn greet(link: &str, cluster: &str, attended: bool) {
    output::note(&format!(
        "the page of {cluster} is served on this machine only; this link opens it, once:"
    ));
    output::say(&format!("\n  {link}\n"));
    if attended {
        output::note(
            "what the page proposes is asked here before anything is written; Ctrl-C ends",
        );
    } else {
        output::note("there is no terminal to ask on, so nothing can be applied; Ctrl-C ends");
    }
}

/// How attending to a proposal ended.
enum Ended {
    /// The next one may come.
    Attended,
    /// The user wants to stop.
    Stopped(Exit),
}

/// Takes up a proposal: plans, asks, performs, and tells how far it is.
async fn attend(
    cluster: &Arc<Cluster>,
    args: &Args,
    stream: &Arc<Stream>,
    terminal: &mut Terminal,
    signal: &mut Signal,
    proposal: Proposal,
) -> Ended {
    let telling = Telling {
        stream,
        id: proposal.id,
        verb: proposal.wish.verb(),
        to: match &proposal.wish {
            Wish::Upgrade(upgrade) => Some(upgrade.to.clone()),
            Wish::Restart(_) => None,
        },
    };
    telling.is(State::Planning, None);
    let desk = proposal::Desk {
        cluster,
        args,
        telling: &telling,
    };
    let done = match &proposal.wish {
        Wish::Upgrade(upgrade) => desk.upgrade(upgrade, terminal, signal).await,
        Wish::Restart(restart) => desk.restart(restart, terminal, signal).await,
    };
    // Whoever hears how it ended may propose again.
    drop(proposal);
    match done {
        Ok(()) => telling.is(State::Done, None),
        Err(error) => {
            let state = match &error {
                Error::Refused(_) | Error::Usage(_) | Error::Declined | Error::Interrupted(_) => {
                    State::Refused
                }
                Error::Held(_) | Error::Failed(_) => State::Failed,
            };
            telling.is(state, Some(error.words()));
            let exit = error.report();
            if signal.has_come() {
                return Ended::Stopped(exit);
            }
        }
    }
    if signal.has_come() {
        return Ended::Stopped(Exit::Done);
    }
    output::note("the page may propose again; Ctrl-C ends");
    Ended::Attended
}

/// Tells the page how far a proposal is.
struct Telling<'a> {
    stream: &'a Arc<Stream>,
    id: u64,
    verb: Verb,
    to: Option<String>,
}

impl Telling<'_> {
    fn is(&self, state: State, reason: Option<String>) {
        self.stream.tell(&Message::Proposal {
            id: self.id,
            verb: self.verb,
            to: self.to.clone(),
            state,
            reason,
        });
    }
}
