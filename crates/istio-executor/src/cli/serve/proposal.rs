//! What the terminal does with a proposal: reads the cluster, plans, shows, asks, performs.

use std::sync::Arc;
use std::time::Duration;

use istio_planner::dataplane::Share;
use istio_planner::outcome::{Direction, Outcome, Verdict};
use istio_planner::plan::Plan;

use super::signal::Signal;
use super::terminal::Terminal;
use super::{Args, Telling};
use crate::cli::Error;
use crate::cli::duration::duration;
use crate::cli::{restart, upgrade};
use crate::cluster::Cluster;
use crate::interruption::Interruption;
use crate::output;
use crate::output::stream::{Message, Outline, State, without_former};
use crate::run::effect::has_effect;
use crate::run::restarts::Wish;
use crate::run::resume::{Begun, unfinished, unfinished_restart};
use crate::run::{Ended, Options, Predecessors, perform};
use crate::serve::{Restart, Upgrade};

/// What attending to a proposal takes.
pub(super) struct Desk<'a> {
    pub(super) cluster: &'a Arc<Cluster>,
    pub(super) args: &'a Args,
    pub(super) telling: &'a Telling<'a>,
}

impl Desk<'_> {
    /// An upgrade, as `refit upgrade` performs it.
    pub(super) async fn upgrade(
        &self,
        wish: &Upgrade,
        terminal: &mut Terminal,
        signal: &mut Signal,
    ) -> Result<(), Error> {
        output::say("");
        output::note(&format!("the page proposes to go to Istio {}", wish.to));
        let namespace = self.namespace(wish.namespace.as_deref());
        let mut options = self.options()?;
        options.restarts |= wish.restart;
        let found = unfinished(self.cluster, &namespace, &options.folder);
        if let Some(begun) = unless_stopped(signal, found).await? {
            let plan = self.begun(begun, Some(&wish.to))?;
            let question = format!(
                "An upgrade to Istio {} was begun and is not done. Go on with it?",
                plan.target
            );
            let word = format!("resume {}", plan.target);
            self.ask(&question, &word, terminal, signal).await?;
            return self.perform(&plan, &options).await;
        }
        let request = istio_planner::Request {
            revision: self.args.meant.revision.clone(),
            namespace: wish
                .namespace
                .clone()
                .or(self.args.meant.plane.namespace.clone()),
            prune: [&self.args.prune.named[..], &wish.prune].concat(),
            prune_orphans: self.args.prune.orphans || wish.prune_orphans,
            ..wish.request()
        };
        let places = self.args.target.places();
        let planned = upgrade::outcome(self.cluster, &request, &places);
        let outcome = unless_stopped(signal, planned).await?;
        self.show(&outcome)?;
        let effect = has_effect(&outcome, options.restarts);
        let (plan, forced) = plan_of(outcome, wish.force)?;
        if !effect {
            output::note("No changes: the cluster is as asked for; nothing was written");
            return Ok(());
        }
        options.request = Some(upgrade::digest(&request)?);
        self.outline(&plan);
        let restarts = if options.restarts {
            " and restart the workloads"
        } else {
            ""
        };
        let question = format!(
            "Proceed to Istio {}{restarts} on {}?",
            plan.target,
            self.cluster.name().unwrap_or("the cluster")
        );
        let word = word(&plan, forced);
        self.ask(&question, &word, terminal, signal).await?;
        self.perform(&plan, &options).await
    }

    /// A restart of proxies, as `refit restart` performs it.
    pub(super) async fn restart(
        &self,
        wish: &Restart,
        terminal: &mut Terminal,
        signal: &mut Signal,
    ) -> Result<(), Error> {
        output::say("");
        output::note("the page proposes to restart workloads");
        let wish = self.wish(wish)?;
        let options = self.options()?;
        let found = unfinished_restart(self.cluster, wish.namespace(), &options.folder);
        if let Some(begun) = unless_stopped(signal, found).await? {
            let plan = self.begun(begun, None)?;
            self.ask(
                "A restart was begun and is not done. Go on with it?",
                "resume restart",
                terminal,
                signal,
            )
            .await?;
            return self.perform(&plan, &options).await;
        }
        let places = self.args.target.places();
        let format = self.args.forward.perform.output;
        let found = restart::propose(self.cluster, &wish, &places, format);
        let Some(found) = unless_stopped(signal, found).await? else {
            return Err(Error::Refused(anyhow::anyhow!(
                "no workload is to be restarted"
            )));
        };
        let plan = wish.plan(&found);
        self.outline(&plan);
        let question = format!("Restart {} workloads?", found.todo.len());
        self.ask(&question, "restart", terminal, signal).await?;
        self.perform(&plan, &options).await
    }

    /// Asks, and goes on only after the word.
    async fn ask(
        &self,
        question: &str,
        word: &str,
        terminal: &mut Terminal,
        signal: &mut Signal,
    ) -> Result<(), Error> {
        self.telling.is(State::Asking, Some(question.to_owned()));
        let confirmed = tokio::select! {
            confirmed = terminal.confirms(question, word) => confirmed,
            () = signal.came() => false,
        };
        if confirmed {
            self.telling.is(State::Running, None);
            Ok(())
        } else {
            Err(Error::Declined)
        }
    }

    async fn perform(&self, plan: &Plan, options: &Options) -> Result<(), Error> {
        // How long the user thought counts for nothing.
        self.args.forward.perform.begin(self.cluster);
        let (none, interruption) = (Predecessors::new(), Interruption::listen());
        match perform(self.cluster, plan, options, &none, &interruption).await? {
            Ended::Done => Ok(()),
            Ended::Drifted(error, _) => Err(Error::Refused(error.into())),
        }
    }

    /// Tells the page what was begun, and how far it came.
    fn begun(&self, begun: Begun, to: Option<&str>) -> Result<Plan, Error> {
        let records = begun.records.clone();
        let plan = match to {
            Some(to) => upgrade::resumable(begun, to)?,
            None => begun.plan,
        };
        self.outline(&plan);
        for record in &records {
            let record = without_former(record);
            self.telling.stream.tell(&Message::Record { record });
        }
        Ok(plan)
    }

    fn outline(&self, plan: &Plan) {
        self.telling
            .stream
            .tell(&Message::Plan(Outline::from(plan)));
    }

    fn show(&self, outcome: &Outcome) -> Result<(), Error> {
        let text = upgrade::headed(self.cluster, outcome);
        // Records are the only result that a program gets.
        self.args.forward.perform.output.say(&text)
    }

    fn options(&self) -> Result<Options, Error> {
        // The time of the proposal before is not this one's.
        self.args.forward.perform.begin(self.cluster);
        self.args.forward.streamed(self.telling.stream)
    }

    /// What the page asks for, as the verb would.
    fn wish(&self, asked: &Restart) -> Result<Wish, Error> {
        Ok(Wish {
            namespace: asked
                .namespace
                .clone()
                .or(self.args.meant.plane.namespace.clone()),
            workloads: asked.workloads.clone(),
            wave: share(asked.wave.as_deref().unwrap_or("5"))?,
            by_label: None,
            pause: pause(asked.pause.as_deref().unwrap_or("0s"))?,
            max_unavailable: share("1")?,
            freeze: Vec::new(),
        })
    }

    fn namespace(&self, wished: Option<&str>) -> String {
        wished
            .or(self.args.meant.plane.namespace.as_deref())
            .unwrap_or("istio-system")
            .to_owned()
    }
}

