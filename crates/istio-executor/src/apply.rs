//! One action on the cluster: compared with what the plan relies on, then done once.
//!
//! Every action can be done again after a run was killed in the middle of it: what is found already done is left alone.

use std::time::Duration;

use istio_planner::digest::{digest, relevant};
use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Expected, FIELD_MANAGER};
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::{self, Changes, Cluster, Write, Writer};
use crate::drift::{self, Drift};
use crate::journal::copy::MANAGER;
use crate::restart;

/// How often a write is tried that loses against others' writes.
const ATTEMPTS: u32 = 10;

/// How long a deleted object may take to go before its successor is made.
const DELETION: Duration = Duration::from_mins(2);

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster is no longer as planned.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// A request failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// Others wrote the object again and again.
    #[error("{} is written by others all the time", cluster::name(object))]
    Contended {
        /// The object.
        object: Ref,
    },
    /// A deleted object stays, for example for a finalizer.
    #[error("{} was deleted and is still there{}", cluster::name(object), finalizers.as_deref().map(|it| format!(" (finalizers: {it})")).unwrap_or_default())]
    Undeleted {
        /// The object.
        object: Ref,
        /// What holds it.
        finalizers: Option<String>,
    },
    /// The plan names a way of restarting pods that does not fit the workload.
    #[error(transparent)]
    Restart(#[from] restart::Error),
}

/// What an action left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The digest of the object as stored; absent if there is none any more.
    pub digest: Option<String>,
    /// Whether anything changed.
    pub changed: bool,
    /// The object as stored, where it was there before.
    pub stored: Option<Value>,
}

/// Returns the object that an action touches.
pub fn object(action: &Action) -> Ref {
    match action {
        Action::Ensure { manifest } => cluster::reference(manifest),
        Action::Apply { object, .. }
        | Action::Replace { object, .. }
        | Action::Patch { object, .. }
        | Action::Delete { object, .. }
        | Action::Restart { object, .. } => object.clone(),
    }
}

/// Checks an action against the live object, without writing.
pub fn check(action: &Action, live: Option<&Value>) -> Result<(), Drift> {
    match action {
        Action::Ensure { .. } | Action::Restart { .. } => Ok(()),
        Action::Apply {
            object,
            manifest: content,
            expected,
            ..
        }
        | Action::Replace {
            object,
            manifest: content,
            expected,
        }
        | Action::Patch {
            object,
            patch: content,
            expected,
        } => {
            drift::compare(object, expected, Some(content), live)?;
            drift::keeps_validation(object, content, live)
        }
        Action::Delete { object, expected } => drift::compare(object, expected, None, live),
    }
}

/// Whether an action, begun earlier, has been done already. `former` is what the first attempt saw.
pub async fn is_done(
    cluster: &Cluster,
    action: &Action,
    former: Option<&Value>,
    live: Option<&Value>,
) -> Result<bool, Error> {
    let uid = |it: Option<&Value>| {
        it.and_then(|it| it["metadata"]["uid"].as_str())
            .map(str::to_owned)
    };
    let done = match action {
        Action::Ensure { .. } => live.is_some(),
        // One that is going is waited for.
        Action::Delete { .. } => live.is_none() || uid(former) != uid(live),
        Action::Apply {
            object,
            manifest,
            force,
            ..
        } => {
            let write = Write::Apply {
                manifest,
                manager: FIELD_MANAGER,
                force: *force,
            };
            would_store_the_same(cluster, object, &write, live).await?
        }
        Action::Patch { object, patch, .. } => {
            let write = Write::Merge {
                patch,
                manager: MANAGER,
            };
            would_store_the_same(cluster, object, &write, live).await?
        }
        Action::Replace {
            object, manifest, ..
        } => {
            let write = Write::Apply {
                manifest,
                manager: FIELD_MANAGER,
                force: true,
            };
            uid(former) != uid(live) && would_store_the_same(cluster, object, &write, live).await?
        }
        // The mark in the record makes a second restart the same as the first.
        Action::Restart { .. } => false,
    };
    Ok(done)
}

