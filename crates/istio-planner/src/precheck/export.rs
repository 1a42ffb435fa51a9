//! `export-incomplete` and `export-conflict`: what the export lacks, and where it contradicts itself.

use super::{Situation, count, enumerate};
use crate::finding::Code;
use crate::input::required;
use crate::outcome::{Finding, Level, Subject};

/// Kinds that every cluster with Istio holds, so that their absence means that they were not exported.
pub(crate) const ALWAYS: [&str; 12] = [
    "Namespace",
    "Pod",
    "Node",
    "Deployment",
    "ReplicaSet",
    "Service",
    "ConfigMap",
    "ServiceAccount",
    "ClusterRole",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "CustomResourceDefinition",
];

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let mut findings = incomplete(it);
    findings.extend(conflicts(it));
    findings.extend(two_servers(it));
    findings
}

/// Returns the command that exports what the request needs.
pub(super) fn command(it: &Situation) -> String {
    let commands = required(it.request).commands;
    format!("Export with: {}", commands.join("; "))
}

/// Kinds that were not exported.
fn incomplete(it: &Situation) -> Vec<Finding> {
    let missing: Vec<_> = ALWAYS
        .into_iter()
        .filter(|kind| !it.exported(kind))
        .collect();
    // Without a control plane the webhooks and definitions of Istio are not there either.
    if missing.is_empty()
        || (it.inventory.control_planes.is_empty()
            && it.exported("Pod")
            && it.exported("Deployment"))
    {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::ExportIncomplete,
        Level::Unknown,
        format!("The export holds no {}", enumerate(&missing)),
        "Every cluster with Istio has some, so they were not exported; rules that read them cannot say that all is well",
    );
    vec![finding.fix(command(it))]
}

/// The same object at different times.
fn conflicts(it: &Situation) -> Vec<Finding> {
    let conflicts = &it.snapshot.conflicts;
    if conflicts.is_empty() {
        return Vec::new();
    }
    let subjects = conflicts.iter().flat_map(|conflict| {
        conflict
            .origins
            .iter()
            .map(|origin| Subject::exported(conflict.object.clone(), origin))
    });
    let finding = Finding::new(
        Code::ExportConflict,
        Level::Warn,
        format!(
            "The export holds {} more than once, at different times",
            count(conflicts.len(), "object")
        ),
        "The newest of each is read; what changed in between may be mixed with it",
    );
    vec![
        finding
            .about(subjects)
            .fix("Export anew in one go, and name every file once"),
    ]
}

/// The versions of two servers.
fn two_servers(it: &Situation) -> Option<Finding> {
    let versions = &it.snapshot.server_versions;
    if versions.len() < 2 {
        return None;
    }
    let names: Vec<_> = versions.keys().map(String::as_str).collect();
    let finding = Finding::new(
        Code::ExportConflict,
        Level::Warn,
        format!("The export says that the server runs {}", enumerate(&names)),
        "One server runs one version; the oldest of them is what the other rules read",
    );
    let subjects = versions.iter().map(|(version, origin)| {
        Subject::place(&origin.file, origin.line, origin.column)
            .field("serverVersion.gitVersion")
            .value(version.clone())
    });
    Some(
        finding
            .about(subjects)
            .fix("Keep the output of `kubectl version -o json` of this cluster alone"),
    )
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::outcome::Ref;
    use crate::precheck::fixture::Cluster;
    use crate::snapshot::{Conflict, Origin};

    #[test]
    fn a_full_export_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn a_kind_that_every_cluster_has_was_not_exported() {
        let mut cluster = Cluster::new();
        cluster
            .snapshot
            .kinds
            .remove("apiextensions.k8s.io/v1/CustomResourceDefinition");
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, "export-incomplete");
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

    #[test]
    fn two_versions_of_the_server_name_both_places() {
        let mut cluster = Cluster::new();
        for (version, file) in [("1.31.0", "a.json"), ("1.35.2", "b.json")] {
            let origin = Origin {
                file: file.to_owned(),
                line: 1,
                column: 1,
            };
            let versions = &mut cluster.snapshot.server_versions;
            versions.insert(version.to_owned(), origin);
        }
        let findings = cluster.check(check);
        assert_eq!(
            findings[0].title,
            "The export says that the server runs 1.31.0 and 1.35.2"
        );
        assert_eq!(findings[0].subjects.len(), 2);
    }

    #[test]
    fn an_object_that_stands_twice_names_both_places() {
        let mut cluster = Cluster::new();
        let origin = |file: &str| Origin {
            file: file.to_owned(),
            line: 3,
            column: 1,
        };
        cluster.snapshot.conflicts.push(Conflict {
            object: Ref {
                kind: "Service".to_owned(),
                name: "istiod".to_owned(),
                ..Ref::default()
            },
            origins: vec![origin("a.yaml"), origin("b.yaml")],
        });
        let findings = cluster.check(check);
        let files: Vec<_> = findings[0]
            .subjects
            .iter()
            .filter_map(|it| it.file.as_deref())
            .collect();
        assert_eq!(
            (findings[0].code.as_str(), files),
            ("export-conflict", vec!["a.yaml", "b.yaml"])
        );
    }
}
