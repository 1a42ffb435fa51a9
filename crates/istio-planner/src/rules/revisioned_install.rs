//! `revisioned-install`: an installation with a revision is upgraded by another revision, not in place.
//!
//! istio.io says of the in-place way that it is "not compatible with the --revision flag"; istioctl accepts it since
//! 1.13 and makes a second control plane (domain §5.1, §11.1).

use super::Code;
use super::Explanation;
use super::links::CANARY;
use super::{DEFAULT_REVISION, Meant, Situation, enumerate};
use crate::outcome::{ControlPlane, Finding, Level, Ref, Subject};
use istio_catalog::revisioned;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The control plane, or the request, has a revision other than `default`.",
    why: "An in-place upgrade replaces the control plane that workloads are bound to. A revisioned control plane is \
          upgraded by installing a new revision beside it; an apply under another revision would replace nothing.",
    settle: "Follow the canary upgrade with revisions and tags.",
    source: "istio.io, Upgrade with Istioctl (\"not compatible with --revision\"); istioctl itself has accepted it since 1.13",
    link: CANARY,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(said) = &situation.asked.revision {
        let finding = Finding::new(
            Code::RevisionedInstall,
            Level::Block,
            format!("The request asks for revision {}", said.value),
            "An in-place upgrade replaces the control plane without revision; with one, istioctl would install a second \
             control plane beside it",
        );
        findings.push(
            finding
                .about([said.place.clone()])
                .fix("Leave the revision out, or follow the canary upgrade"),
        );
    }
    let planes = match situation.meant() {
        Meant::None => Vec::new(),
        Meant::One(plane) => vec![plane],
        Meant::Several(planes) => planes,
    };
    let revisioned: Vec<_> = planes
        .iter()
        .filter(|it| it.revision != DEFAULT_REVISION)
        .collect();
    // One without revision among them is the one that could be meant.
    if revisioned.is_empty() || revisioned.len() < planes.len() {
        return findings;
    }
    let names: Vec<_> = revisioned.iter().map(|it| it.revision.as_str()).collect();
    let (title, verb) = match names.as_slice() {
        [one] => (format!("The control plane has revision {one}"), "is"),
        _ => (
            format!("The control planes have revisions {}", enumerate(&names)),
            "are",
        ),
    };
    let mut detail =
        format!("What runs {verb} upgraded by installing the target as a new revision beside it");
    for plane in revisioned.iter().filter(|it| !it.tags.is_empty()) {
        let (noun, verb) = if plane.tags.len() == 1 {
            ("tag", "leads")
        } else {
            ("tags", "lead")
        };
        detail = format!(
            "{detail}; {noun} {} {verb} to {}",
            enumerate(&plane.tags),
            plane.revision
        );
    }
    let fix = "Install the target with a new revision, move the tags (`istioctl tag set`), restart the workloads, then \
               remove the old revision";
    let finding = Finding::new(Code::RevisionedInstall, Level::Block, title, detail);
    findings.push(
        finding
            .about(revisioned.iter().map(|it| subject(it)))
            .fix(fix),
    );
    findings
}

/// Names istiod's Deployment.
pub(super) fn subject(plane: &ControlPlane) -> Subject {
    let name = revisioned("istiod", &plane.revision);
    let object = Ref {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some(plane.namespace.clone()),
        name,
    };
    Subject::new(object)
        .field("metadata.labels.istio\\.io/rev")
        .value(plane.revision.clone())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::{Cluster, control_plane};

    #[test]
    fn a_revisioned_control_plane_blocks() {
        let mut cluster = Cluster::new();
        cluster.inventory.control_planes = vec![control_plane("istio-system", "canary", "1.29.6")];
        cluster.inventory.control_planes[0].tags = vec!["default".to_owned()];
        assert_eq!(cluster.codes(check), ["revisioned-install Block"]);
        assert!(
            cluster.check(check)[0]
                .detail
                .ends_with("tag default leads to canary")
        );
    }

    #[test]
    fn a_request_with_a_revision_blocks_from_flag_set_and_file() {
        let mut cluster = Cluster::new();
        cluster.request.revision = Some("canary".to_owned());
        assert_eq!(cluster.codes(check), ["revisioned-install Block"]);
        let mut cluster = Cluster::new();
        cluster.request.sets = vec!["revision=canary".to_owned()];
        assert_eq!(cluster.codes(check), ["revisioned-install Block"]);
        let mut cluster = Cluster::new();
        cluster.file("spec:\n  values:\n    revision: canary\n");
        assert_eq!(cluster.check(check)[0].subjects[0].line, Some(3));
    }

    #[test]
    fn revision_default_is_no_revision() {
        let mut cluster = Cluster::new();
        cluster.request.revision = Some("default".to_owned());
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn a_revision_beside_the_default_one_is_left_alone() {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .control_planes
            .push(control_plane("istio-system", "canary", "1.30.3"));
        assert!(cluster.check(check).is_empty());
    }
}
