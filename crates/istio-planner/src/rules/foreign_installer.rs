//! `foreign-installer`: only istioctl's installation is istioctl's to upgrade (domain §7.1).

use super::Code;
use super::Explanation;
use super::links::HELM;
use super::{Situation, enumerate};
use crate::outcome::{Finding, Installer, InstallerKind, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Something other than istioctl installed, and keeps, what would be applied.",
    why: "Two installers over the same objects undo each other's work: a Helm release would no longer match, a GitOps \
          controller or an operator would set everything back in the middle of the upgrade.",
    settle: "Upgrade the way the finding names for that installer. To move to istioctl, remove the objects from the \
             other installer first.",
    source: "istio.io, Upgrade with Istioctl (\"installed by istioctl\")",
    link: HELM,
};

/// Components that a request can render. A `Gateway` of the Helm chart, or one that istiod makes, is none.
const APPLIED: [&str; 6] = [
    "Base",
    "Pilot",
    "IngressGateways",
    "EgressGateways",
    "Cni",
    "Ztunnel",
];

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    it.installers
        .iter()
        .filter_map(|installer| foreign(it, installer))
        .collect()
}

/// Speaks of one installer, if it is a foreign one of something that would be applied.
fn foreign(it: &Situation, installer: &Installer) -> Option<Finding> {
    let (name, fix) = match installer.kind {
        InstallerKind::Istioctl | InstallerKind::Operator | InstallerKind::Unknown => return None,
        InstallerKind::Helm => (
            "Helm",
            "Upgrade with Helm: `helm upgrade` the release of the base chart first, then istiod, then cni, ztunnel and the \
             gateways, each with its values",
        ),
        InstallerKind::Sail => (
            "the Sail operator",
            "Set `spec.version` of the Istio (then IstioCNI, ZTunnel) resource, and let the operator upgrade",
        ),
        InstallerKind::Managed => (
            "the provider of a managed mesh",
            "Use the provider's own release channel or upgrade command",
        ),
        InstallerKind::Manifests => (
            "`kubectl apply` of rendered manifests",
            "Render the target with `istioctl manifest generate` from the same files, compare, and apply it as before; or \
             hand the installation over to istioctl once with `istioctl install` of the source version",
        ),
        InstallerKind::Argocd => (
            "Argo CD",
            "Change the version in the Application's source, and let Argo CD synchronise",
        ),
        InstallerKind::Flux => (
            "Flux",
            "Change the version in the HelmRelease or Kustomization's source, and let Flux reconcile",
        ),
    };
    let rendered = |component: &str| {
        it.desired.is_none_or(|it| {
            it.rendering
                .components
                .iter()
                .any(|it| it.name == component)
        })
    };
    let covers: Vec<_> = installer
        .covers
        .iter()
        .map(String::as_str)
        .filter(|it| APPLIED.contains(it) && rendered(it))
        .collect();
    if covers.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Code::ForeignInstaller,
        Level::Block,
        format!("{} was installed by {name}", enumerate(&covers)),
        "An apply would take its objects over, and the installer would no longer match or set them back",
    );
    Some(finding.about(installer.evidence.iter().cloned()).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::outcome::InstallerKind;
    use crate::rules::fixture::{Cluster, installer};

    #[test]
    fn each_foreign_installer_blocks_and_shows_its_own_way() {
        for (kind, way) in [
            (InstallerKind::Helm, "helm upgrade"),
            (InstallerKind::Sail, "spec.version"),
            (InstallerKind::Managed, "channel"),
            (InstallerKind::Manifests, "manifest generate"),
            (InstallerKind::Argocd, "Argo CD"),
            (InstallerKind::Flux, "Flux"),
        ] {
            let mut cluster = Cluster::new();
            cluster.installers = vec![installer(kind, &["Base", "Pilot"])];
            let findings = cluster.check(check);
            assert_eq!(findings.len(), 1, "{kind:?}");
            assert!(
                findings[0].fix.as_deref().unwrap().contains(way),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn istioctl_is_at_home() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn a_gateway_of_the_helm_chart_beside_it_is_not_touched() {
        let mut cluster = Cluster::new();
        cluster
            .installers
            .push(installer(InstallerKind::Helm, &["Gateway"]));
        assert!(cluster.check(check).is_empty());
    }
}
