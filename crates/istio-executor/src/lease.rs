//! One executor at a time: a Lease beside istiod.
//!
//! Clocks of machines differ, so a lease counts as abandoned only when it has been watched for its whole duration and
//! was not renewed (as client-go's leader election does it), or when its holder was a process of this machine that is
//! no more.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use istio_planner::outcome::Ref;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::clock;
use crate::cluster::{self, Cluster, LeaseWriter, Write, Writer};
use crate::journal::copy::MANAGER;

mod holder;

#[cfg(test)]
pub(crate) use holder::{Machine, machine};
use holder::{holder, is_dead, known_as};

/// A lease that is not renewed for so long is free.
const DURATION: Duration = Duration::from_secs(15);

/// We stop writing so long before others may begin.
const MARGIN: Duration = Duration::from_secs(4);

/// How often it is renewed, and how often another's is looked at.
const RENEWAL: Duration = Duration::from_secs(4);

/// How long one renewal may take; the next one then has its chance.
const ANSWER: Duration = Duration::from_secs(5);

/// Why the lease could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another executor is at work.
    #[error("another refit is at work on this cluster: {holder}")]
    Held {
        /// Who.
        holder: String,
    },
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// Whether the lease is ours, as everything that writes asks.
#[derive(Debug)]
pub(crate) struct Held {
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// By the clock that does not jump, but stands still while a machine sleeps.
    renewed: Instant,
    /// By the one that goes on.
    at: SystemTime,
    /// Somebody else has it.
    lost: bool,
}

impl State {
    fn now() -> Self {
        Self {
            renewed: Instant::now(),
            at: clock::system(),
            lost: false,
        }
    }

    /// Whether it was renewed so lately that nobody can have it.
    fn is_fresh(&self) -> bool {
        let limit = DURATION.saturating_sub(MARGIN);
        !self.lost
            && self.renewed.elapsed() < limit
            && clock::since(self.at).is_some_and(|it| it < limit)
    }
}

impl Held {
    fn since(state: State) -> Self {
        Self {
            state: watch::Sender::new(state),
        }
    }

    /// One that was taken a moment ago.
    #[cfg(test)]
    pub(crate) fn taken() -> Self {
        Self::since(State::now())
    }

    /// One that is another's.
    #[cfg(test)]
    pub(crate) fn lost() -> Self {
        let held = Self::taken();
        held.state.send_modify(|it| it.lost = true);
        held
    }

    /// Returns true at once while the lease is ours for certain; else waits until a renewal tells.
    pub(crate) async fn confirm(&self) -> bool {
        let mut state = self.state.subscribe();
        let known = state.wait_for(|it| it.lost || it.is_fresh()).await;
        known.is_ok_and(|it| !it.lost)
    }

    #[cfg(test)]
    fn is_fresh(&self) -> bool {
        self.state.borrow().is_fresh()
    }
}

/// The lease, held and renewed until it is released or dropped.
pub struct Lease {
    object: Ref,
    holder: String,
    held: Arc<Held>,
    renewal: JoinHandle<()>,
    /// What may be written to while it is held.
    writer: Writer,
    /// For the lease itself.
    own: Arc<Cluster>,
}

impl Lease {
    /// Takes the lease of the control plane in `namespace`; waits for an abandoned one.
    pub async fn take(cluster: &Arc<Cluster>, namespace: &str) -> Result<Self, Error> {
        let object = Ref {
            api_version: "coordination.k8s.io/v1".to_owned(),
            kind: "Lease".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: "refit".to_owned(),
        };
        // Renewing it must not end with the time that everything else is given.
        let own = Arc::new(cluster.beside());
        own.until(cluster.deadline());
        let holder = holder();
        let mut seen: Option<(String, Instant)> = None;
        let taken = loop {
            let live = own.get(&object).await?;
            let other = live
                .as_ref()
                .and_then(other_holder)
                .filter(|it| *it != holder);
            if let Some(other) = other.filter(|it| !is_dead(it)) {
                let version = live.as_ref().map(version).unwrap_or_default();
                let (first, since) = seen.get_or_insert_with(|| (version.clone(), Instant::now()));
                if *first != version {
                    let since = live
                        .as_ref()
                        .and_then(|it| it["spec"]["acquireTime"].as_str());
                    return Err(Error::Held {
                        holder: since.map_or(known_as(&other), |it| {
                            format!("{}, since {it}", known_as(&other))
                        }),
                    });
                }
                if since.elapsed() < DURATION {
                    sleep(Duration::from_secs(1)).await;
                    continue;
                }
            }
            // The answer may come late: what is held counts from before the request.
            let before = State::now();
            match write(&own, &object, &holder, live.as_ref()).await {
                Ok(()) => break before,
                // Somebody was faster: look again who it is.
                Err(error) if error.code() == Some(409) => seen = None,
                Err(error) => return Err(error.into()),
            }
        };
        let held = Arc::new(Held::since(taken));
        own.until(None);
        let renewal = tokio::spawn(renew(
            Arc::clone(&own),
            object.clone(),
            holder.clone(),
            Arc::clone(&held),
        ));
        Ok(Self {
            object,
            holder,
            writer: Writer::new(Arc::clone(cluster), Arc::clone(&held)),
            held,
            renewal,
            own,
        })
    }