/// Ctrl-C ends what only reads at once.
async fn unless_stopped<T>(
    signal: &mut Signal,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        done = work => done,
        () = signal.came() => Err(Error::Declined),
    }
}

/// Returns the plan, and whether it goes on although the verdict is not clear.
fn plan_of(outcome: Outcome, force: bool) -> Result<(Plan, bool), Error> {
    let (verdict, forced) = match outcome.verdict {
        Verdict::Clear => ("clear", false),
        Verdict::Blocked => ("blocked", true),
        Verdict::Unknown => ("unknown", true),
    };
    match outcome.plan {
        Some(plan) if !forced || force => Ok((plan, forced)),
        _ => Err(Error::Refused(anyhow::anyhow!(
            "the verdict is {verdict}: settle what the findings say, or ask on the page to go on although a finding blocks"
        ))),
    }
}

/// What has to be typed: it names the version, so that nobody confirms another plan than the one that is shown.
fn word(plan: &Plan, forced: bool) -> String {
    let verb = match plan.direction {
        Some(Direction::Downgrade) => "downgrade",
        _ => "upgrade",
    };
    let force = if forced { "force " } else { "" };
    format!("{force}{verb} {}", plan.target)
}

fn share(text: &str) -> Result<Share, Error> {
    text.parse().map_err(Error::usage)
}

fn pause(text: &str) -> Result<Duration, Error> {
    duration(text).map_err(Error::usage)
}
