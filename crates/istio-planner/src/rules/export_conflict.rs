//! `export-conflict`: where the export contradicts itself.

use super::Code;
use super::Explanation;
use super::{Situation, count, enumerate};
use crate::outcome::{Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The export holds the same object more than once, with different resource versions; it blocks where it holds objects of two clusters.",
    why: "The parts were taken at different times. The plan reads the newest; what changed between may be mixed. Of two clusters a plan would be of neither: they are told by the uids of their namespaces `kube-system`, each of which is made once, with its cluster.",
    settle: "Export again in one go, and name every file once; plan each cluster by itself.",
    source: "metadata.uid and metadata.resourceVersion of the Kubernetes API",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    two_clusters(situation)
        .into_iter()
        .chain(conflicts(situation))
        .chain(two_servers(situation))
        .collect()
}

/// Objects of several clusters.
fn two_clusters(situation: &Situation) -> Option<Finding> {
    let clusters = &situation.snapshot.clusters;
    if clusters.len() < 2 {
        return None;
    }
    let finding = Finding::new(
        Code::ExportConflict,
        Level::Block,
        format!("The export holds objects of {} clusters", clusters.len()),
        "Each has a namespace kube-system of its own; a plan of both together would be of neither",
    );
    let subjects = clusters.iter().map(|(uid, origin)| {
        let object = Ref {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            name: "kube-system".to_owned(),
            namespace: None,
        };
        Subject::exported(object, origin)
            .field("metadata.uid")
            .value(uid.clone())
    });
    Some(finding.about(subjects).fix("Plan each cluster by itself"))
}

/// The same object at different times.
fn conflicts(situation: &Situation) -> Vec<Finding> {
    let conflicts = &situation.snapshot.conflicts;
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
            .fix("Export again in one go, and name every file once"),
    ]
}

/// The versions of two servers.
fn two_servers(situation: &Situation) -> Option<Finding> {
    let versions = &situation.snapshot.server_versions;
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
    use super::{Code, check};
    use crate::outcome::{Level, Ref};
    use crate::rules::fixture::Cluster;
    use crate::snapshot::{Conflict, Origin};

    #[test]
    fn a_full_export_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
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
    fn two_clusters_block_and_name_both_places() {
        let mut cluster = Cluster::new();
        for (uid, file) in [("1", "a.yaml"), ("2", "b.yaml")] {
            let origin = Origin {
                file: file.to_owned(),
                line: 1,
                column: 1,
            };
            cluster.snapshot.clusters.insert(uid.to_owned(), origin);
        }
        let findings = cluster.check(check);
        assert_eq!(findings[0].level, Level::Block);
        assert_eq!(findings[0].title, "The export holds objects of 2 clusters");
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
            (findings[0].code, files),
            (Code::ExportConflict, vec!["a.yaml", "b.yaml"])
        );
    }
}
