//! Puts back what a plan changed: last change first, values and field ownership, and looks whether it is so.

use istio_planner::digest::{digest, relevant};
use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Plan, Wait};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Work;
use crate::cluster::{self, Cluster, Selection, Write, Writer};
use crate::journal::copy::MANAGER;
use crate::journal::{self, Event, progress};
use crate::wait::Deadline;
use crate::{apply, fields, wait};
use former::{Before, difference, untouched};

pub(super) mod former;
mod ours;
pub mod preview;
#[cfg(test)]
mod tests;

/// How often a write is tried that loses against others' writes.
const ATTEMPTS: u32 = 10;

/// Why something was not put back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request failed.
    #[error("{} is not put back", cluster::name(object))]
    Cluster {
        /// The object.
        object: Ref,
        /// The cause.
        source: Box<cluster::Error>,
    },
    /// This copy of the journal does not hold the object.
    #[error(
        "{} cannot be put back: this journal does not hold it; use the one on the machine that ran the upgrade",
        cluster::name(object)
    )]
    Omitted {
        /// The object.
        object: Ref,
    },
    /// The object was put back and is not as it was.
    #[error("{} was put back and is not as it was", cluster::name(object))]
    Different {
        /// The object.
        object: Ref,
    },
    /// Others wrote the object again and again.
    #[error("{} is written by others all the time", cluster::name(object))]
    Contended {
        /// The object.
        object: Ref,
    },
    /// The journal's copy in the cluster cannot say that there is a rollback.
    #[error("nothing is put back before the journal in the cluster says so")]
    Copy(#[source] cluster::Error),
    /// The user stopped it.
    #[error("stopped; go on with `refit rollback`")]
    Interrupted,
    /// The object that has to go first stays.
    #[error("{} is not put back", cluster::name(object))]
    Undeleted {
        /// The object.
        object: Ref,
        /// The cause.
        source: Box<apply::Error>,
    },
    /// The lease is another's.
    #[error("the lease was lost: another refit may be at work")]
    LeaseLost,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

impl Error {
    /// Whether the rest should be put back all the same.
    fn may_pass(&self) -> bool {
        match self {
            Self::Cluster { source, .. } => {
                source.code().is_some_and(|it| !matches!(it, 401 | 403))
            }
            Self::Different { .. } | Self::Contended { .. } | Self::Undeleted { .. } => true,
            Self::Copy(_)
            | Self::Omitted { .. }
            | Self::Interrupted
            | Self::LeaseLost
            | Self::Journal(_) => false,
        }
    }

    fn is_webhook_away(&self) -> bool {
        matches!(self, Self::Cluster { source, .. } if source.is_webhook_away())
    }
}

/// Something to put back.
#[derive(Debug, Clone, PartialEq)]
pub struct Restoration {
    /// The step that changed it.
    pub step: String,
    /// The action, from 0, in the step.
    pub action: usize,
    /// What.
    pub object: Ref,
    /// As it was; absent where there was none.
    pub former: Option<Value>,
    /// There was one, but the journal does not hold it.
    pub omitted: bool,
    /// The action is known to have been done.
    pub ended: bool,
    /// The digest that the action left; absent where it left none, or did not end.
    pub left: Option<String>,
    /// How what the action left differs from what was before ([`fields::patch`]); absent where that is not known.
    pub stored: Option<Map<String, Value>>,
}

impl Restoration {
    /// The object as it was, and as the plan left it; nothing where there was none. Where that was not written down, what
    /// is there now tells (`live`).
    fn before(&self, live: Option<&Value>) -> Option<Before<'_>> {
        let former = self.former.as_ref()?;
        let stored = self.stored.as_ref().map(|it| fields::patched(former, it));
        let stored = stored.or_else(|| live.filter(|_| !self.ended).cloned());
        Some(Before {
            former,
            left: stored.map(|it| ours::by_plan(former, &it)),
        })
    }
}

/// Returns what is to be put back, last change first: a pure function of the plan and its journal.
///
/// Restarted pods stay (the restored control plane serves them, and restarting them again is a plan of its own), and so does
/// an ensured namespace, which may hold other things by now.
pub fn restorations(plan: &Plan, records: &[journal::Record]) -> Vec<Restoration> {
    let progress = progress(records);
    let mut todo = Vec::new();
    for step in &plan.steps {
        for (number, action) in step.actions.iter().enumerate() {
            let key = (step.id.as_str(), number);
            let Some(Event::ActionBegan {
                object,
                former,
                omitted,
                ..
            }) = progress.actions_begun.get(&key).map(|it| &it.event)
            else {
                continue;
            };
            let stays = matches!(action, Action::Restart { .. } | Action::Ensure { .. });
            if stays || progress.restored.contains(&key) {
                continue;
            }
            let (left, stored) = match progress.actions_ended.get(&key).map(|it| &it.event) {
                Some(Event::ActionEnded { digest, stored, .. }) => (digest.clone(), stored.clone()),
                _ => (None, None),
            };
            todo.push(Restoration {
                step: step.id.clone(),
                action: number,
                object: object.clone(),
                former: former.clone(),
                omitted: *omitted,
                ended: progress.actions_ended.contains_key(&key),
                left,
                stored,
            });
        }
    }
    todo.reverse();
    todo
}

