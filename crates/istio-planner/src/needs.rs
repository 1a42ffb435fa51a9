//! What a plan needs: the releases that it reads, what an export holds of what it reads, and what is unknown without.

use crate::customisation;
use crate::input::{self, KINDS, Request, required};
use crate::outcome::Code;
use crate::rules::{ALWAYS, is_kind, plural};
use crate::snapshot::Snapshot;

/// Returns the versions of all releases that a plan for `request` in this cluster reads: the target's, then the source's.
pub fn releases(request: &Request, snapshot: &Snapshot) -> Vec<String> {
    let mut versions = required(request).releases;
    let charts = || customisation::charts(request, snapshot).map(|it| it.to_string());
    // Without a target the request is one of recovery.
    let charts = if versions.is_empty() { charts() } else { None };
    let source = charts.or_else(|| input::source_version(request, snapshot));
    versions.extend(source.filter(|it| !versions.contains(it)));
    versions
}

/// What an export holds of what a plan reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// What is certainly missing, and what that leaves unknown.
    pub gaps: Vec<Gap>,
    /// Kinds that were asked for and of which the export holds none: there may be none.
    pub none: Vec<&'static str>,
}

/// Something that the export lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What is missing, for example `CustomResourceDefinition`.
    pub what: String,
    /// The finding that says so.
    pub code: Code,
    /// What stays unknown, as a sentence without full stop.
    pub unknown: &'static str,
    /// The line that exports it.
    pub command: String,
}

/// The line that gives who exports the rights that lack.
const ROLE: &str = "refit rbac --read-only | kubectl apply -f -";

/// Tells what `snapshot` lacks of what planning `request` reads.
pub fn coverage(request: &Request, snapshot: &Snapshot) -> Coverage {
    let commands = required(request).commands;
    let kinds: Vec<&str> = snapshot
        .kinds
        .keys()
        .map(|it| it.rsplit('/').next().unwrap_or(it))
        .collect();
    let mut gaps: Vec<_> = ALWAYS
        .into_iter()
        .filter(|it| !kinds.contains(it))
        .filter(|it| !snapshot.refused.keys().any(|refused| is_kind(refused, it)))
        .map(|kind| Gap {
            what: kind.to_owned(),
            code: Code::ExportIncomplete,
            unknown: "Rules that read it cannot say that all is well",
            command: if kind == "CustomResourceDefinition" {
                commands.crds.clone()
            } else {
                commands.objects.clone()
            },
        })
        .collect();
    gaps.extend(snapshot.refused.keys().map(|kind| Gap {
        what: kind.clone(),
        code: Code::ExportIncomplete,
        unknown: "Rules that read it cannot say that all is well",
        command: ROLE.to_owned(),
    }));
    if snapshot.server_version.is_none() {
        gaps.push(Gap {
            what: "the server's version".to_owned(),
            code: Code::KubernetesUnknown,
            unknown: "Whether the target runs on this Kubernetes stays unknown",
            command: commands.version.clone(),
        });
    }
    if !snapshot.managed_fields {
        gaps.push(Gap {
            what: "managedFields".to_owned(),
            code: Code::OwnershipUnknown,
            unknown: "Who owns which field stays unknown, and so which edits of others are overwritten",
            command: commands.objects.clone(),
        });
    }
    let read: Vec<String> = kinds.iter().map(|it| plural(it)).collect();
    let missing = |it: &&str| {
        let refused = |refused: &String| refused.split('.').next() == Some(*it);
        !read.iter().any(|read| read == it) && !snapshot.refused.keys().any(refused)
    };
    let always: Vec<String> = ALWAYS.iter().map(|it| plural(it)).collect();
    Coverage {
        gaps,
        none: KINDS
            .into_iter()
            .filter(|it| !always.iter().any(|always| always == it))
            .filter(missing)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, coverage};
    use crate::input::Request;
    use crate::snapshot::Snapshot;

    #[test]
    fn an_empty_export_lacks_everything_and_says_how_to_get_it() {
        let coverage = coverage(&Request::default(), &Snapshot::default());
        let definitions = coverage
            .gaps
            .iter()
            .find(|it| it.what == "CustomResourceDefinition");
        assert!(definitions.is_some_and(|it| it.command.ends_with("crds.yaml")));
        let codes: Vec<_> = coverage.gaps.iter().map(|it| it.code).collect();
        assert!(
            codes.contains(&Code::KubernetesUnknown) && codes.contains(&Code::OwnershipUnknown)
        );
        assert!(coverage.none.contains(&"networkpolicies"));
        assert!(!coverage.none.contains(&"pods"));
    }

    #[test]
    fn what_was_read_is_not_missing() {
        let snapshot = Snapshot {
            server_version: Some("1.33.1".to_owned()),
            managed_fields: true,
            kinds: [("v1/Pod", 3), ("networking.k8s.io/v1/NetworkPolicy", 1)]
                .map(|(kind, number)| (kind.to_owned(), number))
                .into(),
            ..Snapshot::default()
        };
        let coverage = coverage(&Request::default(), &snapshot);
        assert!(
            coverage
                .gaps
                .iter()
                .all(|it| it.what != "Pod" && it.code == Code::ExportIncomplete)
        );
        assert!(!coverage.none.contains(&"networkpolicies"));
    }
}
