//! Where proposals of the page wait for the terminal: one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use istio_planner::{Request, RequestFile};
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::output::stream::Verb;

/// An upgrade or downgrade, as the page asks for it. What it planned is not taken: the executor plans again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upgrade {
    /// The version to go to.
    pub to: String,
    /// `IstioOperator` files, in order.
    #[serde(default)]
    pub files: Vec<RequestFile>,
    /// `--set` lines, in order.
    #[serde(default)]
    pub sets: Vec<String>,
    /// The namespace of the control plane, where the cluster holds several.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Go on although a finding blocks. The terminal says so, and asks for another word.
    #[serde(default)]
    pub force: bool,
    /// Restart the proxies of workloads too.
    #[serde(default)]
    pub restart: bool,
}

impl Upgrade {
    /// Returns what the planner is asked.
    pub fn request(&self) -> Request {
        Request {
            to: self.to.clone(),
            files: self.files.clone(),
            sets: self.sets.clone(),
            namespace: self.namespace.clone(),
            force: self.force,
            ..Request::default()
        }
    }
}

/// A restart of proxies, as the page asks for it; the words are those of `refit restart`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restart {
    /// Only these workloads: `KIND/NAMESPACE/NAME`, `KIND/NAMESPACE` or a namespace. None means all.
    #[serde(default)]
    pub workloads: Vec<String>,
    /// Workloads that are restarted at the same time: a number or a percentage.
    #[serde(default)]
    pub wave: Option<String>,
    /// Pause between two waves, as Go writes durations.
    #[serde(default)]
    pub pause: Option<String>,
    /// The namespace of the control plane, where the cluster holds several.
    #[serde(default)]
    pub namespace: Option<String>,
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
