//! `foreign-installer`: only istioctl's installation is istioctl's to upgrade (domain §7.1).

mod hook;

use super::Code;
use super::Explanation;
use super::links::HELM;
use super::{Situation, enumerate};
use crate::inventory::keeper;
use crate::outcome::{Finding, Installer, InstallerKind, Level};
use istio_catalog::ComponentName;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Something other than istioctl installed, or keeps, what would be applied: by its marks, by an owner \
              reference, by field managers that write the bulk of an object, or by Jobs that run istioctl.",
    why: "Two installers over the same objects undo each other's work: a Helm release would no longer match, a GitOps \
          controller or an operator would set everything back in the middle of the upgrade.",
    settle: "Upgrade the way the finding names for that installer. To move to istioctl, remove the objects from the \
             other installer first.",
    source: "istio.io, Upgrade with Istioctl (\"installed by istioctl\")",
    link: HELM,
};

/// Components that a request can render. A `Gateway` of the Helm chart, or one that istiod makes, is none.
const APPLIED: [ComponentName; 6] = [
    ComponentName::Base,
    ComponentName::Pilot,
    ComponentName::IngressGateways,
    ComponentName::EgressGateways,
    ComponentName::Cni,
    ComponentName::Ztunnel,
];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings: Vec<_> = situation
        .installers
        .iter()
        .filter_map(|installer| foreign(situation, installer))
        .collect();
    if !findings.iter().any(|it| it.level == Level::Block) {
        findings.extend(hook::findings(situation));
    }
    findings
}

/// Speaks of one installer, if it is a foreign one of something that would be applied.
fn foreign(situation: &Situation, installer: &Installer) -> Option<Finding> {
    let (name, fix) = match installer.kind {
        InstallerKind::Istioctl | InstallerKind::Operator | InstallerKind::Unknown => return None,
        InstallerKind::Other => {
            let name = installer.name.as_deref().unwrap_or("somebody else");
            (name, keeper::way(name))
        }
        kind => {
            let (name, way) = of_kind(kind);
            (name, way.to_owned())
        }
    };
    let rendered = |component: &str| {
        situation.desired.is_none_or(|it| {
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
        .filter(|it| APPLIED.iter().any(|applied| it == applied) && rendered(it))
        .collect();
    if covers.is_empty() {
        return None;
    }
    let one = covers.len() == 1;
    let (level, verb, why) = if keeper::only_creates(name) {
        (
            Level::Warn,
            if one { "is known to" } else { "are known to" },
            "It sets nothing back, but makes an object again in its old form when it is deleted",
        )
    } else if installer.kind == InstallerKind::Other {
        (
            Level::Block,
            if one { "is kept by" } else { "are kept by" },
            "An apply would take its objects over, and whoever keeps them would set them back, or no longer match",
        )
    } else {
        (
            Level::Block,
            if one {
                "was installed by"
            } else {
                "were installed by"
            },
            "An apply would take its objects over, and the installer would no longer match or set them back",
        )
    };
    let finding = Finding::new(
        Code::ForeignInstaller,
        level,
        format!("{} {verb} {name}", enumerate(&covers)),
        why,
    );
    Some(finding.about(installer.evidence.iter().cloned()).fix(fix))
}

/// The name of an installer, and its way to upgrade.
fn of_kind(kind: InstallerKind) -> (&'static str, &'static str) {
    match kind {
        InstallerKind::Istioctl => ("istioctl", ""),
        InstallerKind::Operator => ("the in-cluster operator", ""),
        InstallerKind::Other | InstallerKind::Unknown => ("somebody else", ""),
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
    }
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
    fn a_keeper_is_named_with_its_way() {
        let mut cluster = Cluster::new();
        let mut kapp = installer(InstallerKind::Other, &["Base", "Pilot"]);
        kapp.name = Some("kapp".to_owned());
        cluster.installers.push(kapp);
        let findings = cluster.check(check);
        assert_eq!(findings[0].title, "Base and Pilot are kept by kapp");
        assert!(findings[0].fix.as_deref().unwrap().contains("kapp deploy"));
    }

    #[test]
    fn one_that_only_makes_what_is_missing_is_worth_a_warning() {
        let mut cluster = Cluster::new();
        let mut manager = installer(InstallerKind::Other, &["Pilot"]);
        manager.name = Some("the add-on manager (which only makes what is missing)".to_owned());
        cluster.installers.push(manager);
        assert_eq!(cluster.codes(check), ["foreign-installer Warn"]);
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
