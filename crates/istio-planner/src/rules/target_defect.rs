//! `target-defect`: the very patch of the target has a known defect, and this cluster meets it.
//!
//! Each [`Defect`] is data: the patches that have it, the first patch of each minor without it, and a trigger that names
//! the objects it hits. Nothing is said of a defect whose trigger finds nothing.

mod meets;
mod table;

use istio_catalog::Version;

use super::{Explanation, Situation, enumerate};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;
use table::DEFECTS;

/// What `refit explain target-defect` says.
pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The patch asked for has a defect that its maintainers know, and this cluster has what triggers it.",
    why: "The defect shows during or after the upgrade, and neither the request nor a restart settles it; another patch of \
          the same minor does.",
    settle: "Take the patch that the finding names, or a newer one. Where there is none yet, follow what the finding says, \
             or stay at the source until there is.",
    source: "release notes of Istio by patch (releasenotes/notes/*.yaml), named by each finding",
    link: Some("https://istio.io/latest/news/releases/"),
};

/// A defect of exact patches.
struct Defect {
    /// What it is called, unique.
    id: &'static str,
    /// The patches that have it: minor, first patch, and the first patch without it, if there is one.
    patches: &'static [(u32, u32, Option<u32>)],
    /// How much it weighs.
    level: Level,
    /// What goes wrong, one sentence without full stop, after "Istio X".
    title: &'static str,
    /// What triggers it, and what comes of it.
    detail: &'static str,
    /// What to do where no patch is without it.
    otherwise: &'static str,
    /// Upstream's note or issue.
    source: &'static str,
    /// Finds what it hits.
    meets: fn(&Situation) -> Vec<Subject>,
}

/// Where a version stands to a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It has the defect; the patch without it, where there is one.
    Has(Option<u32>),
    /// It has not.
    Free,
}

impl Defect {
    fn stand(&self, version: &Version) -> Stand {
        self.patches
            .iter()
            .find(|(minor, first, until)| {
                version.major == 1
                    && version.minor == *minor
                    && version.patch >= *first
                    && until.is_none_or(|until| version.patch < until)
            })
            .map_or(Stand::Free, |(_, _, until)| Stand::Has(*until))
    }

    fn finding(&self, situation: &Situation, to: &Version) -> Option<Finding> {
        let Stand::Has(until) = self.stand(to) else {
            return None;
        };
        let subjects = (self.meets)(situation);
        if subjects.is_empty() {
            return None;
        }
        let take = until.map(|patch| Version::new(to.major, to.minor, patch));
        let fix = take.as_ref().map_or_else(
            || self.otherwise.to_owned(),
            |take| {
                format!(
                    "Take {take} or a newer patch of {}, which is without it",
                    to.minor_release()
                )
            },
        );
        let runs = situation
            .from
            .is_some_and(|it| self.stand(it) != Stand::Free);
        let runs = if runs {
            " The source has the same defect."
        } else {
            ""
        };
        let finding = Finding::new(
            Code::TargetDefect,
            self.level,
            format!("Istio {to} {}", self.title),
            format!(
                "{}.{runs} Known as {}, from {}",
                self.detail, self.id, self.source
            ),
        )
        .about(subjects)
        .fix(fix);
        Some(match take {
            Some(take) => finding.instead(&take),
            None => finding,
        })
    }
}

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    DEFECTS
        .iter()
        .filter_map(|defect| defect.finding(situation, to))
        .collect()
}

/// Returns the versions and numbers of proxies as words: `3 of 1.28.10 and 1 of 1.29.0`.
fn of_versions(versions: &sorted::SortedMap<Version, usize>) -> String {
    let words: Vec<_> = versions
        .iter()
        .map(|(version, pods)| format!("{pods} of {version}"))
        .collect();
    enumerate(&words)
}

#[cfg(test)]
mod tests;
