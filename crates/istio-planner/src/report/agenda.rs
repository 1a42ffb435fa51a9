//! What is left to people, and which changes are real: for faces that lay an outcome out by themselves.
//!
//! The text says the same in words ([`super::Text`]); both are made from the one outline.

use serde::Serialize;
use sorted::SortedMap;

use super::changes::is_stamp;
use super::outline::{Digest, Outline, Place, is_stamped};
use crate::outcome::{ChangeClass, Code, Finding, Outcome, Verdict};

/// What is left to people, and which changes are real: places in the outcome's `findings` and `changes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Agenda {
    /// `decide` is between green and red: nothing stands against it, and something has to be decided first.
    #[cfg_attr(feature = "types", ts(inline))]
    pub state: State,
    /// For example `Clear, 3 to decide, 1 by hand`.
    pub title: String,
    /// Findings that stand against it, or are worth a decision.
    pub decide: Vec<usize>,
    /// Findings about what would be gone afterwards.
    pub lost: Vec<usize>,
    /// Findings about what no plan does.
    pub by_hand: Vec<usize>,
    /// Findings that are good to know.
    pub known: Vec<usize>,
    /// What in a request settles a finding, beside edits of its files; by the finding's place.
    pub choices: SortedMap<usize, Vec<Choice>>,
    /// Changes that are more than the release's name in labels.
    pub real: Vec<usize>,
    /// Changes that are no more than that.
    pub stamped: Vec<usize>,
    /// Of a change, by its place, the places of the fields that only name the release.
    pub stamps: SortedMap<usize, Vec<usize>>,
    /// For example `3 created, 9 changed, 33 with new version labels only`.
    pub tally: String,
}

/// How an outcome stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Nothing stands against it, and nothing has to be decided.
    Clear,
    /// Nothing stands against it, and something has to be decided first.
    Decide,
    /// A finding stands against it.
    Blocked,
    /// Evidence is missing.
    Unknown,
}

/// A part of a request that settles a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// What it does, in words.
    pub title: String,
    /// The version to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub to: Option<String>,
    /// The namespace of the control plane that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub namespace: Option<String>,
    /// An object to delete, as `--prune` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub prune: Option<String>,
    /// Delete all that is left behind but what is deleted by name only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<bool>"))]
    pub prune_orphans: bool,
}

/// Says what is left to people, and which changes are real.
pub fn agenda(outcome: &Outcome) -> Agenda {
    let places = |place: Place| {
        let all = outcome.findings.iter().enumerate();
        let own = all.filter(|(_, it)| Place::new(it) == place);
        own.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let changes = || outcome.changes.iter().enumerate();
    let touched = |stamped: bool| {
        changes()
            .filter(|(_, it)| it.class != ChangeClass::Unchanged && is_stamped(it) == stamped)
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    let stamps = changes().filter_map(|(at, it)| {
        let fields = it.fields.iter().enumerate();
        let own: Vec<usize> = fields.filter(|it| is_stamp(it.1)).map(|it| it.0).collect();
        (!own.is_empty()).then_some((at, own))
    });
    let outline = Outline::new(outcome);
    let left = outline.left(outcome);
    let (state, word) = match outcome.verdict {
        Verdict::Blocked => (State::Blocked, "Blocked"),
        Verdict::Unknown => (State::Unknown, "Unknown"),
        Verdict::Clear if outline.decide.is_empty() && outline.lost.is_empty() => {
            (State::Clear, "Clear")
        }
        Verdict::Clear => (State::Decide, "Clear"),
    };
    let title = match outcome.verdict {
        Verdict::Clear => [&[word.to_owned()][..], &left].concat().join(", "),
        Verdict::Blocked | Verdict::Unknown => word.to_owned(),
    };
    let choices = outcome.findings.iter().enumerate();
    let choices = choices.map(|(at, it)| (at, choices_of(it, outcome)));
    Agenda {
        state,
        title,
        decide: places(Place::Decide),
        lost: places(Place::Lost),
        by_hand: places(Place::ByHand),
        known: places(Place::Known),
        choices: choices.filter(|it| !it.1.is_empty()).collect(),
        real: touched(false),
        stamped: touched(true),
        stamps: stamps.collect(),
        tally: Digest::new(&outcome.changes).tally(),
    }
}

/// What in a request settles a finding.
fn choices_of(finding: &Finding, outcome: &Outcome) -> Vec<Choice> {
    if let Some(to) = &finding.instead {
        return vec![Choice {
            title: format!("Plan {to}"),
            to: Some(to.clone()),
            ..Choice::default()
        }];
    }
    match finding.code {
        Code::SeveralControlPlanes => namespaces(finding)
            .into_iter()
            .map(|namespace| Choice {
                title: format!("Plan the one in `{namespace}`"),
                namespace: Some(namespace),
                ..Choice::default()
            })
            .collect(),
        Code::OrphansLeft => {
            let all = outcome.changes.iter();
            let orphans = all.filter(|it| it.class == ChangeClass::Orphan);
            let each = orphans.map(|it| Choice {
                title: format!("Delete `{}`", it.object),
                prune: Some(it.object.argument()),
                ..Choice::default()
            });
            let together = Choice {
                title: "Delete all but gateways and definitions".to_owned(),
                prune_orphans: true,
                ..Choice::default()
            };
            std::iter::once(together).chain(each).collect()
        }
        _ => Vec::new(),
    }
}

/// The namespaces among which a request has to choose; none where one holds two, which no namespace tells apart.
fn namespaces(finding: &Finding) -> Vec<String> {
    let objects = finding.subjects.iter().filter_map(|it| it.object.as_ref());
    let all: Vec<String> = objects.filter_map(|it| it.namespace.clone()).collect();
    let mut once = all.clone();
    sorted::sort(&mut once);
    once.dedup();
    if once.len() == all.len() {
        once
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
