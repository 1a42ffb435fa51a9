//! Puts back what a plan changed: last change first, values and field ownership, and looks whether it is so.

use istio_planner::digest::digest;
use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Plan};
use serde_json::Value;

use crate::apply;
use crate::cluster::{self, Cluster, Write};
use crate::journal::copy::{Copy, MANAGER};
use crate::journal::{self, Event, Journal, progress};
use crate::lease::Lease;
use crate::output::narrator::Narrator;

/// Metadata that the server writes, and that no write may carry.
const SERVER: [&str; 5] = [
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
];

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
    /// The lease is another's.
    #[error("the lease was lost: another refit may be at work")]
    LeaseLost,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
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
    /// The digest that the action left; absent where it left none, or did not end.
    pub left: Option<String>,
}

/// Returns what is to be put back, last change first: a pure function of the plan and its journal.
///
/// Renewed pods stay (the restored control plane serves them, and renewing them again is a plan of its own), and so do
/// an ensured namespace, which may hold other things by now, and CRDs that the plan added: deleting those deletes users'
/// objects.
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
            let stays = match action {
                Action::Restart { .. } | Action::Ensure { .. } => true,
                Action::Apply { .. } | Action::Replace { .. } => {
                    former.is_none() && !omitted && object.kind == "CustomResourceDefinition"
                }
                Action::Patch { .. } | Action::Delete { .. } => false,
            };
            if stays || progress.restored.contains(&key) {
                continue;
            }
            let left = match progress.actions_ended.get(&key).map(|it| &it.event) {
                Some(Event::ActionEnded { digest, .. }) => digest.clone(),
                _ => None,
            };
            todo.push(Restoration {
                step: step.id.clone(),
                action: number,
                object: object.clone(),
                former: former.clone(),
                omitted: *omitted,
                left,
            });
        }
    }
    todo.reverse();
    todo
}

/// Everything that putting back takes.
pub struct Rollback<'a> {
    /// Where.
    pub cluster: &'a Cluster,
    /// What was carried out.
    pub plan: &'a Plan,
    /// What was done.
    pub journal: &'a mut Journal,
    /// The journal's copy in the cluster.
    pub copy: &'a Copy,
    /// The right to write.
    pub lease: &'a Lease,
    /// Who hears of it.
    pub narrator: &'a Narrator,
}

impl Rollback<'_> {
    /// Puts everything back. Goes on where an earlier attempt stopped.
    pub async fn run(&mut self) -> Result<(), Error> {
        self.record(Event::RollbackBegan)?;
        for it in restorations(self.plan, self.journal.records()) {
            if !self.lease.is_held() {
                return Err(Error::LeaseLost);
            }
            if it.omitted {
                return Err(Error::Omitted { object: it.object });
            }
            self.restore(&it).await?;
            self.record(Event::Restored {
                step: it.step,
                action: it.action,
            })?;
        }
        self.record(Event::RolledBack)?;
        if let Err(error) = self.copy.store(self.cluster, self.journal.records()).await {
            self.narrator.line(&format!(
                "! the journal's copy in the cluster is not up to date: {error}"
            ));
        }
        self.narrator.end();
        Ok(())
    }

    async fn restore(&self, it: &Restoration) -> Result<(), Error> {
        let failed = |source| Error::Cluster {
            object: it.object.clone(),
            source: Box::new(source),
        };
        let live = self.cluster.get(&it.object).await.map_err(failed)?;
        if let (Some(left), Some(live)) = (&it.left, &live)
            && *left != digest(live)
        {
            let name = cluster::name(&it.object);
            self.narrator.line(&format!(
                "! {name} was changed after the upgrade; that goes too"
            ));
        }
        let Some(former) = &it.former else {
            if let Some(live) = live {
                self.cluster
                    .delete(&it.object, live["metadata"]["uid"].as_str())
                    .await
                    .map_err(failed)?;
            }
            return Ok(());
        };
        write_back(self.cluster, &it.object, former).await
    }

    fn record(&mut self, event: Event) -> Result<(), Error> {
        let record = self.journal.append(event)?;
        self.narrator.tell(self.plan, record);
        Ok(())
    }
}

