//! `target-release-missing`: the target's release is not at hand, so nothing was rendered.

use super::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target's release archive is not at hand, so its manifests were not rendered.",
    why: "Changes, restarts and the target's own validation of the request are missing in this outcome.",
    settle: "Give the release archive, or the folder that holds it, with `--releases`.",
    source: "1.31:operator/pkg/render/manifest.go:283-368 (profiles and charts are what is rendered)",
    link: Some("https://github.com/istio/istio/releases"),
};
