//! Whether a cluster is what an upgrade left: every object as it was stored, every workload of the mesh itself ready, every
//! proxy of the target's version.
//!
//! Nothing is written. What was stored is told by the journal's digests, which leave out what controllers and istiod go on
//! writing ([`istio_planner::digest::relevant`]).

use std::collections::BTreeMap;

use istio_planner::digest::relevant;
use istio_planner::inventory::{controller, is_active, of_proxy, proxy_container};
use istio_planner::outcome::{Outcome, Ref, Restart};
use istio_planner::plan::{Action, FIELD_MANAGER, Plan};
use istio_planner::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::back::former::{is_a_controllers, plain};
use super::back::preview::{by, shown};
use super::back::{Restoration, touched};
use crate::cluster::{self, Cluster};
use crate::fields::{self, Author, Difference};
use crate::journal::{Record, copy};
use crate::wait::{State, daemon_set, deployment, stateful_set};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An object that the upgrade wrote or deleted.
    Object,
    /// A workload of the mesh itself that the upgrade wrote.
    Component,
    /// Pods with a proxy.
    Proxies,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    /// As the upgrade left it.
    AsPlanned,
    /// Otherwise.
    Differs,
    /// It cannot be told.
    Unknown,
}

impl Stand {
    /// As it stands in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsPlanned => "as-planned",
            Self::Differs => "differs",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What kind of thing.
    pub subject: Subject,
    /// The object, or the workload of the pods.
    pub object: Ref,
    /// How it stands.
    pub stand: Stand,
    /// Why, a line each; empty where it is as planned.
    pub reasons: Vec<String>,
}

/// Looks at every object that a plan touched.
pub(crate) async fn objects(
    cluster: &Cluster,
    plan: &Plan,
    records: &[Record],
) -> Result<Vec<Check>, cluster::Error> {
    let mut checks = Vec::new();
    for it in touched(plan, records) {
        let live = cluster.get(&it.object).await?;
        checks.push(object(&it, content(plan, &it), live.as_ref()));
        checks.extend(live.as_ref().and_then(|live| component(&it.object, live)));
    }
    Ok(checks)
}

/// What the plan sent for an object last; nothing where it deleted it.
fn content<'a>(plan: &'a Plan, restoration: &Restoration) -> Option<&'a Value> {
    let actions = plan.steps.iter().flat_map(|it| &it.actions);
    let mut sent = actions.filter_map(|action| match action {
        Action::Apply {
            object, manifest, ..
        }
        | Action::Replace {
            object, manifest, ..
        } if *object == restoration.object => Some(manifest),
        _ => None,
    });
    sent.next_back()
}

/// How one object stands.
fn object(it: &Restoration, content: Option<&Value>, live: Option<&Value>) -> Check {
    let (stand, reasons) = match (&it.left, live) {
        _ if !it.ended => (
            Stand::Unknown,
            vec!["the journal does not say that it was written".to_owned()],
        ),
        (None, None) => (Stand::AsPlanned, Vec::new()),
        (None, Some(live)) if cluster::is_going(live) => {
            (Stand::Differs, vec!["it is still being deleted".to_owned()])
        }
        (None, Some(_)) => (
            Stand::Differs,
            vec!["the upgrade deleted it, and it is there".to_owned()],
        ),
        (Some(_), None) => (Stand::Differs, vec!["it is gone".to_owned()]),
        (Some(left), Some(live)) if *left == relevant(live, None) => (Stand::AsPlanned, Vec::new()),
        (Some(_), Some(live)) => (Stand::Differs, changed(it, content, live)),
    };
    Check {
        subject: Subject::Object,
        object: it.object.clone(),
        stand,
        reasons,
    }
}