/// Returns every object that a plan touched, once: as it was before the first action on it, and as the last one left it.
pub(super) fn touched(plan: &Plan, records: &[journal::Record]) -> Vec<Restoration> {
    let progress = progress(records);
    let mut found: Vec<Restoration> = Vec::new();
    for step in &plan.steps {
        for (number, action) in step.actions.iter().enumerate() {
            let key = (step.id.as_str(), number);
            let Some(Event::ActionBegan {
                object,
                former,
                omitted,
                ..
            }) = progress.actions_begun.get(&key).map(|it| &it.event)
            else {
                continue;
            };
            if matches!(action, Action::Restart { .. } | Action::Ensure { .. }) {
                continue;
            }
            let ended = progress.actions_ended.get(&key).map(|it| &it.event);
            let (left, stored) = match ended {
                Some(Event::ActionEnded { digest, stored, .. }) => (digest.clone(), stored.clone()),
                _ => (None, None),
            };
            let Some(first) = found.iter_mut().find(|it| it.object == *object) else {
                found.push(Restoration {
                    step: step.id.clone(),
                    action: number,
                    object: object.clone(),
                    former: former.clone(),
                    omitted: *omitted,
                    ended: ended.is_some(),
                    left,
                    stored,
                });
                continue;
            };
            if ended.is_some() {
                // What the last action left, told from what was before the first.
                let after = former
                    .as_ref()
                    .zip(stored)
                    .map(|(former, stored)| fields::patched(former, &stored));
                first.stored = first
                    .former
                    .as_ref()
                    .zip(after)
                    .map(|(former, after)| fields::patch(former, &after));
                first.left = left;
            }
        }
    }
    found
}

/// Putting a plan back.
pub(crate) struct Rollback<'w, 'a> {
    /// The plan, and what was done of it.
    pub(crate) work: &'w mut Work<'a>,
}

/// What could not be put back yet, and is tried again after everything else: an istiod that does not work refuses what only
/// the former one, once it is back, admits.
struct Postponed<'t> {
    it: &'t Restoration,
    /// A webhook did not answer.
    away: bool,
}

impl Postponed<'_> {
    /// Whether another one has to come after it: an earlier state of the same object, or what the same webhook admits.
    fn holds(&self, other: &Restoration) -> bool {
        let (one, two) = (&self.it.object, &other.object);
        one == two || self.away && one.kind == two.kind && one.api_version == two.api_version
    }
}

/// What a rollback left otherwise than it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Left {
    /// CRDs of the plan's that have objects by now: deleting them would delete those.
    pub stays: Vec<Ref>,
    /// What is not as it was, and how.
    pub different: Vec<(Ref, String)>,
}

impl Rollback<'_, '_> {
    /// Puts everything back. Goes on where an earlier attempt stopped.
    pub(crate) async fn run(&mut self) -> Result<Left, Error> {
        let interruption = self.work.session.interruption;
        let left = tokio::select! {
            biased;
            left = self.all() => left,
            () = interruption.demanded() => Err(Error::Interrupted),
        };
        self.work.session.grace();
        self.work.try_store_copy().await;
        self.work.narrator.end();
        match left {
            Err(_) if self.work.session.lease.is_lost() => Err(Error::LeaseLost),
            left => left,
        }
    }