/// Writes an object as it was, in two writes: a write that changes values makes its author the owner of them, whatever
/// managedFields it carries; a second one with the same values takes the managedFields as they are (domain.md §12).
async fn write_back(cluster: &Cluster, object: &Ref, former: &Value) -> Result<(), Error> {
    let failed = |source| Error::Cluster {
        object: object.clone(),
        source: Box::new(source),
    };
    for _ in 0..ATTEMPTS {
        let live = cluster.get(object).await.map_err(failed)?;
        let Some(live) = live else {
            let manifest = values(former, None);
            let write = Write::Create {
                manifest: &manifest,
                manager: MANAGER,
            };
            match cluster.write(object, &write, false).await {
                Ok(_) => continue,
                Err(error) if error.code() == Some(409) => continue,
                Err(error) => return Err(failed(error)),
            }
        };
        let mut wanted = values(former, Some(&live));
        wanted["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let same_values = digest(&wanted) == digest(&live);
        if same_values {
            wanted["metadata"]["managedFields"] = Value::Array(ownership(former));
        }
        let write = Write::Replace {
            manifest: &wanted,
            manager: MANAGER,
        };
        let stored = match cluster.write(object, &write, false).await {
            Ok(stored) => stored,
            Err(error) if error.code() == Some(409) => continue,
            Err(error) => return Err(failed(error)),
        };
        if same_values {
            let restored =
                digest(&stored) == digest(&wanted) && ownership(&stored) == ownership(former);
            return if restored {
                Ok(())
            } else {
                Err(Error::Different {
                    object: object.clone(),
                })
            };
        }
        if digest(&stored) != digest(&wanted) {
            return Err(Error::Different {
                object: object.clone(),
            });
        }
    }
    Err(Error::Contended {
        object: object.clone(),
    })
}

/// The values of a former object as they are to be again.
///
/// A controller's count of templates only goes up, so the live one is kept. A validating webhook that refuses what it
/// cannot check goes on refusing it.
fn values(former: &Value, live: Option<&Value>) -> Value {
    let mut wanted = former.clone();
    if let Some(object) = wanted.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = wanted["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        for field in SERVER {
            metadata.remove(field);
        }
    }
    let Some(live) = live else { return wanted };
    for annotation in [
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
    ] {
        let now = &live["metadata"]["annotations"][annotation];
        if now.is_string() {
            wanted["metadata"]["annotations"][annotation] = now.clone();
        }
    }
    if former["kind"] == "ValidatingWebhookConfiguration" {
        let live = live["webhooks"].as_array().cloned().unwrap_or_default();
        for webhook in wanted["webhooks"].as_array_mut().into_iter().flatten() {
            let now = live.iter().find(|it| it["name"] == webhook["name"]);
            if now.is_some_and(|it| it["failurePolicy"] == "Fail") {
                webhook["failurePolicy"] = Value::from("Fail");
            }
        }
    }
    wanted
}

/// Who owned which fields; entries of subresources (status) are the server's own.
fn ownership(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut entries: Vec<Value> = entries
        .into_iter()
        .flatten()
        .filter(|it| it["subresource"].is_null())
        .cloned()
        .collect();
    entries.sort_by_key(|it| {
        (
            it["manager"].to_string(),
            it["operation"].to_string(),
            it["time"].to_string(),
        )
    });
    entries
}

/// Returns what a rollback leaves as the upgrade made it, for people.
pub fn stays(plan: &Plan, records: &[journal::Record]) -> Vec<Ref> {
    let begun = progress(records).actions_begun;
    let mut objects: Vec<Ref> = plan
        .steps
        .iter()
        .flat_map(|step| {
            step.actions
                .iter()
                .enumerate()
                .map(move |(number, action)| (step, number, action))
        })
        .filter(|(step, number, action)| {
            let record = begun.get(&(step.id.as_str(), *number)).map(|it| &it.event);
            let created = matches!(
                record,
                Some(Event::ActionBegan {
                    former: None,
                    omitted: false,
                    ..
                })
            );
            created && apply::object(action).kind == "CustomResourceDefinition"
        })
        .map(|(_, _, action)| apply::object(action))
        .collect();
    objects.dedup();
    objects
}

#[cfg(test)]
mod tests;
