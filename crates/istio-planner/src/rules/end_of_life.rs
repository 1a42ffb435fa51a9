//! `end-of-life`: the target gets no fixes any more (istio.io, Supported Releases).
//!
//! Dates are `YYYY-MM-DD`, so that the order of texts is the order of time.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::SUPPORT;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target's minor release is past its end of support.",
    why: "It gets no security fixes.",
    settle: "Plan the next hops up to a supported release, and do not stay on this one.",
    source: "istio.io, Supported Releases (until six weeks after the release of the second next minor)",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(to), Some(facts), Some(today)) = (situation.to, situation.facts, situation.as_of)
    else {
        return Vec::new();
    };
    let Some(end) = facts.end_of_life.as_deref().filter(|end| *end < today) else {
        return Vec::new();
    };
    let minor = to.minor_release();
    let finding = Finding::new(
        Code::EndOfLife,
        Level::Warn,
        format!("Istio {minor} is past its end of support"),
        format!("Support ended {end}; there are no security fixes after that"),
    );
    let place = Subject::flag("--to").value(situation.request.to.clone());
    vec![
        finding
            .about([place])
            .fix("Plan the next hops up to a supported release"),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[track_caller]
    fn warned(end: &str, today: &str) -> bool {
        let mut cluster = Cluster::new();
        cluster.facts.as_mut().unwrap().end_of_life = Some(end.to_owned());
        cluster.as_of = Some(today.to_owned());
        cluster.codes(check) == ["end-of-life Warn"]
    }

    #[test]
    fn a_target_past_its_end_is_worth_a_warning() {
        assert!(warned("2027-02-10", "2027-02-11"));
    }

    #[test]
    fn the_day_itself_is_not_past() {
        assert!(!warned("2027-02-10", "2027-02-10"));
    }

    #[test]
    fn without_a_date_nothing_is_said() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
