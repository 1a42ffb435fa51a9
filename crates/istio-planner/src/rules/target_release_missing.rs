//! `target-release-missing`: the target's release was not found, so nothing was rendered.

use super::Code;
use super::Explanation;
use super::Situation;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target's release archive was not found, so its manifests were not rendered.",
    why: "Changes, restarts and the target's own validation of the request are missing in this outcome.",
    settle: "Give the release archive, or the folder that holds it, with `--releases`.",
    source: "1.31:operator/pkg/render/manifest.go:283-368 (profiles and charts are what is rendered)",
    link: Some("https://github.com/istio/istio/releases"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let missing = situation.to.filter(|_| !situation.found.target).map(|to| {
        Finding::new(
            Code::TargetReleaseMissing,
            Level::Unknown,
            format!("The release archive of Istio {to} was not found"),
            "Nothing was rendered: the changes of objects and the target's own validation of the request are missing here, and \
             restarts are told by today's webhooks",
        )
        .about([Subject::flag("--to").value(to.to_string())])
        .fix(format!("Give istio-{to}.tar.gz, or the folder that holds it, with `--releases`"))
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
        assert!(cluster.check(check).is_empty());
        cluster.found.target = false;
        assert_eq!(cluster.codes(check), ["target-release-missing Unknown"]);
    }
}
