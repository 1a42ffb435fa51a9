//! Where proposals of the page wait for the terminal: one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use istio_planner::dataplane::Share;
use istio_planner::{Request, RequestFile};
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::cluster::{is_label, is_segment};
use crate::output::stream::Verb;
use crate::release::is_version;

/// No version, and no pace, is longer.
const SHORT: usize = 64;

/// Why something that the page asks for cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {wanted}")]
pub struct Unfit {
    /// The field of the request.
    field: &'static str,
    /// What would fit.
    wanted: &'static str,
}

/// Nothing passes that does not fit.
fn fits(field: &'static str, wanted: &'static str, fits: bool) -> Result<(), Unfit> {
    fits.then_some(()).ok_or(Unfit { field, wanted })
}

/// An upgrade or downgrade, as the page asks for it. What it planned is not taken: the executor plans again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export_to = "wire.ts", rename = "UpgradeWish")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upgrade {
    /// The version to go to.
    pub to: String,
    /// `IstioOperator` files, in order.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<RequestFile>>"))]
    pub files: Vec<RequestFile>,
    /// `--set` lines, in order.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub sets: Vec<String>,
    /// The namespace of the control plane, where the cluster holds several.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub namespace: Option<String>,
    /// Go on although a finding blocks. The terminal says so, and asks for another word.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub force: bool,
    /// Restart the proxies of workloads too.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub restart: bool,
    /// Objects to delete that would be left behind: `KIND/NAME` or `KIND/NAMESPACE/NAME`.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub prune: Vec<String>,
    /// Delete all of them but what is deleted by name only.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub prune_orphans: bool,
}

impl Upgrade {
    /// Returns the same if every name in it is one: what the terminal shows and asks about is a line, and what becomes a
    /// part of an address stays one.
    ///
    /// # Errors
    ///
    /// When a version, a namespace, a file's name or a setting is none.
    pub fn checked(self) -> Result<Self, Unfit> {
        let version = is_version(&self.to) && self.to.len() <= SHORT;
        fits("to", "a version, for example 1.30.3", version)?;
        namespace(self.namespace.as_deref())?;
        let is_line = |it: &str| !it.is_empty() && !it.contains(char::is_control);
        let names = self
            .files
            .iter()
            .all(|it| is_line(&it.name) && it.name.len() <= 255);
        fits("files", "names of files, each one line", names)?;
        let sets = self.sets.iter().all(|it| is_line(it) && it.contains('='));
        fits("sets", "settings as PATH=VALUE, each one line", sets)?;
        let prune = self.prune.iter().all(|it| is_object(it));
        fits("prune", "KIND/NAME or KIND/NAMESPACE/NAME", prune)?;
        Ok(self)
    }

    /// Returns what the planner is asked.
    pub fn request(&self) -> Request {
        Request {
            to: self.to.clone(),
            files: self.files.clone(),
            sets: self.sets.clone(),
            namespace: self.namespace.clone(),
            force: self.force,
            prune: self.prune.clone(),
            prune_orphans: self.prune_orphans,
            ..Request::default()
        }
    }
}

/// A restart of proxies, as the page asks for it; the words are those of `refit restart`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export_to = "wire.ts", rename = "RestartWish")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restart {
    /// Only these workloads: `KIND/NAMESPACE/NAME`, `KIND/NAMESPACE` or a namespace. None means all.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
    pub workloads: Vec<String>,
    /// Workloads that are restarted at the same time: a number or a percentage.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub wave: Option<String>,
    /// Pause between two waves, as Go writes durations.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub pause: Option<String>,
    /// The namespace of the control plane, where the cluster holds several.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub namespace: Option<String>,
}

impl Restart {
    /// Returns the same if every name in it is one.
    ///
    /// # Errors
    ///
    /// When a workload, a namespace or the pace is none.
    pub fn checked(self) -> Result<Self, Unfit> {
        namespace(self.namespace.as_deref())?;
        fits(
            "workloads",
            "KIND/NAMESPACE/NAME, KIND/NAMESPACE or a namespace",
            self.workloads.iter().all(|it| is_workload(it)),
        )?;
        let wave = self.wave.as_deref();
        let share = wave.is_none_or(|it| it.len() <= SHORT && it.parse::<Share>().is_ok());
        fits("wave", "a number or a percentage above 0", share)?;
        let pause = self.pause.as_deref();
        let pause = pause.is_none_or(|it| {
            it.len() <= SHORT
                && it
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'.')
        });
        fits("pause", "a duration, for example 1m30s", pause)?;
        Ok(self)
    }
}

