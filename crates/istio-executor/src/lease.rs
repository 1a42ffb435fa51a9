//! One executor at a time: a Lease beside istiod.
//!
//! Clocks of machines differ, so a lease counts as abandoned only when it has been watched for its whole duration and
//! was not renewed (as client-go's leader election does it), or when its holder was a process of this machine that is
//! no more.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use istio_planner::outcome::Ref;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::cluster::{self, Cluster, Write};
use crate::journal::copy::MANAGER;

/// A lease that is not renewed for so long is free.
const DURATION: Duration = Duration::from_secs(15);

/// How often it is renewed, and how often another's is looked at.
const RENEWAL: Duration = Duration::from_secs(4);

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

/// The lease, held and renewed until it is released or dropped.
#[derive(Debug)]
pub struct Lease {
    object: Ref,
    holder: String,
    held: Arc<AtomicBool>,
    renewal: JoinHandle<()>,
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
        let holder = holder();
        let mut seen: Option<(String, Instant)> = None;
        loop {
            let live = cluster.get(&object).await?;
            let other = live
                .as_ref()
                .and_then(other_holder)
                .filter(|it| *it != holder);
            if let Some(other) = other.filter(|it| !is_dead(it)) {
                let version = live.as_ref().map(version).unwrap_or_default();
                let (first, since) = seen.get_or_insert_with(|| (version.clone(), Instant::now()));
                if *first != version {
                    return Err(Error::Held { holder: other });
                }
                if since.elapsed() < DURATION {
                    sleep(Duration::from_secs(1)).await;
                    continue;
                }
            }
            match write(cluster, &object, &holder, live.as_ref()).await {
                Ok(()) => break,
                // Somebody was faster: look again who it is.
                Err(error) if error.code() == Some(409) => seen = None,
                Err(error) => return Err(error.into()),
            }
        }
        let held = Arc::new(AtomicBool::new(true));
        let renewal = tokio::spawn(renew(
            Arc::clone(cluster),
            object.clone(),
            holder.clone(),
            Arc::clone(&held),
        ));
        Ok(Self {
            object,
            holder,
            held,
            renewal,
        })
    }

    /// Returns whether the lease is still ours. Nothing may be written once it is not.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }

    /// Returns who holds it: host and process.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Gives the lease back.
    pub async fn release(self, cluster: &Cluster) -> Result<(), cluster::Error> {
        self.renewal.abort();
        let live = cluster.get(&self.object).await?;
        if let Some(live) = live.filter(|it| other_holder(it).as_ref() == Some(&self.holder)) {
            cluster
                .delete(&self.object, live["metadata"]["uid"].as_str())
                .await?;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Renews the lease; when that fails for as long as it lasts, or it is another's, it is lost.
async fn renew(cluster: Arc<Cluster>, object: Ref, holder: String, held: Arc<AtomicBool>) {
    let mut renewed = Instant::now();
    loop {
        sleep(RENEWAL).await;
        let lost = match cluster.get(&object).await {
            Ok(Some(live)) if other_holder(&live).as_ref() != Some(&holder) => true,
            Ok(live) => match write(&cluster, &object, &holder, live.as_ref()).await {
                Ok(()) => {
                    renewed = Instant::now();
                    false
                }
                Err(_) => renewed.elapsed() >= DURATION,
            },
            Err(_) => renewed.elapsed() >= DURATION,
        };
        if lost {
            held.store(false, Ordering::SeqCst);
            return;
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
    let now = Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string();
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
            manifest["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
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
    cluster.write(object, &write, false).await.map(|_| ())
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

/// `host/process/start`: the start tells a process from a later one with its number.
fn holder() -> String {
    let process = std::process::id();
    format!(
        "{}/{process}/{}",
        host(),
        started(process).unwrap_or_default()
    )
}

fn host() -> String {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    read("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "unknown".to_owned(), |it| it.trim().to_owned())
}

/// When a process of this machine started, in ticks since boot (field 22 of `/proc/PID/stat`).
fn started(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    // A zombie has died; only its parent has not looked yet.
    let state = fields.next()?;
    fields
        .nth(18)
        .filter(|_| !matches!(state, "Z" | "X"))
        .map(str::to_owned)
}

/// Whether the holder was a process of this machine that is no more. Never guesses: without `/proc` nobody is dead.
fn is_dead(holder: &str) -> bool {
    let mut parts = holder.rsplitn(3, '/');
    let (Some(start), Some(process), Some(machine)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(process) = process.parse::<u32>() else {
        return false;
    };
    let known = !start.is_empty() && machine == host() && Path::new("/proc/self/stat").exists();
    known && started(process).as_deref() != Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_another_start_is_not() {
        let me = holder();
        assert!(!is_dead(&me));
        assert!(is_dead(&format!("{}/{}/1", host(), std::process::id())));
    }

    #[test]
    fn nobody_of_another_machine_is_taken_for_dead() {
        assert!(!is_dead("elsewhere-host/1/1"));
        assert!(!is_dead("free text"));
    }
}
