//! How a row of the table of rules becomes a module, a code, its explanation and a check.

use super::Situation;
use crate::outcome::Finding;

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

/// Makes modules, codes, names, explanations and the list of checks from one table.
///
/// A row is `module Variant "code" (runs) "Summary.";`, where `runs` is `once` or `hops` (once, and for every hop),
/// and `hides_nothing` after it says that no block could hide behind a finding of level `unknown`.
macro_rules! rules {
    ($($module:ident $variant:ident $name:literal ($runs:ident $($hides:ident)?) $doc:literal;)*) => {
        $(pub(crate) mod $module;)*

        /// What a finding is called. The list is closed: a new rule is a new row of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $doc] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the code as it is printed, stable and in kebab-case.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it means.
            pub(crate) fn explanation(self) -> Explanation {
                match self {
                    $(Self::$variant => $module::EXPLANATION,)*
                }
            }

            /// Whether a block could hide behind the missing evidence, so that the verdict cannot be `clear`.
            ///
            /// Only asked of findings of level `unknown`. Missing managedFields hide no block: what they show
            /// (take-overs, scale resets) is of level `warn`.
            pub(crate) fn could_hide_a_block(self) -> bool {
                match self {
                    $(Self::$variant => $crate::rules::table::hides!($($hides)?),)*
                }
            }
        }

        /// Every code with its check.
        const RULES: &[(Code, Runs)] = &[
            $((Code::$variant, $crate::rules::table::runs!($runs $module)),)*
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
