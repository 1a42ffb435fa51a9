//! What a reader is told first: findings in the order of what has to be done about them, and changes with the real ones
//! first.

use super::changes::is_stamp;
use super::words;
use crate::outcome::{Change, ChangeClass, Code, FieldChange, Finding, Level, Outcome, Restart};
use crate::words::count;

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

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Decide,
    ByHand,
    Lost,
    Known,
}

impl Place {
    /// The place of a finding.
    pub(super) fn new(finding: &Finding) -> Self {
        let is = |codes: &[Code]| codes.contains(&finding.code);
        match finding.level {
            _ if finding.accepted.is_some() => Self::Known,
            Level::Block | Level::Unknown => Self::Decide,
            _ if is(&BY_HAND) => Self::ByHand,
            _ if is(&LOST) => Self::Lost,
            Level::Warn => Self::Decide,
            Level::Info => Self::Known,
        }
    }
}

impl<'a> Outline<'a> {
    /// Puts the findings of an outcome in their places.
    pub(super) fn new(outcome: &'a Outcome) -> Self {
        let mut outline = Self::default();
        for finding in &outcome.findings {
            let place = match Place::new(finding) {
                Place::Decide => &mut outline.decide,
                Place::ByHand => &mut outline.by_hand,
                Place::Lost => &mut outline.lost,
                Place::Known => &mut outline.known,
            };
            place.push(finding);
        }
        outline
    }

    /// How much would be gone, each setting for itself.
    pub(super) fn lost_number(&self, outcome: &Outcome) -> usize {
        let settings = outcome.reverted.len();
        let told = |it: &&&Finding| settings == 0 || it.code != Code::SettingsReverted;
        self.lost.iter().filter(told).count() + settings
    }

    /// `3 to decide`, `2 would be lost`, `1 by hand`: what is left to people.
    pub(super) fn left(&self, outcome: &Outcome) -> Vec<String> {
        let all = [
            (self.decide.len(), "to decide"),
            (self.lost_number(outcome), "would be lost"),
            (self.by_hand.len(), "by hand"),
        ];
        let some = all.iter().filter(|it| it.0 > 0);
        some.map(|(number, words)| format!("{number} {words}"))
            .collect()
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
    pub(super) stamped: Vec<&'a Change>,
    unchanged: usize,
}

/// Whether all that changes of an object is the release's name in its labels.
pub(super) fn is_stamped(change: &Change) -> bool {
    change.class == ChangeClass::Change
        && !change.fields.is_empty()
        && change.fields.iter().all(is_stamp)
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
    pub(super) fn new(changes: &'a [Change]) -> Self {
        let mut digest = Self::default();
        for change in changes {
            let fields: Vec<_> = change.fields.iter().filter(|it| !is_stamp(it)).collect();
            if change.class == ChangeClass::Unchanged {
                digest.unchanged += 1;
            } else if is_stamped(change) {
                digest.stamped.push(change);
            } else {
                digest.real.push(Shown { change, fields });
            }
        }
        let weight = |it: &Shown| CLASSES.iter().position(|class| *class == it.change.class);
        sorted::sort_by_key(&mut digest.real, weight);
        digest
    }

    /// `12 changes`: the real ones.
    pub(super) fn number(&self) -> Option<String> {
        let number = self.real.len();
        (number > 0).then(|| count(number, "change"))
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
        if !self.stamped.is_empty() {
            let number = self.stamped.len();
            parts.push(format!("{number} with new version labels only"));
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
    let mut places = sorted::SortedMap::new();
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
