//! `settings-reverted`: what the request does not repeat falls back (domain §7.4, F-27).

use super::Code;
use super::Explanation;
use super::links::UPGRADE;
use super::{Situation, count, enumerate};
use crate::edit::{Edit, Fix};
use crate::outcome::{Finding, Level, Reverted};
use istio_catalog::Version;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Settings of the installation are missing in the request, so the apply would set them back.",
    why: "istioctl keeps no record of what an installation was asked for. Whatever is not asked for again falls back to \
          the default, without a word.",
    settle: "Add the settings that `reverted` lists to the request, or let `refit recover` write the request that \
             reproduces the installation.",
    source: "istio.io, Upgrade with Istioctl (\"pass the same -f and --set\")",
    link: UPGRADE,
};

/// Paths that the detail names.
const NAMED: usize = 5;

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    // What the request says otherwise is meant; what it does not say falls back.
    let (changed, forgotten): (Vec<_>, Vec<_>) = situation
        .reverted
        .iter()
        .partition(|it| it.request.is_some());
    [
        self::forgotten(&forgotten, situation),
        self::changed(&changed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn names(reverted: &[&Reverted]) -> Vec<String> {
    let mut names: Vec<_> = reverted
        .iter()
        .take(NAMED)
        .map(|it| it.path.clone())
        .collect();
    if let Some(more) = reverted.len().checked_sub(NAMED).filter(|it| *it > 0) {
        names.push(format!("{more} more"));
    }
    names
}

fn forgotten(reverted: &[&Reverted], situation: &Situation) -> Option<Finding> {
    if reverted.is_empty() {
        return None;
    }
    let version = |it: Option<&Version>| it.map(ToString::to_string).unwrap_or_default();
    let finding = Finding::new(
        Code::SettingsReverted,
        Level::Warn,
        format!(
            "The request would revert {} of the installation",
            count(reverted.len(), "setting")
        ),
        format!(
            "Set now, and neither in the request nor a default of {}: {}",
            version(situation.to),
            enumerate(&names(reverted))
        ),
    );
    let evidence = reverted.iter().flat_map(|it| it.evidence.iter().cloned());
    let edits = reverted.iter().map(|it| Edit::Set {
        path: it.path.clone(),
        value: it.live.clone(),
    });
    let keep = Fix {
        title: format!("Keep {}", count(reverted.len(), "setting")),
        edits: edits.collect(),
    };
    Some(finding.about(evidence).by([keep]).fix("Add them to the request; `refit recover` writes the request that reproduces the installation"))
}

fn changed(reverted: &[&Reverted]) -> Option<Finding> {
    if reverted.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Code::SettingsReverted,
        Level::Info,
        format!(
            "The request changes {} of the installation on purpose",
            count(reverted.len(), "setting")
        ),
        format!(
            "The request itself sets them to another value than today's: {}",
            enumerate(&names(reverted))
        ),
    );
    let evidence = reverted.iter().flat_map(|it| it.evidence.iter().cloned());
    Some(
        finding
            .about(evidence)
            .fix("Nothing is to be done where that is meant; `reverted` lists both values"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::outcome::Reverted;
    use crate::rules::fixture::Cluster;

    #[test]
    fn reverted_settings_are_named() {
        let mut cluster = Cluster::new();
        let reverted = |path: &str| Reverted {
            path: path.to_owned(),
            live: json!(1),
            request: None,
            default: None,
            evidence: Vec::new(),
        };
        cluster.reverted = ["a", "b", "c", "d", "e", "f"].map(reverted).to_vec();
        let findings = cluster.check(check);
        assert_eq!(
            findings[0].title,
            "The request would revert 6 settings of the installation"
        );
        assert!(findings[0].detail.ends_with("a, b, c, d, e and 1 more"));
    }

    #[test]
    fn what_the_request_sets_otherwise_is_a_change_of_its_own() {
        let mut cluster = Cluster::new();
        let reverted = |path: &str, request| Reverted {
            path: path.to_owned(),
            live: json!(1),
            request,
            default: None,
            evidence: Vec::new(),
        };
        cluster.reverted = vec![reverted("a", None), reverted("b", Some(json!(2)))];
        assert_eq!(
            cluster.codes(check),
            ["settings-reverted Warn", "settings-reverted Info"]
        );
        let findings = cluster.check(check);
        assert!(findings[0].detail.ends_with(": a") && findings[1].detail.ends_with(": b"));
    }

    #[test]
    fn nothing_reverted_is_nothing_to_say() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
