//! `request-meaning-changed`: 1.24 reads an `IstioOperator` otherwise than 1.23 did (domain §1.2, F-13).

use istio_catalog::Minor;
use kube_yaml::{Node, NodeValue};

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::CUSTOMISE;
use crate::input::place;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target's istioctl reads this request otherwise than the source's did.",
    why: "1.24 rewrote the merge: gateway lists are replaced instead of merged by name, a component without `enabled` \
          is on, `spec.namespace` is ignored, a profile must be a name. istioctl says nothing of it.",
    settle: "Write out what the finding names, so that both releases read it alike.",
    source: "1.23.6:operator/pkg/util/merge_iop.go; 1.24.0:operator/pkg/render/manifest.go",
    link: CUSTOMISE,
};

/// The first release with the new merge.
const REWRITE: Minor = Minor::new(1, 24);

/// Components that are off unless something says `enabled: true`, before the rewrite.
const OFF_BEFORE: [&str; 2] = ["cni", "ztunnel"];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(from), Some(to)) = (situation.from, situation.to) else {
        return Vec::new();
    };
    let rewritten = |version: &istio_catalog::Version| version.minor_release() >= REWRITE;
    if rewritten(from) == rewritten(to) {
        return Vec::new();
    }
    let namespace = situation
        .control_plane()
        .map_or("istio-system", |it| it.namespace.as_str());
    let mut changed = Vec::new();
    for (file, document) in situation.documents.all() {
        let mut tell = |node: &Node, field: String, what: String| {
            changed.push((place(file, node).field(field), what));
        };
        read(document, namespace, &mut tell);
    }
    changed
        .into_iter()
        .map(|(place, what)| {
            Finding::new(
                Code::RequestMeaningChanged,
                Level::Warn,
                format!(
                    "{to} reads {} otherwise than {from}",
                    place.field.as_deref().unwrap_or("the request")
                ),
                what,
            )
            .about([place])
            .fix("Write it out so that both releases read it alike, and look at `changes`")
        })
        .collect()
}

/// Looks at one document.
fn read(document: &Node, namespace: &str, tell: &mut impl FnMut(&Node, String, String)) {
    for list in ["ingressGateways", "egressGateways"] {
        let Some(node) = document.at(["spec", "components", list]) else {
            continue;
        };
        tell(
            node,
            format!("spec.components.{list}"),
            "Up to 1.23 the list is merged with the profile's by name; from 1.24 on it replaces it: a gateway that is not \
             listed is no longer rendered, and nothing of the profile's entry is kept"
                .to_owned(),
        );
        let NodeValue::Sequence(gateways) = &node.value else {
            continue;
        };
        for (index, gateway) in gateways.iter().enumerate() {
            if gateway.at(["enabled"]).is_none() && list == "egressGateways" {
                tell(
                    gateway,
                    format!("spec.components.{list}[{index}]"),
                    off_before(),
                );
            }
        }
    }
    for component in OFF_BEFORE {
        if let Some(node) = document.at(["spec", "components", component])
            && node.at(["enabled"]).is_none()
        {
            tell(node, format!("spec.components.{component}"), off_before());
        }
    }
    for path in [["spec", "namespace"], ["metadata", "namespace"]] {
        if let Some(node) = document.at(path)
            && let NodeValue::String(said) = &node.value
            && said != namespace
        {
            let what = "Up to 1.23 it chooses the namespace of the installation; from 1.24 on only \
                        `spec.values.global.istioNamespace` does";
            tell(node, path.join("."), what.to_owned());
        }
    }
}

fn off_before() -> String {
    "Without `enabled` it is off up to 1.23 unless the profile says otherwise, and on from 1.24 on"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    fn titles(from: &str, to: &str, text: &str) -> Vec<String> {
        let mut cluster = Cluster::new();
        cluster.source.version = Some(from.to_owned());
        cluster.request.to = to.to_owned();
        cluster.file(text);
        cluster
            .check(check)
            .into_iter()
            .map(|it| it.title)
            .collect()
    }

    #[test]
    fn a_gateway_list_replaces_instead_of_merging() {
        let text = "spec:\n  components:\n    ingressGateways:\n    - name: istio-ingressgateway\n";
        assert_eq!(
            titles("1.23.6", "1.24.6", text),
            ["1.24.6 reads spec.components.ingressGateways otherwise than 1.23.6"]
        );
        assert!(titles("1.24.6", "1.25.5", text).is_empty());
    }

    #[test]
    fn a_component_without_enabled_turns_on() {
        let text = "spec:\n  components:\n    cni: {namespace: kube-system}\n    ztunnel: {enabled: true}\n";
        assert_eq!(
            titles("1.23.6", "1.24.6", text),
            ["1.24.6 reads spec.components.cni otherwise than 1.23.6"]
        );
    }

    #[test]
    fn a_namespace_other_than_istiods_no_longer_counts() {
        assert_eq!(
            titles("1.23.6", "1.24.6", "spec:\n  namespace: mesh\n").len(),
            1
        );
        assert!(titles("1.23.6", "1.24.6", "metadata:\n  namespace: istio-system\n").is_empty());
    }
}