fn namespace(name: Option<&str>) -> Result<(), Unfit> {
    fits(
        "namespace",
        "the name of a namespace",
        name.is_none_or(is_label),
    )
}

fn is_kind(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// `KIND/NAME` or `KIND/NAMESPACE/NAME`.
fn is_object(text: &str) -> bool {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [kind, name] => is_kind(kind) && is_segment(name),
        [kind, namespace, name] => is_kind(kind) && is_label(namespace) && is_segment(name),
        _ => false,
    }
}

/// `KIND/NAMESPACE/NAME`, `KIND/NAMESPACE` or a namespace.
fn is_workload(text: &str) -> bool {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [namespace] => is_label(namespace),
        [kind, namespace] => is_kind(kind) && is_label(namespace),
        [kind, namespace, name] => is_kind(kind) && is_label(namespace) && is_segment(name),
        _ => false,
    }
}

/// What the page wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// An upgrade or downgrade.
    Upgrade(Upgrade),
    /// A restart of proxies.
    Restart(Restart),
}

impl Wish {
    /// Returns what is wished for, in a word.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Upgrade(_) => Verb::Upgrade,
            Self::Restart(_) => Verb::Restart,
        }
    }
}

/// A wish that waits for the terminal. The desk takes another one when it is dropped.
#[derive(Debug)]
pub struct Proposal {
    /// From 1, in the order in which they came.
    pub id: u64,
    /// What is wished for.
    pub wish: Wish,
    _place: Place,
}

/// Why a proposal was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another one is not done.
    #[error("another proposal is being decided or carried out: wait until it has ended")]
    Busy,
    /// Nobody could confirm it.
    #[error(
        "refit serve has no terminal to ask on, so nothing can be applied: start it in a terminal"
    )]
    NoTerminal,
}

/// The page's side.
#[derive(Debug)]
pub struct Desk {
    proposals: mpsc::Sender<Proposal>,
    taken: Arc<AtomicBool>,
    attended: Arc<AtomicBool>,
    last: AtomicU64,
}

/// The terminal's side.
#[derive(Debug)]
pub struct Inbox {
    proposals: mpsc::Receiver<Proposal>,
    attended: Arc<AtomicBool>,
}

