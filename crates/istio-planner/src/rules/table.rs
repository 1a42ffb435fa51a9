//! How a row of the table of codes becomes a module, its explanation and a check.

use super::{Explanation, Situation};
use crate::outcome::{Code, Finding, Level};

/// What a rule is called with, and gives.
pub(super) type Check = fn(&Situation) -> Vec<Finding>;

/// When a rule is asked.
#[derive(Clone, Copy)]
pub(super) enum Runs {
    /// Once for a plan.
    Once(Check),
    /// For a plan, and for each hop of a longer way: it speaks of a release alone.
    PerHop(Check),
}

impl Runs {
    /// The check, for a plan.
    pub(super) fn once(self) -> Check {
        match self {
            Self::Once(check) | Self::PerHop(check) => check,
        }
    }

    /// The check, for a hop.
    pub(super) fn per_hop(self) -> Option<Check> {
        match self {
            Self::PerHop(check) => Some(check),
            Self::Once(_) => None,
        }
    }
}

/// A rule.
pub(super) struct Rule {
    /// What its findings are called.
    pub(super) code: Code,
    /// What they weigh unless the cluster says otherwise.
    pub(super) level: Level,
    /// What they mean.
    pub(super) explanation: Explanation,
    /// Whether a block could hide behind the missing evidence, so that the verdict cannot be `clear`.
    ///
    /// Only asked of findings of level `unknown`. Missing managedFields hide no block: what they show
    /// (take-overs, scale resets) is of level `warn`.
    pub(super) could_hide_a_block: bool,
    /// Its check.
    pub(super) runs: Runs,
}

/// Makes modules and the list of rules from the rows of the table of codes.
macro_rules! rules {
    (
        rules { $($module:ident $variant:ident $name:literal $level:ident ($runs:ident $($hides:ident)?) $doc:literal;)* }
        notes { $($note:tt)* }
    ) => {
        $(pub(crate) mod $module;)*

        /// Every rule, in the order of the table.
        const RULES: &[Rule] = &[
            $(Rule {
                code: Code::$variant,
                level: Level::$level,
                explanation: $module::EXPLANATION,
                could_hide_a_block: $crate::rules::table::hides!($($hides)?),
                runs: $crate::rules::table::runs!($runs $module),
            },)*
        ];
    };
}

macro_rules! hides {
    () => {
        true
    };
    (hides_nothing) => {
        false
    };
}

macro_rules! runs {
    (once $module:ident) => {
        Runs::Once($module::check)
    };
    (hops $module:ident) => {
        Runs::PerHop($module::check)
    };
}

pub(super) use {hides, rules, runs};
