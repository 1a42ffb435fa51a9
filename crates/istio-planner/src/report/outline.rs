//! What a reader is told first: findings in the order of what has to be done about them, and changes with the real ones
//! first.

use super::changes::is_stamp;
use super::words;
use crate::outcome::{Change, ChangeClass, FieldChange, Finding, Level, Outcome, Restart};
use crate::rules::Code;

/// Findings about what only people can do.
const BY_HAND: [Code; 3] = [
    Code::ManualRestart,
    Code::OrphansLeft,
    Code::RevisionTagStale,
];

/// Findings about what would be gone afterwards.
const LOST: [Code; 9] = [
    Code::SettingsReverted,
    Code::SettingsUnknown,
    Code::EditsOverwritten,
    Code::ScaleReset,
    Code::FieldsLost,
    Code::ObjectsRefused,
    Code::ObjectsIgnored,
    Code::GatewayListReplaced,
    Code::ImmutableField,
];

/// Findings, each in one place.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    /// What stands against it, or is worth a decision.
    pub(super) decide: Vec<&'a Finding>,
    /// What no plan does.
    pub(super) by_hand: Vec<&'a Finding>,
    /// What would be gone.
    pub(super) lost: Vec<&'a Finding>,
    /// Good to know.
    pub(super) known: Vec<&'a Finding>,
}

impl<'a> Outline<'a> {
    /// Puts the findings of an outcome in their places.
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let mut outline = Self::default();
        for finding in &outcome.findings {
            let code = Code::parse(&finding.code);
            let is = |codes: &[Code]| code.is_some_and(|it| codes.contains(&it));
            let place = match finding.level {
                _ if finding.accepted.is_some() => &mut outline.known,
                Level::Block | Level::Unknown => &mut outline.decide,
                _ if is(&BY_HAND) => &mut outline.by_hand,
                _ if is(&LOST) => &mut outline.lost,
                Level::Warn => &mut outline.decide,
                Level::Info => &mut outline.known,
            };
            place.push(finding);
        }
        outline
    }
}

/// A change with the fields worth showing.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) change: &'a Change,
    pub(super) fields: Vec<&'a FieldChange>,
}

/// Changes, the real ones first.
#[derive(Debug, Default)]
pub(super) struct Digest<'a> {
    /// What is more than a name of a release in labels, the heaviest class first.
    pub(super) real: Vec<Shown<'a>>,
    /// Objects that only get the release's name in their labels.
    pub(super) stamped: usize,
    unchanged: usize,
}

/// Classes by weight.
const CLASSES: [ChangeClass; 6] = [
    ChangeClass::Replace,
    ChangeClass::Delete,
    ChangeClass::TakeOver,
    ChangeClass::Change,
    ChangeClass::Create,
    ChangeClass::Orphan,
];

impl<'a> Digest<'a> {
    /// Sorts changes; objects of a class keep their order.
    pub(super) fn of(changes: &'a [Change]) -> Self {
        let mut digest = Self::default();
        for change in changes {
            let fields: Vec<_> = change.fields.iter().filter(|it| !is_stamp(it)).collect();
            if change.class == ChangeClass::Unchanged {
                digest.unchanged += 1;
            } else if change.class == ChangeClass::Change
                && fields.is_empty()
                && !change.fields.is_empty()
            {
                digest.stamped += 1;
            } else {
                digest.real.push(Shown { change, fields });
            }
        }
        let weight = |it: &Shown| CLASSES.iter().position(|class| *class == it.change.class);
        digest.real.sort_by_key(weight);
        digest
    }

    /// `3 created, 9 changed, 33 with new version labels only`.
    pub(super) fn tally(&self) -> String {
        let mut parts = Vec::new();
        for class in [
            ChangeClass::Create,
            ChangeClass::Change,
            ChangeClass::TakeOver,
            ChangeClass::Replace,
            ChangeClass::Delete,
            ChangeClass::Orphan,
        ] {
            let number = self
                .real
                .iter()
                .filter(|it| it.change.class == class)
                .count();
            if number > 0 {
                parts.push(format!("{number} {}", words::class(class)));
            }
        }
        if self.stamped > 0 {
            parts.push(format!("{} with new version labels only", self.stamped));
        }
        if self.unchanged > 0 {
            parts.push(format!("{} unchanged", self.unchanged));
        }
        parts.join(", ")
    }
}

/// Workloads of one namespace that are restarted in one way.
#[derive(Debug)]
pub(super) struct Folded<'a> {
    pub(super) namespace: &'a str,
    pub(super) workloads: usize,
    pub(super) pods: u32,
    pub(super) how: &'static str,
}

/// Folds workloads by namespace and way, in the order of their first appearance.
pub(super) fn by_namespace(restarts: &[Restart]) -> Vec<Folded<'_>> {
    let mut all: Vec<Folded> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for it in restarts {
        let namespace = it.object.namespace.as_deref().unwrap_or_default();
        let how = words::how(it.how);
        let place = *places.entry((namespace, how)).or_insert_with(|| {
            all.push(Folded {
                namespace,
                workloads: 0,
                pods: 0,
                how,
            });
            all.len() - 1
        });
        if let Some(folded) = all.get_mut(place) {
            folded.workloads += 1;
            folded.pods += it.pods;
        }
    }
    all
}
