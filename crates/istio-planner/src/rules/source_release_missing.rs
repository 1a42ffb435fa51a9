//! `source-release-missing`: the source's release was not found, so settings cannot be told from its defaults.

use super::Code;
use super::Explanation;
use super::Situation;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The source's release archive was not found.",
    why: "Settings of the installation cannot be told from the defaults of the source, nor changed defaults be listed \
          in full.",
    settle: "Give the release archive, or the folder that holds it, with `--releases`.",
    source: "1.31:operator/pkg/render/manifest.go:283-368 (profiles and charts hold the defaults)",
    link: Some("https://github.com/istio/istio/releases"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    // Without a rendering, or without a control plane, nothing would be compared with the source's defaults.
    let compared = situation
        .control_plane()
        .and(situation.desired)
        .and(situation.from);
    let missing = compared.filter(|_| !situation.found.source).map(|from| {
        Finding::new(
            Code::SourceReleaseMissing,
            Level::Unknown,
            format!("The release archive of Istio {from} was not found"),
            "What the installation set is told from what the source would apply by default; without it some settings that \
             the request would revert can be missing here",
        )
        .about([Subject::flag("--releases").value(from.to_string())])
        .fix(format!("Give istio-{from}.tar.gz, or the folder that holds it, with `--releases`"))
    });
    missing.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_release_that_is_there_is_not_missed() {
        let mut cluster = Cluster::new();
        cluster.render("Pilot", serde_json::json!({}));
        assert!(cluster.check(check).is_empty());
        cluster.found.source = false;
        assert_eq!(cluster.codes(check), ["source-release-missing Unknown"]);
    }
}
