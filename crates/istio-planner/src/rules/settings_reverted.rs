//! `settings-reverted`: what the request does not repeat falls back (domain §7.4, F-27).

use super::Code;
use super::Explanation;
use super::links::UPGRADE;
use super::{Situation, count, enumerate};
use crate::edit::{Edit, Fix};
use crate::outcome::{Finding, Level};

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

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    let reverted = it.reverted;
    if reverted.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<_> = reverted
        .iter()
        .take(NAMED)
        .map(|it| it.path.clone())
        .collect();
    if let Some(more) = reverted.len().checked_sub(NAMED).filter(|it| *it > 0) {
        names.push(format!("{more} more"));
    }
    let finding = Finding::new(
        Code::SettingsReverted,
        Level::Warn,
        format!(
            "The request would revert {} of the installation",
            count(reverted.len(), "setting")
        ),
        format!(
            "Set now, and neither in the request nor a default of the target: {}",
            enumerate(&names)
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
    vec![finding.about(evidence).by([keep]).fix("Add them to the request; `refit recover` writes the request that reproduces the installation")]
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
    fn nothing_reverted_is_nothing_to_say() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
