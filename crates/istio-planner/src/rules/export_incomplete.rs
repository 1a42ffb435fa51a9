//! `export-incomplete`: kinds that the export lacks.

use super::Code;
use super::Explanation;
use super::export::{ALWAYS, command, is_kind};
use super::{Situation, enumerate};
use crate::outcome::{Finding, Level, Subject};
use crate::snapshot::Origin;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Kinds that rules read were not exported, or the cluster has none of them.",
    why: "Each rule that needs them says nothing for certain.",
    settle: "Export them with the command that the finding shows, or with the role that it names where the server refused \
             them.",
    source: "kubernetes.io, Kubernetes API Concepts (list); kubectl get",
    link: None,
};

/// The status of a right that is missing.
const FORBIDDEN: u16 = 403;

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings = refused(situation);
    findings.extend(missing(situation));
    findings
}

/// Kinds that whoever exported asked for, and was not given.
fn refused(situation: &Situation) -> Vec<Finding> {
    let all = &situation.snapshot.refused;
    if all.is_empty() {
        return Vec::new();
    }
    let kinds: Vec<&str> = all.keys().map(String::as_str).collect();
    let forbidden = all.values().all(|it| it.code == Some(FORBIDDEN));
    let subjects = all.iter().map(|(kind, refused)| {
        let Origin { file, line, column } = &refused.origin;
        Subject::place(file, *line, *column)
            .field(kind)
            .value(refused.reason.as_str())
    });
    let finding = Finding::new(
        Code::ExportIncomplete,
        Level::Unknown,
        format!(
            "The server refused {} to whoever exported",
            enumerate(&kinds)
        ),
        "Whether the cluster has some is not known; rules that read them cannot say that all is well",
    );
    let fix = if forbidden {
        "Export again with the role that `refit rbac --read-only` prints"
    } else {
        "Export again once the server answers for them; the role that `refit rbac --read-only` prints may read all of them"
    };
    vec![finding.about(subjects).fix(fix)]
}

fn missing(situation: &Situation) -> Vec<Finding> {
    let is_refused = |kind: &str| {
        situation
            .snapshot
            .refused
            .keys()
            .any(|it| is_kind(it, kind))
    };
    let missing: Vec<_> = ALWAYS
        .into_iter()
        .filter(|kind| !situation.exported(kind) && !is_refused(kind))
        .collect();
    // Without a control plane the webhooks and definitions of Istio are not there either.
    if missing.is_empty()
        || (situation.inventory.control_planes.is_empty()
            && situation.exported("Pod")
            && situation.exported("Deployment"))
    {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::ExportIncomplete,
        Level::Unknown,
        format!("The export holds no {}", enumerate(&missing)),
        "Every cluster with Istio has some, so they were not exported; rules that read them cannot say that all is well",
    );
    vec![finding.fix(command(situation))]
}

#[cfg(test)]
mod tests {
    use super::{Code, check};
    use crate::rules::fixture::Cluster;
    use crate::snapshot::{Origin, Refused};

    #[test]
    fn a_full_export_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn what_the_server_refused_names_the_role_and_no_command() {
        let mut cluster = Cluster::new();
        cluster.snapshot.kinds.remove("v1/Node");
        let refused = |code| Refused {
            code: Some(code),
            reason: "nodes is forbidden".to_owned(),
            origin: Origin::default(),
        };
        cluster
            .snapshot
            .refused
            .insert("nodes".to_owned(), refused(403));
        let findings = cluster.check(check);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].title,
            "The server refused nodes to whoever exported"
        );
        let fix = findings[0].fix.as_deref().unwrap();
        assert!(fix.contains("refit rbac --read-only") && !fix.contains("kubectl get"));
        cluster
            .snapshot
            .refused
            .insert("pods".to_owned(), refused(503));
        let findings = cluster.check(check);
        assert!(
            findings[0]
                .fix
                .as_deref()
                .unwrap()
                .contains("once the server answers")
        );
    }

    #[test]
    fn a_kind_that_every_cluster_has_was_not_exported() {
        let mut cluster = Cluster::new();
        cluster
            .snapshot
            .kinds
            .remove("apiextensions.k8s.io/v1/CustomResourceDefinition");
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::ExportIncomplete);
        assert_eq!(
            findings[0].title,
            "The export holds no CustomResourceDefinition"
        );
        assert!(
            findings[0]
                .fix
                .as_deref()
                .unwrap()
                .contains("kubectl get customresourcedefinitions")
        );
    }
}