    async fn all(&mut self) -> Result<Left, Error> {
        if !progress(self.work.journal.records()).rolling_back {
            self.record(Event::RollbackBegan)?;
        }
        // Before anything is put back: nobody may go forward from here, on whatever machine. A copy that does not say so
        // would be gone on with, and objects that were put back taken for done (seed 79571 of the simulator).
        self.work.store_copy().await.map_err(Error::Copy)?;
        let mut left = Left::default();
        let todo = restorations(self.work.plan, self.work.journal.records());
        let mut restored: Vec<&Restoration> = Vec::new();
        let mut postponed: Vec<Postponed<'_>> = Vec::new();
        for (number, it) in todo.iter().enumerate() {
            if self.work.session.interruption.is_asked() {
                return Err(Error::Interrupted);
            }
            if it.omitted {
                return Err(Error::Omitted {
                    object: it.object.clone(),
                });
            }
            let done = match postponed.iter().find(|other| other.holds(it)) {
                Some(other) => Err(other.away),
                None => match self.restore(it).await {
                    Err(error) if error.may_pass() => {
                        self.work.narrator.line(&format!(
                            "! {}; it is tried again after the rest",
                            crate::output::chain(&error)
                        ));
                        Err(error.is_webhook_away())
                    }
                    done => Ok(done?),
                },
            };
            match done {
                Err(away) => postponed.push(Postponed { it, away }),
                Ok(there) => {
                    if there {
                        restored.push(it);
                    } else {
                        left.stays.push(it.object.clone());
                    }
                    self.restored(it)?;
                }
            }
            // What a step changed works again before the step before it is put back.
            if todo.get(number + 1).is_none_or(|next| next.step != it.step) {
                self.settle(&std::mem::take(&mut restored)).await;
                self.work.try_store_copy().await;
            }
        }
        for Postponed { it, .. } in postponed {
            if !self.restore(it).await? {
                left.stays.push(it.object.clone());
            }
            self.restored(it)?;
        }
        left.different = self.compare().await?;
        for (object, reason) in &left.different {
            self.record(Event::NotRestored {
                object: object.clone(),
                reason: reason.clone(),
            })?;
        }
        self.record(Event::RolledBack)?;
        Ok(left)
    }

    fn restored(&mut self, it: &Restoration) -> Result<(), Error> {
        self.record(Event::Restored {
            step: it.step.clone(),
            action: it.action,
        })
    }

    /// Waits for workloads that were ready before the upgrade. One that does not come back ends nothing: the rest has to be
    /// put back all the more.
    async fn settle(&self, restored: &[&Restoration]) {
        for it in restored {
            let Some(former) = &it.former else { continue };
            let object = it.object.clone();
            let (condition, before) = match object.kind.as_str() {
                "Deployment" => (Wait::Deployment { object }, wait::deployment(former)),
                "DaemonSet" => (Wait::DaemonSet { object }, wait::daemon_set(former)),
                "StatefulSet" => (Wait::StatefulSet { object }, wait::stateful_set(former)),
                _ => continue,
            };
            if before != wait::State::Ready {
                continue;
            }
            let name = cluster::name(&it.object);
            let mut report = |reason: &str| self.work.narrator.waiting(&name, reason);
            let end = Instant::now() + self.work.session.options.readiness;
            let deadline = Deadline { end, begun: end };
            let ready = tokio::select! {
                biased;
                ready = wait::until(self.work.writer(), &condition, deadline, &mut report) => ready,
                () = self.work.session.interruption.asked() => return,
            };
            if let Err(error) = ready {
                self.work
                    .narrator
                    .line(&format!("! {}", crate::output::chain(&error)));
            }
        }
    }

    /// Looks at everything that the plan touched once more: controllers may have gone on writing.
    async fn compare(&self) -> Result<Vec<(Ref, String)>, Error> {
        let mut different = Vec::new();
        for touched in touched(self.work.plan, self.work.journal.records()) {
            // What was not written by the plan may well have been changed by others.
            if touched.omitted || !touched.ended {
                continue;
            }
            let object = &touched.object;
            let live = self.work.writer().get(object).await;
            let live = live.map_err(|source| Error::Cluster {
                object: object.clone(),
                source: Box::new(source),
            })?;
            let before = touched.before(live.as_ref());
            different.extend(
                difference(before.as_ref(), live.as_ref())
                    .filter(|_| before.is_some() || object.kind != "CustomResourceDefinition")
                    .map(|it| (object.clone(), it)),
            );
        }
        Ok(different)
    }

    /// Puts one object back. False if it was made by the plan and has to stay.
    async fn restore(&self, it: &Restoration) -> Result<bool, Error> {
        let failed = |source| Error::Cluster {
            object: it.object.clone(),
            source: Box::new(source),
        };
        let live = self.work.writer().get(&it.object).await.map_err(failed)?;
        if !it.ended && untouched(it.former.as_ref(), live.as_ref(), self.content(it)) {
            return Ok(true);
        }
        self.tell_losses(it, live.as_ref());
        let Some(before) = it.before(live.as_ref()) else {
            let Some(live) = live else { return Ok(true) };
            if it.object.kind == "CustomResourceDefinition"
                && has_objects(self.work.writer(), &live)
                    .await
                    .map_err(failed)?
            {
                return Ok(false);
            }
            self.work
                .writer()
                .delete(&it.object, live["metadata"]["uid"].as_str())
                .await
                .map_err(failed)?;
            // One that a finalizer holds must not keep all others from being put back: the last look tells of it.
            if let Err(error) = apply::gone(self.work.writer(), &it.object, &live).await {
                self.work
                    .narrator
                    .line(&format!("! {}", crate::output::chain(&error)));
            }
            return Ok(true);
        };
        write_back(self.work.writer(), &it.object, &before).await?;
        Ok(true)
    }