    /// Returns what may be written to while the lease is held.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Returns whether it is another's by now.
    pub fn is_lost(&self) -> bool {
        self.held.state.borrow().lost
    }

    /// Returns who holds it, as a person knows it: user, host and process.
    pub fn holder(&self) -> String {
        known_as(&self.holder)
    }

    /// Gives the lease back; takes seconds at most.
    pub async fn release(self) -> Result<(), cluster::Error> {
        self.renewal.abort();
        self.own.until(Some(Instant::now() + ANSWER));
        let live = self.own.get(&self.object).await?;
        if let Some(live) = live.filter(|it| other_holder(it).as_ref() == Some(&self.holder)) {
            LeaseWriter::new(&self.own, &self.object)
                .delete_unchanged(&live)
                .await?;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
        self.held.state.send_modify(|it| it.lost = true);
    }
}

/// Renews the lease until it is another's. While the API server is away nothing is lost: nobody else can take it either.
async fn renew(cluster: Arc<Cluster>, object: Ref, holder: String, held: Arc<Held>) {
    loop {
        sleep(RENEWAL).await;
        // What is renewed counts from before the request: the answer may come late.
        let before = State::now();
        let renewal = async {
            let live = cluster.get(&object).await?;
            let other = live.as_ref().and_then(other_holder);
            // One that is gone may have been another's meanwhile, who is done with it: what we know is older than that.
            let is_ours = match &live {
                Some(_) => other.as_ref() == Some(&holder),
                None => held.state.borrow().is_fresh(),
            };
            if !is_ours {
                return Ok(false);
            }
            write(&cluster, &object, &holder, live.as_ref()).await?;
            Ok::<_, cluster::Error>(true)
        };
        match timeout(ANSWER, renewal).await {
            Ok(Ok(true)) => {
                held.state.send_replace(before);
            }
            Ok(Ok(false)) => {
                held.state.send_modify(|it| it.lost = true);
                return;
            }
            Ok(Err(error)) => tracing::debug!(%error, "the lease is not renewed"),
            Err(_) => tracing::debug!("the lease is not renewed: no answer"),
        }
    }
}

/// Writes us as the holder; a conflict (409) means that somebody else wrote since `live` was read.
async fn write(
    cluster: &Cluster,
    object: &Ref,
    holder: &str,
    live: Option<&Value>,
) -> Result<(), cluster::Error> {
    // MicroTime has exactly six digits.
    let now = clock::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    let acquired = live
        .filter(|it| other_holder(it).as_deref() == Some(holder))
        .and_then(|it| it["spec"]["acquireTime"].as_str())
        .unwrap_or(&now)
        .to_owned();
    let mut manifest = json!({
        "apiVersion": object.api_version,
        "kind": object.kind,
        "metadata": { "namespace": object.namespace, "name": object.name },
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": DURATION.as_secs(),
            "acquireTime": acquired,
            "renewTime": now,
        },
    });
    let write = match live {
        Some(live) => {
            // A version alone is none where the lease is gone: the server would make it.
            for field in ["resourceVersion", "uid"] {
                manifest["metadata"][field] = live["metadata"][field].clone();
            }
            Write::Replace {
                manifest: &manifest,
                manager: MANAGER,
            }
        }
        None => Write::Create {
            manifest: &manifest,
            manager: MANAGER,
        },
    };
    LeaseWriter::new(cluster, object)
        .write(&write)
        .await
        .map(|_| ())
}

fn other_holder(lease: &Value) -> Option<String> {
    lease["spec"]["holderIdentity"]
        .as_str()
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
}

fn version(lease: &Value) -> String {
    lease["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