/// How an object differs from what was stored, and who changed it.
fn changed(restoration: &Restoration, content: Option<&Value>, live: &Value) -> Vec<String> {
    let stored = restoration
        .former
        .as_ref()
        .zip(restoration.stored.as_ref())
        .map(|(former, stored)| fields::patched(former, stored));
    let live_plain = plain(live);
    let theirs = |difference: &Difference| fields::author(live, &difference.path);
    let found: Vec<(Difference, Option<Author>)> = match (stored, content) {
        (Some(stored), _) => fields::differences(Some(&plain(&stored)), Some(&live_plain))
            .into_iter()
            .filter(|it| !is_a_controllers(it))
            .map(|it| (theirs(&it), it))
            .map(|(author, it)| (it, author))
            .collect(),
        // What the server made of a new object is not kept: what others have written over what was sent tells it.
        (None, Some(content)) => fields::differences(Some(content), Some(&live_plain))
            .into_iter()
            .filter(|it| it.from.is_some())
            .filter_map(|it| {
                let author = theirs(&it);
                let others = author.as_ref().is_none_or(|it| {
                    ![FIELD_MANAGER, copy::MANAGER].contains(&it.manager.as_str())
                });
                others.then_some((it, author))
            })
            .collect(),
        (None, None) => Vec::new(),
    };
    if found.is_empty() {
        return vec!["it was changed since, in fields that the upgrade did not write".to_owned()];
    }
    let told = |(it, author): &(Difference, Option<Author>)| {
        let path = fields::path(&it.path);
        let value = |it: &Option<Value>| shown(&path, it.as_ref());
        let by = by(author.as_ref());
        match (&it.from, &it.to) {
            (Some(_), None) => format!("{path} is gone, it was {}{by}", value(&it.from)),
            (None, _) => format!("{path} is new: {}{by}", value(&it.to)),
            (Some(_), Some(_)) => {
                format!("{path} is {}, not {}{by}", value(&it.to), value(&it.from))
            }
        }
    };
    found.iter().map(told).collect()
}

/// Whether a workload that the upgrade wrote runs as it is written.
fn component(object: &Ref, live: &Value) -> Option<Check> {
    let state = match object.kind.as_str() {
        "Deployment" => deployment(live),
        "DaemonSet" => daemon_set(live),
        "StatefulSet" => stateful_set(live),
        _ => return None,
    };
    let (stand, reasons) = match state {
        State::Ready => (Stand::AsPlanned, Vec::new()),
        State::Pending(why) | State::Failed(why) => (Stand::Differs, vec![why]),
        State::Troubled(trouble) => (Stand::Differs, vec![trouble.words]),
    };
    Some(Check {
        subject: Subject::Component,
        object: object.clone(),
        stand,
        reasons,
    })
}

/// Looks at the proxies. `again` is what planning the same target again says of the cluster as it is now: workloads that it
/// would restart do not run the target's proxy.
///
/// A proxy is ready only after it has taken its listeners and clusters from istiod, and has not lost them since
/// (1.30.3:pilot/cmd/pilot-agent/status/ready/probe.go), so what is ready is in sync.
pub fn proxies(again: &Outcome, snapshot: &Snapshot) -> Vec<Check> {
    let stale = again.restarts.iter().filter_map(|it| {
        let old = old(it, again)?;
        Some((
            it.object.clone(),
            format!(
                "{old} of {} pods run another proxy ({})",
                it.pods,
                it.reason.words()
            ),
        ))
    });
    // Workloads in the order of the plan, then those of the snapshot.
    let mut places: BTreeMap<Ref, usize> = BTreeMap::new();
    let mut reasons: Vec<(Ref, Vec<String>)> = Vec::new();
    let mut add = |object: Ref, reason: Option<String>| {
        let place = *places.entry(object).or_insert_with_key(|object| {
            reasons.push((object.clone(), Vec::new()));
            reasons.len() - 1
        });
        if let Some(it) = reasons.get_mut(place) {
            it.1.extend(reason);
        }
    };
    for (object, why) in stale {
        add(object, Some(why));
    }
    for pod in snapshot.pods.values().filter(|it| is_active(it)) {
        if proxy_container(pod).is_none() {
            continue;
        }
        let version = of_proxy(snapshot, pod).map_or("unknown".to_owned(), |it| it.to_string());
        let why = (!pod.ready).then(|| format!("pod {} ({version}) is not ready", pod.name));
        add(controller(snapshot, pod).object, why);
    }
    reasons
        .into_iter()
        .map(|(object, reasons)| Check {
            subject: Subject::Proxies,
            object,
            stand: if reasons.is_empty() {
                Stand::AsPlanned
            } else {
                Stand::Differs
            },
            reasons,
        })
        .collect()
}

/// Pods of a workload whose proxy is not the target's.
fn old(restart: &Restart, again: &Outcome) -> Option<u32> {
    let target = again.target.version.as_deref()?;
    let old = restart.proxies.iter().filter(|it| it.0 != target);
    Some(old.map(|it| it.1).sum()).filter(|it| *it > 0)
}

#[cfg(test)]
mod tests;