    /// Tells what others wrote since and that does not stay.
    fn tell_losses(&self, it: &Restoration, live: Option<&Value>) {
        let (Some(left), Some(live)) = (&it.left, live) else {
            return;
        };
        if *left == relevant(live, None) {
            return;
        }
        let name = cluster::name(&it.object);
        match it.before(Some(live)) {
            Some(before) if before.left.is_some() => {
                for lost in before.lost(live) {
                    let path = fields::path(&lost.path);
                    self.work.narrator.line(&format!(
                        "! {name}: {path} was changed after the upgrade, which had written it; that goes too"
                    ));
                }
            }
            _ => self.work.narrator.line(&format!(
                "! {name} was changed after the upgrade; that goes too"
            )),
        }
    }

    /// What the action writes.
    fn content(&self, it: &Restoration) -> Option<&Value> {
        let step = self
            .work
            .plan
            .steps
            .iter()
            .find(|step| step.id == it.step)?;
        match step.actions.get(it.action)? {
            Action::Ensure { manifest }
            | Action::Apply { manifest, .. }
            | Action::Replace { manifest, .. } => Some(manifest),
            Action::Patch { patch, .. } => Some(patch),
            Action::Delete { .. } | Action::Restart { .. } => None,
        }
    }

    fn record(&mut self, event: Event) -> Result<(), Error> {
        Ok(self.work.record(event)?)
    }
}

/// Writes an object as it was, in two writes: a write that changes values makes its author the owner of them, whatever
/// managedFields it carries; a second one with the same values takes the managedFields as they are (domain §12).
async fn write_back(writer: &Writer, object: &Ref, before: &Before<'_>) -> Result<(), Error> {
    let failed = |source| Error::Cluster {
        object: object.clone(),
        source: Box::new(source),
    };
    for _ in 0..ATTEMPTS {
        let live = writer.get(object).await.map_err(failed)?;
        // What is written to an object that is going goes with it.
        if let Some(going) = live.as_ref().filter(|it| cluster::is_going(it)) {
            apply::gone(writer, object, going)
                .await
                .map_err(|source| Error::Undeleted {
                    object: object.clone(),
                    source: Box::new(source),
                })?;
            continue;
        }
        let Some(live) = live else {
            let manifest = before.values(None);
            let write = Write::Create {
                manifest: &manifest,
                manager: MANAGER,
            };
            match writer.write(object, &write).await {
                Ok(_) => continue,
                Err(error) if error.code() == Some(409) => continue,
                Err(error) => return Err(failed(error)),
            }
        };
        // An earlier attempt may have done it already.
        if difference(Some(before), Some(&live)).is_none() {
            return Ok(());
        }
        let mut wanted = before.values(Some(&live));
        wanted["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let same_values = digest(&wanted) == digest(&live);
        if same_values {
            wanted["metadata"]["managedFields"] = Value::Array(before.ownership(&live));
        }
        let write = Write::Replace {
            manifest: &wanted,
            manager: MANAGER,
        };
        let stored = match writer.write(object, &write).await {
            Ok(stored) => stored,
            Err(error) if error.code() == Some(409) => continue,
            Err(error) => return Err(failed(error)),
        };
        let restored = before.has_content(&stored) && (!same_values || before.has_owners(&stored));
        if !restored {
            return Err(Error::Different {
                object: object.clone(),
            });
        }
        if same_values {
            return Ok(());
        }
    }
    Err(Error::Contended {
        object: object.clone(),
    })
}

/// Whether there are objects of the kind that a definition defines.
async fn has_objects(cluster: &Cluster, definition: &Value) -> Result<bool, cluster::Error> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let served = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|it| it["served"] == true);
    let Some(version) = served else {
        return Ok(false);
    };
    let api_version = format!(
        "{}/{}",
        text(&definition["spec"]["group"]),
        text(&version["name"])
    );
    let kind = match cluster
        .kind(&api_version, &text(&definition["spec"]["names"]["kind"]))
        .await
    {
        Ok(kind) => kind,
        Err(cluster::Error::Kind { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let selection = Selection {
        metadata_only: true,
        ..Selection::default()
    };
    Ok(!cluster.list_all(&kind, &selection).await?.is_empty())
}
