//! `source-release-missing`: the source's release is not at hand, so settings cannot be told from its defaults.

use super::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The source's release archive is not at hand.",
    why: "Settings of the installation cannot be told from the defaults of the source, nor changed defaults be listed \
          in full.",
    settle: "Give the release archive, or the folder that holds it, with `--releases`.",
    source: "1.31:operator/pkg/render/manifest.go:283-368 (profiles and charts hold the defaults)",
    link: Some("https://github.com/istio/istio/releases"),
};
