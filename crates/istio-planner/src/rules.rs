//! The rules: one file for each code, which holds its explanation, its check, its words and its tests.
//!
//! A rule turns the [`Situation`] into findings, and none knows another; what several read or compute stands in a module
//! beside them. To add one, write `rules/CODE_WITH_UNDERSCORES.rs` with
//!
//! - `pub(crate) const EXPLANATION: Explanation`: what `refit explain CODE` prints,
//! - `pub(crate) fn check(it: &Situation) -> Vec<Finding>`: when it speaks, at which level, and in which words,
//! - its tests, the counter-case in which it stays silent among them ([`fixture`] has a healthy cluster for them),
//!
//! and register it by one row of the table of codes (`outcome/code.rs`).

mod authority;
mod budgets;
mod changes;
mod definitions;
mod diagnostics;
mod envoyfilter;
mod explanation;
pub(crate) mod export;
mod finding;
mod kubernetes;
mod links;
mod node_agents;
mod proxies;
mod remote;
mod situation;
mod table;
mod troubles;
mod vulnerable;
mod writes;

#[cfg(test)]
pub(crate) mod fixture;

use crate::outcome::{Finding, Level, codes};

pub use explanation::Explanation;
pub(crate) use export::{ALWAYS, is_kind, plural};
pub(crate) use finding::{locate, verdict};
pub(crate) use situation::*;

// What every rule reads and writes with.
pub(crate) use crate::input::Meant;
pub(crate) use crate::kubernetes::{group_of, text};
pub(crate) use crate::outcome::Code;
pub(crate) use crate::words::{count, enumerate};
pub(crate) use istio_catalog::DEFAULT_REVISION;
use table::{Rule, Runs, rules};

codes!(rules);

/// Returns what a rule's code means; `None` for that of a note.
pub(crate) fn explanation(code: Code) -> Option<Explanation> {
    RULES
        .iter()
        .find(|it| it.code == code)
        .map(|it| it.explanation)
}

/// Returns what findings of a rule's code weigh unless the cluster says otherwise; `None` for that of a note.
pub(crate) fn level(code: Code) -> Option<Level> {
    RULES.iter().find(|it| it.code == code).map(|it| it.level)
}

/// Runs every rule. The findings are in no order yet.
pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let rules = RULES.iter().map(|it| it.runs.once());
    rules.flat_map(|rule| rule(situation)).collect()
}

/// Runs the rules that speak of a release alone, for one hop of a longer way. The findings are sorted.
pub(crate) fn check_hop(situation: &Situation) -> Vec<Finding> {
    let rules = RULES.iter().filter_map(|it| it.runs.per_hop());
    let mut findings = rules.flat_map(|rule| rule(situation)).collect::<Vec<_>>();
    crate::outcome::sort(&mut findings);
    findings
}
