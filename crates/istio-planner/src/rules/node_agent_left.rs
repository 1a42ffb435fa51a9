//! `node-agent-left`: ztunnel or the CNI agent runs, and is no longer asked for (domain §8.3).

use super::Code;
use super::Explanation;
use super::node_agents::{agents, has, subjects};
use super::{Situation, enumerate};
use crate::outcome::{Change, ChangeClass, Finding, Level};
use istio_catalog::ComponentName;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "ztunnel or the CNI agent runs, and the request does not render it any more.",
    why: "istioctl leaves it at its old version, beside a control plane that moves on; or deletes it, and the pods of \
          its node lose what it did for them.",
    settle: "Keep the component in the request, unless no pod needs it any more.",
    source: "1.31:operator/pkg/install/install.go:247-262",
    link: Some("https://istio.io/latest/docs/ambient/upgrade/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let left: Vec<_> = agents(situation)
        .filter(|it| matches!(it.class, ChangeClass::Orphan | ChangeClass::Delete))
        .collect();
    leftover(situation, &left).into_iter().collect()
}

fn leftover(situation: &Situation, left: &[&Change]) -> Option<Finding> {
    let to = situation.to?;
    let names: Vec<_> = left.iter().map(|it| it.object.name.clone()).collect();
    let deleted = left.iter().any(|it| it.class == ChangeClass::Delete);
    let mut parts = vec![if deleted {
        "istioctl deletes what carries the very version that it installs".to_owned()
    } else {
        let version = situation
            .from
            .map_or_else(String::new, |it| format!(" {it}"));
        format!(
            "It is not deleted and not upgraded: it stays at{version} beside istiod {to}, and falls behind with every upgrade"
        )
    }];
    if has(left, ComponentName::Ztunnel) {
        parts.push("Pods in ambient mode reach nothing without a ztunnel on their node".to_owned());
    }
    if has(left, ComponentName::Cni) {
        parts.push("New pods of the mesh do not start without the CNI agent, or start without their traffic being captured".to_owned());
    }
    let finding = Finding::new(
        Code::NodeAgentLeft,
        Level::Warn,
        format!(
            "The request no longer holds {}, which runs on the nodes",
            enumerate(&names)
        ),
        parts.join(". "),
    );
    (!left.is_empty()).then(|| {
        finding
            .about(subjects(situation, left))
            .fix("Keep the component in the request (the profile, or `components.ztunnel` and `components.cni`); take it out only when no pod needs it any more")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::outcome::{Change, ChangeClass, FieldChange, Ref};
    use crate::rules::fixture::Cluster;

    fn cluster(component: &str, class: ChangeClass, path: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.render("Pilot", json!({}));
        cluster.changes.push(Change {
            object: Ref {
                api_version: "apps/v1".to_owned(),
                kind: "DaemonSet".to_owned(),
                namespace: Some("istio-system".to_owned()),
                name: component.to_lowercase(),
            },
            component: component.to_owned(),
            class,
            fields: vec![FieldChange {
                path: path.to_owned(),
                from: None,
                to: None,
                owner: None,
            }],
            predicted: None,
        });
        cluster
    }

    #[test]
    fn an_agent_that_the_request_has_lost_is_a_warning() {
        let codes = |component, class| cluster(component, class, "x").codes(check);
        assert_eq!(
            codes("Ztunnel", ChangeClass::Orphan),
            ["node-agent-left Warn"]
        );
        assert_eq!(codes("Cni", ChangeClass::Delete), ["node-agent-left Warn"]);
        assert!(codes("Pilot", ChangeClass::Orphan).is_empty());
    }
}
