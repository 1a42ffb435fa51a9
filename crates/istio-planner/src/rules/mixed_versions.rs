//! `mixed-versions`: istiod, the gateways that istioctl made, CNI and ztunnel run one version (domain §5.1 E4).
//!
//! Gateways of the Gateway API and of the `gateway` chart are data plane: `proxies-too-old` speaks of them.

use istio_catalog::{ComponentName, Version};

use super::Code;
use super::Explanation;
use super::links::UPGRADE;
use super::{Meant, Situation, enumerate};
use crate::inventory::other_pods;
use crate::outcome::{ComponentVersion, ControlPlane, Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "istiod, the gateways made by istioctl, CNI and ztunnel do not run one version.",
    why: "A part of another minor means that an earlier upgrade did not finish, or left something behind. A further \
          step would widen the distance. A difference in the patch alone is only worth knowing.",
    settle: "Finish or undo the earlier upgrade: apply the source version again with its own istioctl and the request \
             of the installation, and delete what is no longer wanted. Then plan again.",
    source: "1.12.9:operator/cmd/mesh/upgrade.go (\"different versions of Istio components found\"; lost since 1.13.0)",
    link: UPGRADE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let planes: Vec<_> = match situation.meant() {
        Meant::None => return Vec::new(),
        Meant::One(plane) => vec![plane],
        Meant::Several(planes) => planes,
    };
    // istiod of another control plane is that control plane's matter.
    let istiods: Vec<_> = planes
        .iter()
        .filter_map(|it| Version::parse_tag(it.version.as_deref()?))
        .collect();
    let rolling = planes
        .iter()
        .filter_map(|plane| half_rolled(situation, plane));
    let rolling: Vec<_> = rolling.collect();
    let (mut minor, mut patch) = (Vec::new(), Vec::new());
    for component in &situation.inventory.components {
        let Some(version) = component.version.as_deref().and_then(Version::parse_tag) else {
            continue;
        };
        if !is_installed_by_istioctl(component) || istiods.is_empty() || istiods.contains(&version)
        {
            continue;
        }
        if istiods
            .iter()
            .any(|it| it.minor_release() == version.minor_release())
        {
            patch.push((component, version));
        } else {
            minor.push((component, version));
        }
    }
    let versions: Vec<_> = istiods.iter().map(Version::to_string).collect();
    let istiod = enumerate(&versions);
    let components = [
        (
            minor,
            Level::Block,
            "another minor",
            "Finish or undo the earlier upgrade, and delete what it left behind",
        ),
        (
            patch,
            Level::Warn,
            "another patch",
            "Nothing has to be done first: the upgrade brings what it renders to one version",
        ),
    ]
    .into_iter()
    .filter(|(components, ..)| !components.is_empty())
    .map(|(components, level, distance, fix)| {
        let parts: Vec<_> = components
            .iter()
            .map(|(it, version)| {
                format!(
                    "{} {}/{} runs {version}",
                    it.component, it.namespace, it.name
                )
            })
            .collect();
        let title = format!(
            "{} of {distance} than istiod",
            if parts.len() == 1 {
                "A component is"
            } else {
                "Components are"
            }
        );
        Finding::new(
            Code::MixedVersions,
            level,
            title,
            format!("istiod runs {istiod}, but {}", enumerate(&parts)),
        )
        .about(components.iter().map(|(it, _)| subject(it)))
        .fix(fix)
    });
    rolling.into_iter().chain(components).collect()
}

/// istiod itself runs in two versions: a rollout that is not done, or stuck.
fn half_rolled(situation: &Situation, plane: &ControlPlane) -> Option<Finding> {
    let others = other_pods(situation.snapshot, plane);
    let own = plane.version.as_deref().and_then(Version::parse_tag)?;
    let (first, _) = others.first()?;
    let is_minor = |it: &Version| it.minor_release() != own.minor_release();
    let level = if others.iter().any(|(version, _)| is_minor(version)) {
        Level::Block
    } else {
        Level::Warn
    };
    let finding = Finding::new(
        Code::MixedVersions,
        level,
        "istiod runs in two versions",
        format!(
            "Of the pods of istiod in {} some run {own}, and {} {first}",
            plane.namespace,
            others.len()
        ),
    );
    let fix =
        "Wait until the rollout of istiod is done, or mend what holds it up, and export again";
    Some(
        finding
            .about(others.into_iter().map(|(_, subject)| subject))
            .fix(fix),
    )
}

/// Pilot is left out: an istiod of another revision is a control plane of its own, one of the same is counted with it.
fn is_installed_by_istioctl(component: &ComponentVersion) -> bool {
    let name = ComponentName::parse(&component.component);
    name.is_some_and(|it| it.is_list() || it.is_node_agent())
}

/// Names the workload.
fn subject(component: &ComponentVersion) -> Subject {
    let name = ComponentName::parse(&component.component);
    let kind = if name.is_some_and(ComponentName::is_node_agent) {
        "DaemonSet"
    } else {
        "Deployment"
    };
    let object = Ref {
        api_version: "apps/v1".to_owned(),
        kind: kind.to_owned(),
        namespace: Some(component.namespace.clone()),
        name: component.name.clone(),
    };
    Subject {
        value: component.version.clone().map(Into::into),
        ..Subject::new(object)
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::{Cluster, component, control_plane};

    #[test]
    fn a_gateway_of_another_minor_blocks() {
        let mut cluster = Cluster::new();
        cluster.inventory.components.push(component(
            "EgressGateways",
            "istio-egressgateway",
            "1.28.10",
        ));
        assert_eq!(cluster.codes(check), ["mixed-versions Block"]);
    }

    #[test]
    fn a_part_of_another_patch_is_worth_a_warning() {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .components
            .push(component("Cni", "istio-cni-node", "1.29.5"));
        assert_eq!(cluster.codes(check), ["mixed-versions Warn"]);
    }

    #[test]
    fn one_version_and_an_unknown_one_are_accepted() {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .components
            .push(component("Ztunnel", "ztunnel", "1.29.6-distroless"));
        cluster
            .inventory
            .components
            .push(component("Cni", "istio-cni-node", "latest"));
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn gateways_of_the_gateway_api_are_data_plane() {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .components
            .push(component("Gateway", "front-istio", "1.28.10"));
        cluster
            .inventory
            .components
            .push(component("Waypoint", "waypoint", "1.28.10"));
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn another_revision_is_another_control_plane() {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .control_planes
            .push(control_plane("istio-system", "canary", "1.30.3"));
        cluster
            .inventory
            .components
            .push(component("Pilot", "istiod-canary", "1.30.3"));
        assert!(cluster.check(check).is_empty());
    }
}
