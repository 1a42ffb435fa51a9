//! `node-agents-restart`: ztunnel or the CNI agent is replaced on every node (domain §8.3).

use super::Code;
use super::Explanation;
use super::Situation;
use super::node_agents::{agents, has, subjects};
use crate::outcome::{Change, ChangeClass, Finding, Level};
use istio_catalog::ComponentName;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The apply replaces ztunnel or the CNI agent on every node.",
    why: "Connections through a ztunnel are cut once when it is replaced, and new pods of the mesh wait while the CNI agent \
          of their node is away. In between, versions of istiod and of the agents differ.",
    settle: "Choose a time when long-lived connections may be made again, or replace node by node with OnDelete.",
    source: "1.31:architecture/ambient/ztunnel-cni-lifecycle.md:96-145",
    link: Some("https://istio.io/latest/docs/ambient/upgrade/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let rolled: Vec<_> = agents(situation).filter(|it| is_rolled(it)).collect();
    restart(situation, &rolled).into_iter().collect()
}

fn is_rolled(change: &Change) -> bool {
    change.class == ChangeClass::Replace
        || change
            .fields
            .iter()
            .any(|it| it.path.starts_with("spec.template"))
}

fn restart(situation: &Situation, rolled: &[&Change]) -> Option<Finding> {
    let (from, to) = situation.from.zip(situation.to)?;
    if rolled.is_empty() {
        return None;
    }
    let (ztunnel, cni) = (
        has(rolled, ComponentName::Ztunnel),
        has(rolled, ComponentName::Cni),
    );
    let mut parts = Vec::new();
    if ztunnel {
        parts.push(
            "On every node ztunnel is replaced: connections that are open are cut once, when the old one has waited out its \
             grace period (30 seconds by default)"
                .to_owned(),
        );
    }
    if cni {
        parts.push(
            "While the CNI agent of a node is replaced, new pods of the mesh do not start there; those that run are not touched"
                .to_owned(),
        );
    }
    let names = match (cni, ztunnel) {
        (true, true) => "the CNI agent and ztunnel",
        (true, false) => "the CNI agent",
        _ => "ztunnel",
    };
    if from.minor_release() != to.minor_release() {
        parts.push(if from < to {
            format!(
                "istiod goes first: until {names} follow, they run {from} beside istiod {to}, which is supported for one minor"
            )
        } else {
            let first = if ztunnel && cni { "ztunnel goes first, then the CNI agent, then istiod" } else { "They go first, then istiod" };
            format!(
                "{first}: none of them may be newer than its istiod, so until the last step {to} runs beside istiod {from}"
            )
        });
    }
    let finding = Finding::new(
        Code::NodeAgentsRestart,
        Level::Info,
        format!("The apply replaces {names} on every node"),
        parts.join(". "),
    );
    let fix = if ztunnel {
        "Choose a time when long-lived connections (databases, streams) may be made again; node by node is possible with the \
         update strategy OnDelete and drained nodes"
    } else {
        "Do not scale or roll out workloads of the mesh meanwhile"
    };
    Some(finding.about(subjects(situation, rolled)).fix(fix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Code, check};
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
    fn a_ztunnel_that_is_replaced_cuts_connections() {
        let findings = cluster("Ztunnel", ChangeClass::Change, "spec.template.spec").check(check);
        assert_eq!(findings[0].code, Code::NodeAgentsRestart);
        assert!(findings[0].detail.contains("istiod goes first"));
        let mut cluster = cluster("Ztunnel", ChangeClass::Change, "spec.template.spec");
        cluster.source.version = Some("1.31.0".to_owned());
        assert!(
            cluster.check(check)[0]
                .detail
                .contains("They go first, then istiod")
        );
    }

    #[test]
    fn labels_alone_restart_nothing() {
        let cluster = cluster("Ztunnel", ChangeClass::Change, "metadata.labels.x");
        assert!(cluster.check(check).is_empty());
    }
}
