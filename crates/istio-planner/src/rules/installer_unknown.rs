//! `installer-unknown`: nothing in the export tells who installed the control plane.

use super::Code;
use super::Explanation;
use super::Situation;
use crate::outcome::{Finding, InstallerKind, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The export does not show who installed the mesh.",
    why: "An installation by Helm, an operator or a GitOps controller must not be upgraded by an apply, and could hide here.",
    settle: "Export Deployments, Services, ConfigMaps and webhook configurations of the whole cluster with \
             `--show-managed-fields`.",
    source: "istio.io, Upgrade with Istioctl (\"installed by istioctl\"); 1.31:operator/pkg/install/install.go:318-337 (owner labels)",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    if situation.inventory.control_planes.is_empty() {
        return Vec::new();
    }
    let unknown = situation
        .installers
        .iter()
        .find(|it| it.kind == InstallerKind::Unknown);
    if unknown.is_none() && !situation.installers.is_empty() {
        return Vec::new();
    }
    let (title, evidence) = match unknown {
        Some(situation) if !situation.covers.is_empty() => (
            format!(
                "Who installed {} is unknown",
                super::enumerate(&situation.covers)
            ),
            situation.evidence.clone(),
        ),
        _ => (
            "Who installed the control plane is unknown".to_owned(),
            Vec::new(),
        ),
    };
    let finding = Finding::new(
        Code::InstallerUnknown,
        Level::Unknown,
        title,
        "Neither owner labels, nor annotations, nor field managers of an installer are in the export; an installation by \
         Helm or an operator must not be upgraded by an apply",
    );
    vec![
        finding
            .about(evidence)
            .fix(super::export::command(situation)),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::outcome::InstallerKind;
    use crate::rules::fixture::{Cluster, installer};

    #[test]
    fn no_evidence_is_unknown() {
        let mut cluster = Cluster::new();
        cluster.installers.clear();
        assert_eq!(cluster.codes(check), ["installer-unknown Unknown"]);
        cluster.installers = vec![installer(InstallerKind::Unknown, &["Pilot"])];
        assert_eq!(
            cluster.check(check)[0].title,
            "Who installed Pilot is unknown"
        );
    }

    #[test]
    fn a_known_installer_settles_it() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn without_control_plane_there_is_nothing_to_ask() {
        let mut cluster = Cluster::new();
        cluster.installers.clear();
        cluster.inventory.control_planes.clear();
        assert!(cluster.check(check).is_empty());
    }
}
