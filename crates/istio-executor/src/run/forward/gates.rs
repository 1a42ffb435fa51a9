//! Gates: what is measured before the first wave, and how long each wave is looked after.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use istio_planner::outcome::Ref;
use istio_planner::plan::Step;
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use super::settling::Settling;
use super::{Error, Run};
use crate::clock;
use crate::gate::{Baseline, Gates, Gating, SHORTEST, subjects};
use crate::journal::{Event, Reading, Verdict, progress, summary};

/// How often gates are asked.
const LOOK: Duration = Duration::from_secs(15);

/// Gates that are named where many do not hold.
const SHOWN: usize = 5;

impl Run<'_, '_, '_> {
    /// The gates of this run.
    fn gates(&self) -> Option<Arc<Gates>> {
        match &self.execution.work.session.options.gates {
            Gating::By(gates) => Some(Arc::clone(gates)),
            Gating::Absent | Gating::Left => None,
        }
    }

    /// Measures what waves are judged by, if nobody has yet. Without it nothing is begun.
    pub(super) async fn measure(&mut self) -> Result<(), Error> {
        let Some(gates) = self.gates() else {
            return Ok(());
        };
        if progress(self.execution.work.journal.records())
            .baseline
            .is_some()
        {
            return Ok(());
        }
        // Whatever is in scope now: another run may restart the rest.
        let mut all: Vec<Ref> = self
            .execution
            .work
            .plan
            .steps
            .iter()
            .flat_map(subjects)
            .collect();
        let mut seen = BTreeSet::new();
        all.retain(|it| seen.insert(it.clone()));
        let work = &*self.execution.work;
        work.narrator
            .waiting("gates", "measuring what waves are judged by");
        let answer = tokio::select! {
            biased;
            answer = gates.measure(work.writer(), &all, None) => answer,
            () = work.session.interruption.asked() => return Err(Error::Interrupted),
        };
        match answer {
            Ok(measures) => {
                self.record(Event::BaselineTaken { measures })?;
                self.execution.work.store_copy().await.map_err(Error::Copy)
            }
            Err(bad) => Err(refused("before the first wave", &gates, &bad)),
        }
    }

    /// Looks after a wave until it is known whether the next one may begin.
    pub(super) async fn watch(&mut self, step: &Step) -> Result<(), Error> {
        let wave = subjects(step);
        let Some(gates) = self.gates().filter(|_| !wave.is_empty()) else {
            return Ok(());
        };
        let (before, began) = {
            let state = progress(self.execution.work.journal.records());
            // What happened before this run does not count against it: somebody may have settled it meanwhile.
            let began = state.begun_at.get(step.id.as_str()).copied();
            (age(began).min(age(state.run_began_at)), Instant::now())
        };
        // Until then a window would show what was before the wave.
        self.pause(began + gates.soak.min(SHORTEST.saturating_sub(before)))
            .await?;
        let mut settling = Settling::new(began, gates.soak);
        loop {
            let since = before + began.elapsed();
            let readings = self.look(&gates, &wave, since).await?;
            let now = Instant::now();
            if settling.take(now, &readings, |it| gates.lasting(it)) {
                return self.settle(step, &gates, readings);
            }
            let words = summary(&readings);
            self.execution.work.narrator.waiting("gates", &words);
            self.pause(settling.next(now, LOOK)).await?;
        }
    }

    /// Asks all gates once.
    async fn look(
        &self,
        gates: &Gates,
        wave: &[Ref],
        since: Duration,
    ) -> Result<Vec<Reading>, Error> {
        let work = &*self.execution.work;
        let state = progress(work.journal.records());
        let (at, measures) = state.baseline.unwrap_or_default();
        let at: Option<Timestamp> = at.parse().ok();
        let baseline = Baseline {
            at: at.map(Timestamp::as_second).unwrap_or_default(),
            measures,
        };
        tokio::select! {
            biased;
            readings = gates.look(work.writer(), wave, since, &baseline) => Ok(readings),
            () = work.session.interruption.asked() => Err(Error::Interrupted),
        }
    }

    /// Writes down what the gates said; an error where no wave may follow.
    fn settle(&mut self, step: &Step, gates: &Gates, readings: Vec<Reading>) -> Result<(), Error> {
        let verdict = Verdict::of(&readings);
        let error = (!verdict.is_good()).then(|| {
            let when = format!("after step {}", step.id);
            refused(&when, gates, &readings)
        });
        self.record(Event::Judged {
            step: step.id.clone(),
            verdict,
            readings,
        })?;
        error.map_or(Ok(()), Err)
    }

    /// Waits until then, at most until everything has to be over.
    async fn pause(&self, until: Instant) -> Result<(), Error> {
        let interruption = self.execution.work.session.interruption;
        let limit = self.overall.map_or(until, |it| it.min(until));
        tokio::select! {
            biased;
            () = interruption.asked() => return Err(Error::Interrupted),
            () = tokio::time::sleep_until(limit) => {}
        }
        if self.overall.is_some_and(|it| Instant::now() >= it) {
            return Err(Error::Gates {
                verdict: Verdict::Unknown,
                words: "the time for all steps was over before its gates had said anything"
                    .to_owned(),
            });
        }
        Ok(())
    }
}

/// How long ago a record was made; as if just now, where that is not known or the clock jumped.
fn age(at: Option<&str>) -> Duration {
    let at: Option<Timestamp> = at.and_then(|it| it.parse().ok());
    let age = at.map(|it| clock::now().duration_since(it));
    age.and_then(|it| Duration::try_from(it).ok())
        .unwrap_or_default()
}

/// Which gates do not hold, and what they asked.
fn refused(when: &str, gates: &Gates, readings: &[Reading]) -> Error {
    let verdict = Verdict::of(readings);
    let mut bad: Vec<&Reading> = readings.iter().filter(|it| !it.verdict.is_good()).collect();
    bad.sort_by_key(|it| std::cmp::Reverse(it.verdict));
    let what = if verdict == Verdict::Fails {
        "gates do not hold"
    } else {
        "gates say nothing, which is never taken for good"
    };
    let mut lines = vec![format!("{what} {when} ({})", gates.address())];
    for it in bad.iter().take(SHOWN) {
        lines.push(format!("  {}", crate::output::line(&it.words())));
        if let Some(query) = it.query.as_ref().filter(|_| it.verdict == Verdict::Unknown) {
            lines.push(format!("    asked: {}", crate::output::line(query)));
        }
    }
    if bad.len() > SHOWN {
        lines.push(format!("  and {} more (refit status)", bad.len() - SHOWN));
    }
    if verdict == Verdict::Unknown {
        lines.push(
            "  a gate that this Prometheus cannot know of is left out by `enabled: false` in a file of gates (--gate)"
                .to_owned(),
        );
    }
    Error::Gates {
        verdict,
        words: lines.join("\n"),
    }
}
