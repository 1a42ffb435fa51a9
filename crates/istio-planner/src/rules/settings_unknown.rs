//! `settings-unknown`: the installation has settings that the target does not know.

use super::Code;
use super::Explanation;
use super::links::CUSTOMISE;
use super::{Situation, enumerate};
use crate::customisation::Setting;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The installation was made with settings that the target release does not have.",
    why: "What they do ends with the apply: the target ignores them, or refuses a request that repeats them.",
    settle: "Look what takes their place in the target, before the upgrade or downgrade.",
    source: "TARGET:operator/pkg/apis",
    link: CUSTOMISE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let unknown = situation.unknown;
    let (Some(from), Some(to), false) = (situation.from, situation.to, unknown.is_empty()) else {
        return Vec::new();
    };
    let names: Vec<_> = unknown.iter().map(Setting::name).collect();
    let finding = Finding::new(
        Code::SettingsUnknown,
        Level::Warn,
        format!("The installation has settings that Istio {to} does not know"),
        format!(
            "Set now, by {from}: {}. What they do ends with the apply, and a request that repeats them is refused",
            enumerate(&names)
        ),
    );
    let evidence = unknown.iter().map(|it| it.evidence.clone());
    vec![
        finding
            .about(evidence)
            .fix("Look what says the same in the older release, or accept that their effect ends"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::customisation::Setting;
    use crate::outcome::Subject;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_setting_that_the_target_does_not_know_is_named() {
        let mut cluster = Cluster::new();
        assert!(cluster.check(check).is_empty());
        let path = ["values", "pilot", "old"].map(str::to_owned).to_vec();
        cluster
            .unknown
            .push(Setting::new(path, json!(true), Subject::default()));
        let findings = cluster.check(check);
        assert!(findings[0].detail.contains("values.pilot.old"));
    }
}
