//! `several-control-planes`: the request has to mean one (domain §7.3).

use super::Code;
use super::Explanation;
use super::{Meant, Situation, enumerate, revisioned_install};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "More than one control plane could be meant by the request.",
    why: "Objects of the whole cluster (CRDs, cluster roles, the default webhooks) belong to one of them. An apply for \
          the wrong one would take them over.",
    settle: "Upgrade control planes of a revision each by its own way, and one mesh at a time.",
    source: "istio.io, Install Multiple Istio Control Planes in a Single Cluster",
    link: Some("https://istio.io/latest/docs/setup/install/multiple-controlplanes/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Meant::Several(planes) = situation.meant() else {
        return Vec::new();
    };
    let names: Vec<_> = planes
        .iter()
        .map(|it| {
            let version = it.version.as_deref().unwrap_or("an unknown version");
            format!("{} (revision {}, {version})", it.namespace, it.revision)
        })
        .collect();
    let mut namespaces: Vec<_> = planes.iter().map(|it| it.namespace.as_str()).collect();
    namespaces.dedup();
    let fix = if namespaces.len() == planes.len() {
        format!(
            "Name the one that is meant with `--istio-namespace {}`",
            namespaces.join("` or `--istio-namespace ")
        )
    } else {
        "Upgrade them by revisions, one after the other".to_owned()
    };
    let finding = Finding::new(
        Code::SeveralControlPlanes,
        Level::Block,
        format!(
            "The request could mean each of {} control planes",
            planes.len()
        ),
        format!("istiod runs in {}", enumerate(&names)),
    );
    vec![
        finding
            .about(planes.into_iter().map(revisioned_install::subject))
            .fix(fix),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::{Cluster, control_plane};

    fn two() -> Cluster {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .control_planes
            .push(control_plane("mesh-b", "default", "1.29.6"));
        cluster
    }

    #[test]
    fn two_control_planes_of_the_same_revision_block() {
        assert_eq!(two().codes(check), ["several-control-planes Block"]);
    }

    #[test]
    fn a_namespace_settles_which_one_is_meant() {
        let mut cluster = two();
        cluster.request.namespace = Some("mesh-b".to_owned());
        assert!(cluster.check(check).is_empty());
        let mut cluster = two();
        cluster.request.sets = vec!["values.global.istioNamespace=mesh-b".to_owned()];
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn the_default_revision_is_meant_where_others_have_one() {
        let mut cluster = Cluster::new();
        cluster
            .inventory
            .control_planes
            .push(control_plane("istio-system", "canary", "1.29.6"));
        assert!(cluster.check(check).is_empty());
    }
}
