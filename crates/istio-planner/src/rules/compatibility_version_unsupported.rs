//! `compatibility-version-unsupported`: charts fail on a compatibility version that they do not ship (domain §1.6).
//!
//! One that the installation has and the request no longer names does not fail: its defaults change at once, which is
//! worth a warning.

use super::Code;
use super::Explanation;
use super::links::COMPATIBILITY;
use super::{Situation, enumerate};
use crate::customisation;
use crate::edit::{Edit, Fix};
use crate::input::Said;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A compatibility version, asked for or set at the installation, is one that the target does not ship.",
    why: "Rendering fails in every chart (`unknown compatibility version`). Each release ships only the last few.",
    settle: "Choose one that the finding lists, or none, and read the defaults that change with it.",
    source: "TARGET:manifests/zzz_profile.yaml, files/profile-compatibility-version-*.yaml",
    link: COMPATIBILITY,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(to), Some(facts)) = (situation.to, situation.facts) else {
        return Vec::new();
    };
    let shipped = |said: &Said| facts.compatibility_versions.contains(&said.value);
    let choice = match facts.compatibility_versions.as_slice() {
        [] => format!("{to} ships none"),
        versions => format!("{to} ships {}", enumerate(versions)),
    };
    if let Some(said) = &situation.asked.compatibility_version {
        // An empty text is none: the charts test for truth.
        if said.value.is_empty() || shipped(said) {
            return Vec::new();
        }
        let finding = Finding::new(
            Code::CompatibilityVersionUnsupported,
            Level::Block,
            format!(
                "Istio {to} does not ship compatibility version {}",
                said.value
            ),
            format!("Every chart refuses it; {choice}"),
        );
        return vec![
            finding
                .about([said.place.clone()])
                .fix("Choose one that is shipped, or leave it out")
                .by(fixes(said, &facts.compatibility_versions)),
        ];
    }
    let installed = situation
        .control_plane()
        .and_then(|plane| customisation::compatibility_version(situation.snapshot, plane));
    installed.filter(|it| !shipped(it)).map_or_else(Vec::new, |said| {
        let finding = Finding::new(
            Code::CompatibilityVersionUnsupported,
            Level::Warn,
            format!("The installation's compatibility version {} ends with this step", said.value),
            format!("The request does not name it, and could not: {choice}. All defaults that it held back change at once"),
        );
        vec![finding.about([said.place]).fix("Choose one that is shipped, or read the changed defaults")]
    })
}

/// The nearest one that is shipped, and none, where a file says it.
fn fixes(said: &Said, shipped: &[String]) -> Vec<Fix> {
    if said.place.line.is_none() {
        return Vec::new();
    }
    let path = match said
        .place
        .field
        .as_deref()
        .map(|it| it.strip_prefix("spec.").unwrap_or(it))
    {
        Some("values.compatibilityVersion") => "values.compatibilityVersion",
        _ => "compatibilityVersion",
    };
    let mut fixes = Vec::new();
    if let Some(oldest) = shipped.first() {
        let edit = Edit::Set {
            path: path.to_owned(),
            value: oldest.clone().into(),
        };
        fixes.push(Fix::one(format!("Set it to \"{oldest}\""), edit));
    }
    let edit = Edit::Remove {
        path: path.to_owned(),
    };
    fixes.push(Fix::one("Leave it out", edit));
    fixes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_version_that_the_target_does_not_ship_blocks() {
        let mut cluster = Cluster::new();
        cluster.file("spec:\n  compatibilityVersion: \"1.24\"\n");
        assert_eq!(
            cluster.codes(check),
            ["compatibility-version-unsupported Block"]
        );
        let mut cluster = Cluster::new();
        cluster.request.sets = vec!["values.compatibilityVersion=1.24".to_owned()];
        assert_eq!(
            cluster.codes(check),
            ["compatibility-version-unsupported Block"]
        );
    }

    #[test]
    fn a_shipped_version_and_none_are_accepted() {
        let mut cluster = Cluster::new();
        assert!(cluster.check(check).is_empty());
        cluster.request.sets = vec!["compatibilityVersion=1.29".to_owned()];
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn an_installed_version_that_ends_is_worth_a_warning() {
        let mut cluster = Cluster::new();
        cluster.object(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "values", "namespace": "istio-system"},
            "data": {"original-values": "{\"compatibilityVersion\": \"1.24\"}"},
        }));
        assert_eq!(
            cluster.codes(check),
            ["compatibility-version-unsupported Warn"]
        );
    }
}