/// The desk's one place.
#[derive(Debug)]
struct Place(Arc<AtomicBool>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Makes a desk; where nobody attends to it, it takes nothing.
pub fn desk(attended: bool) -> (Desk, Inbox) {
    let (sender, receiver) = mpsc::channel(1);
    let attended = Arc::new(AtomicBool::new(attended));
    let desk = Desk {
        proposals: sender,
        taken: Arc::default(),
        attended: Arc::clone(&attended),
        last: AtomicU64::new(0),
    };
    let inbox = Inbox {
        proposals: receiver,
        attended,
    };
    (desk, inbox)
}

impl Desk {
    /// Whether somebody can confirm a proposal.
    pub fn is_attended(&self) -> bool {
        self.attended.load(Ordering::Acquire) && !self.proposals.is_closed()
    }

    /// Lays a wish before the terminal and returns the proposal's number.
    ///
    /// # Errors
    ///
    /// When another one is not done, or nobody can confirm it.
    pub fn propose(&self, wish: Wish) -> Result<u64, Refusal> {
        if !self.is_attended() {
            return Err(Refusal::NoTerminal);
        }
        if self.taken.swap(true, Ordering::AcqRel) {
            return Err(Refusal::Busy);
        }
        let place = Place(Arc::clone(&self.taken));
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let proposal = Proposal {
            id,
            wish,
            _place: place,
        };
        self.proposals
            .try_send(proposal)
            .map(|()| id)
            .map_err(|_| Refusal::NoTerminal)
    }
}

impl Inbox {
    /// Waits for the next proposal; never ends without one.
    pub async fn next(&mut self) -> Proposal {
        match self.proposals.recv().await {
            Some(proposal) => proposal,
            // The server is gone, so nobody proposes any more.
            None => std::future::pending().await,
        }
    }

    /// From now on nobody can confirm anything.
    pub fn leave(&self) {
        self.attended.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish::Restart(Restart::default())
    }

    #[tokio::test]
    async fn one_proposal_at_a_time_until_it_is_dropped() {
        let (desk, mut inbox) = desk(true);
        assert_eq!(desk.propose(wish()), Ok(1));
        assert_eq!(desk.propose(wish()), Err(Refusal::Busy));
        let first = inbox.next().await;
        assert_eq!(
            desk.propose(wish()),
            Err(Refusal::Busy),
            "while it is carried out"
        );
        drop(first);
        assert_eq!(desk.propose(wish()), Ok(2));
    }

    #[test]
    fn a_desk_that_nobody_attends_to_takes_nothing() {
        let (desk, inbox) = desk(false);
        assert_eq!(desk.propose(wish()), Err(Refusal::NoTerminal));
        drop(inbox);
        let (desk, inbox) = super::desk(true);
        inbox.leave();
        assert_eq!(desk.propose(wish()), Err(Refusal::NoTerminal));
    }

    #[test]
    fn only_names_are_names() {
        const STEERS: &str = "1.30.3\u{1b}[2J\nverdict: clear";
        let upgrade = |it: &str| serde_json::from_str::<Upgrade>(it).unwrap().checked();
        let restart = |it: &str| serde_json::from_str::<Restart>(it).unwrap().checked();
        for fine in [
            r#"{"to":"1.30.3"}"#,
            r#"{"to":"1.30.3","prune":["Service/istio-system/old","ClusterRole/istiod-old"],"pruneOrphans":true}"#,
            r#"{"to":"1.31.0-rc.0","namespace":"istio-system","sets":["a=b","c="],"files":[{"name":"my request.yaml","text":"spec:\n"}]}"#,
        ] {
            assert!(upgrade(fine).is_ok(), "{fine}");
        }
        for fine in [
            "{}",
            r#"{"workloads":["Deployment/shop/web","StatefulSet/shop","shop"],"wave":"25%","pause":"1m30s"}"#,
        ] {
            assert!(restart(fine).is_ok(), "{fine}");
        }
        for (field, value) in [
            ("to", serde_json::json!(STEERS)),
            ("to", serde_json::json!("")),
            (
                "to",
                serde_json::json!(format!("1.30.3-{}", "a".repeat(100))),
            ),
            ("namespace", serde_json::json!("../kube-system")),
            ("namespace", serde_json::json!("")),
            ("sets", serde_json::json!(["a=b\nhint: type yes"])),
            ("sets", serde_json::json!(["no setting"])),
            ("prune", serde_json::json!(["Service"])),
            ("prune", serde_json::json!(["Service/../old"])),
            ("prune", serde_json::json!([format!("Service/{STEERS}")])),
            ("files", serde_json::json!([{"name": STEERS, "text": ""}])),
        ] {
            let mut wish = serde_json::json!({"to": "1.30.3"});
            wish[field] = value;
            let error = upgrade(&wish.to_string()).unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
        for (field, value) in [
            ("workloads", serde_json::json!([STEERS])),
            ("workloads", serde_json::json!(["Deployment/shop/web/more"])),
            ("workloads", serde_json::json!(["Deployment/shop/a?b"])),
            ("namespace", serde_json::json!("a/b")),
            ("wave", serde_json::json!("0")),
            ("wave", serde_json::json!(STEERS)),
            ("pause", serde_json::json!("1s\u{202e}")),
        ] {
            let wish = serde_json::json!({ field: value });
            let error = restart(&wish.to_string()).unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    #[test]
    fn a_plan_of_the_page_is_no_wish() {
        let text = r#"{ "to": "1.30.3", "plan": { "steps": [] } }"#;
        let read = serde_json::from_str::<Upgrade>(text);
        assert!(
            read.unwrap_err()
                .to_string()
                .contains("unknown field `plan`")
        );
    }
}