async fn would_store_the_same(
    cluster: &Cluster,
    object: &Ref,
    write: &Write<'_>,
    live: Option<&Value>,
) -> Result<bool, Error> {
    let Some(live) = live else { return Ok(false) };
    let stored = match cluster.dry_run(object, write).await {
        Ok(stored) => stored,
        // Others own a field that it would write: they changed it since.
        Err(error) if error.code() == Some(409) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(digest(&stored) == digest(live) && owned(&stored) == owned(live))
}

/// What our managers own in an object, whatever the time of the entry.
fn owned(object: &Value) -> Vec<(String, String)> {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut owned: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter(|it| it["manager"] == FIELD_MANAGER || it["manager"] == MANAGER)
        .map(|it| {
            (
                it["manager"].to_string() + &it["operation"].to_string(),
                it["fieldsV1"].to_string(),
            )
        })
        .collect();
    owned.sort();
    owned
}

/// Does an action. `live` has been checked; `renewal` says how a restart goes about it.
pub async fn perform(
    writer: &Writer,
    action: &Action,
    live: Option<&Value>,
    renewal: &restart::Renewal<'_>,
) -> Result<Done, Error> {
    match action {
        Action::Ensure { manifest } => {
            if let Some(live) = live {
                return Ok(Done {
                    digest: Some(relevant(live, None)),
                    changed: false,
                    stored: None,
                });
            }
            let write = Write::Create {
                manifest,
                manager: FIELD_MANAGER,
            };
            match writer.write(&object(action), &write).await {
                Ok(stored) => Ok(Done {
                    digest: Some(relevant(&stored, None)),
                    changed: true,
                    stored: None,
                }),
                Err(error) if error.code() == Some(409) => Ok(Done {
                    digest: None,
                    changed: false,
                    stored: None,
                }),
                Err(error) => Err(error.into()),
            }
        }
        Action::Apply {
            object,
            manifest,
            force,
            expected,
        } => {
            guarded(
                writer,
                object,
                &Body::Apply {
                    manifest,
                    force: *force,
                },
                expected,
                live,
            )
            .await
        }
        Action::Patch {
            object,
            patch,
            expected,
        } => guarded(writer, object, &Body::Merge(patch), expected, live).await,
        Action::Replace {
            object, manifest, ..
        } => {
            if let Some(live) = live {
                remove(writer, object, live).await?;
            }
            let write = Write::Apply {
                manifest,
                manager: FIELD_MANAGER,
                force: true,
            };
            let stored = writer.write(object, &write).await?;
            Ok(Done {
                digest: Some(relevant(&stored, None)),
                changed: true,
                stored: Some(stored),
            })
        }
        Action::Delete { object, .. } => {
            if let Some(live) = live {
                remove(writer, object, live).await?;
            }
            Ok(Done {
                digest: None,
                changed: live.is_some(),
                stored: None,
            })
        }
        Action::Restart { object, how, .. } => {
            restart::renew(writer, object, *how, renewal).await?;
            Ok(Done {
                digest: None,
                changed: true,
                stored: None,
            })
        }
    }
}

/// What a guarded write sends.
enum Body<'a> {
    Apply { manifest: &'a Value, force: bool },
    Merge(&'a Value),
}

impl Body<'_> {
    /// The write, with this content in place of its own.
    fn write<'a>(&self, content: &'a Value) -> Write<'a> {
        match self {
            Self::Apply { force, .. } => Write::Apply {
                manifest: content,
                manager: FIELD_MANAGER,
                force: *force,
            },
            Self::Merge(_) => Write::Merge {
                patch: content,
                manager: MANAGER,
            },
        }
    }
}

/// Writes only if the object still is the one that was checked: its resourceVersion goes with the write. A status that
/// moved on is no reason to stop, so the object is read and compared again.
async fn guarded(
    writer: &Writer,
    object: &Ref,
    body: &Body<'_>,
    expected: &Expected,
    live: Option<&Value>,
) -> Result<Done, Error> {
    let (Body::Apply {
        manifest: content, ..
    }
    | Body::Merge(content)) = body;
    let version = |it: &Value| it["metadata"]["resourceVersion"].clone();
    let mut live = live.cloned();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            live = writer.get(object).await?;
            if let Err(drift) = drift::compare(object, expected, Some(content), live.as_ref()) {
                // The answer to an earlier attempt may have been lost: then the object is as this write left it.
                if would_store_the_same(writer, object, &body.write(content), live.as_ref()).await?
                {
                    return Ok(Done {
                        digest: live.as_ref().map(|it| relevant(it, None)),
                        changed: true,
                        stored: live,
                    });
                }
                return Err(drift.into());
            }
            drift::keeps_validation(object, content, live.as_ref())?;
        }
        let mut content = (*content).clone();
        if let Some(live) = &live {
            content["metadata"]["resourceVersion"] = version(live);
            // A version alone is none where the object is gone: the server would make it.
            if matches!(body, Body::Apply { .. }) {
                content["metadata"]["uid"] = live["metadata"]["uid"].clone();
            }
        }
        let write = body.write(&content);
        match writer.write(object, &write).await {
            Ok(stored) => {
                let changed = live
                    .as_ref()
                    .is_none_or(|it| version(it) != version(&stored));
                return Ok(Done {
                    digest: Some(relevant(&stored, None)),
                    changed,
                    stored: Some(stored),
                });
            }
            Err(error) if error.is_stale() => {}
            // Somebody took fields that were istioctl's, or nobody's, when the plan was made.
            Err(cluster::Error::Api {
                code: 409, message, ..
            }) => {
                return Err(Error::Drift(Drift {
                    object: object.clone(),
                    kind: drift::Kind::Owned(message.into()),
                }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Contended {
        object: object.clone(),
    })
}

/// Deletes an object and waits until it is gone.
async fn remove(writer: &Writer, object: &Ref, live: &Value) -> Result<(), Error> {
    writer
        .delete(object, live["metadata"]["uid"].as_str())
        .await?;
    gone(writer, object, live).await
}

/// Waits until an object that is being deleted is gone.
pub async fn gone(cluster: &Cluster, object: &Ref, live: &Value) -> Result<(), Error> {
    let uid = &live["metadata"]["uid"];
    let deadline = Instant::now() + DELETION;
    let mut changes = Changes::default();
    changes.object(cluster, object).await?;
    loop {
        match cluster.get(object).await? {
            Some(now) if now["metadata"]["uid"] == *uid => {
                if Instant::now() >= deadline {
                    let finalizers = now["metadata"]["finalizers"].as_array().map(|it| {
                        it.iter()
                            .filter_map(Value::as_str)
                            .collect::<Vec<_>>()
                            .join(", ")
                    });
                    return Err(Error::Undeleted {
                        object: object.clone(),
                        finalizers,
                    });
                }
            }
            _ => return Ok(()),
        }
        changes.next(deadline).await;
    }
}

#[cfg(test)]
mod tests;
