//! `node-agents-restart`, `node-agent-left`: ztunnel and the CNI plug-in, one pod on each node (domain §8.3).
//!
//! ztunnel at 1.x goes with a control plane at 1.x or 1.x+1 (istio.io, ambient/upgrade/helm), so istiod goes first in an
//! upgrade and last in a downgrade; the plan's steps are ordered so (domain §8.5).

use super::{Situation, enumerate};
use crate::finding::Code;
use crate::outcome::{Change, ChangeClass, Finding, Level, Subject};

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let Some(desired) = it.desired else {
        return Vec::new();
    };
    let agents = || {
        desired.changes.iter().filter(|it| {
            it.object.kind == "DaemonSet" && matches!(it.component.as_str(), "Ztunnel" | "Cni")
        })
    };
    let rolled: Vec<_> = agents().filter(|it| is_rolled(it)).collect();
    let left: Vec<_> = agents()
        .filter(|it| matches!(it.class, ChangeClass::Orphan | ChangeClass::Delete))
        .collect();
    [restart(it, &rolled), leftover(it, &left)]
        .into_iter()
        .flatten()
        .collect()
}

fn is_rolled(change: &Change) -> bool {
    change.class == ChangeClass::Replace
        || change
            .fields
            .iter()
            .any(|it| it.path.starts_with("spec.template"))
}

fn subjects(it: &Situation, changes: &[&Change]) -> Vec<Subject> {
    let of = |change: &&Change| match it.snapshot.objects.get(&change.object) {
        Some(kept) => Subject::kept(&change.object, kept),
        None => Subject::of(change.object.clone()),
    };
    changes.iter().map(of).collect()
}

fn has(changes: &[&Change], component: &str) -> bool {
    changes.iter().any(|it| it.component == component)
}

fn restart(it: &Situation, rolled: &[&Change]) -> Option<Finding> {
    let (from, to) = it.from.zip(it.to)?;
    if rolled.is_empty() {
        return None;
    }
    let (ztunnel, cni) = (has(rolled, "Ztunnel"), has(rolled, "Cni"));
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
        "Choose a time when long-lived connections (databases, streams) may be made anew; node by node is possible with the \
         update strategy OnDelete and drained nodes"
    } else {
        "Do not scale or roll out workloads of the mesh meanwhile"
    };
    Some(finding.about(subjects(it, rolled)).fix(fix))
}

fn leftover(it: &Situation, left: &[&Change]) -> Option<Finding> {
    let to = it.to?;
    let names: Vec<_> = left.iter().map(|it| it.object.name.clone()).collect();
    let deleted = left.iter().any(|it| it.class == ChangeClass::Delete);
    let mut parts = vec![if deleted {
        "istioctl deletes what carries the very version that it installs".to_owned()
    } else {
        let version = it.from.map_or_else(String::new, |it| format!(" {it}"));
        format!(
            "It is not deleted and not upgraded: it stays at{version} beside istiod {to}, and falls behind with every upgrade"
        )
    }];
    if has(left, "Ztunnel") {
        parts.push("Pods in ambient mode reach nothing without a ztunnel on their node".to_owned());
    }
    if has(left, "Cni") {
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
            .about(subjects(it, left))
            .fix("Keep the component in the request (the profile, or `components.ztunnel` and `components.cni`); take it out only when no pod needs it any more")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::outcome::{Change, ChangeClass, FieldChange, Ref};
    use crate::precheck::fixture::Cluster;

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
        assert_eq!(findings[0].code, "node-agents-restart");
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
