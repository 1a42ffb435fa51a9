//! `source-too-old` and `source-version-unknown`: what runs has to be known, and be 1.6 or newer (domain §5.1).

use istio_catalog::Version;

use super::{Meant, Situation, pod_subject, workload_subject};
use crate::finding::Code;
use crate::outcome::{Finding, Level, Subject};

/// The first version whose control plane is one istiod.
const OLDEST: Version = Version::new(1, 6, 0);

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    contradicted(it).into_iter().chain(known(it)).collect()
}

/// What the user says of the version is none, or is not what runs.
fn contradicted(it: &Situation) -> Option<Finding> {
    let said = it.request.from.as_deref()?;
    let place = Subject::flag("--from").value(said);
    let Some(version) = Version::parse_tag(said) else {
        let finding = Finding::new(
            Code::RequestInvalid,
            Level::Block,
            format!("{said:?} is not a version"),
            "A source is a release of Istio, as 1.29.6",
        );
        return Some(
            finding
                .about([place])
                .fix("Give what `istioctl version` prints of the control plane with `--from`"),
        );
    };
    let runs = it.from.filter(|it| **it != version)?;
    let finding = Finding::new(
        Code::RequestInvalid,
        Level::Block,
        format!("The export shows that {runs} runs, not {version}"),
        "What runs is read from the cluster; `--from` only fills in what the export does not tell",
    );
    let evidence = it.source.evidence.iter().cloned();
    Some(
        finding
            .about(evidence.chain([place]))
            .fix("Leave `--from` out, or name the export of the cluster that was meant"),
    )
}

fn known(it: &Situation) -> Vec<Finding> {
    match it.from {
        Some(from) if *from < OLDEST => vec![
            Finding::new(
                Code::SourceTooOld,
                Level::Block,
                format!("{from} is older than 1.6 and cannot be upgraded in place"),
                "Before 1.6 the control plane was several programs, installed by other means",
            )
            .about(it.source.evidence.iter().cloned())
            .fix("Install a supported release as a new revision beside it and move the workloads"),
        ],
        Some(_) => Vec::new(),
        None => unknown(it),
    }
}

/// Something runs, but nothing tells its version.
fn unknown(it: &Situation) -> Vec<Finding> {
    let planes = match it.meant() {
        Meant::None => return Vec::new(),
        Meant::One(plane) => vec![plane],
        Meant::Several(planes) => planes,
    };
    let mut subjects = Vec::new();
    for plane in planes {
        subjects.extend(it.istiod_deployment(plane).map(workload_subject));
        for pod in it.istiod_pods(plane) {
            let image = pod
                .containers
                .iter()
                .find(|it| it.name == "discovery")
                .map(|it| it.image.clone());
            let subject = pod_subject(pod).field("spec.containers[name=discovery].image");
            subjects.extend(image.map(|it| subject.value(it)));
        }
    }
    let finding = Finding::new(
        Code::SourceVersionUnknown,
        Level::Unknown,
        "The version that runs is unknown",
        "No image tag, label or chart of istiod is a version; neither the distance to the target nor what changes on the \
         way can be told",
    );
    vec![
        finding
            .about(subjects)
            .fix("Read it with `istioctl version` and add `--from VERSION`"),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::precheck::fixture::Cluster;
    use crate::snapshot::Container;

    #[test]
    fn a_source_before_1_6_is_refused() {
        let mut cluster = Cluster::new();
        cluster.source.version = Some("1.5.10".to_owned());
        assert_eq!(cluster.codes(check), ["source-too-old Block"]);
    }

    #[test]
    fn a_known_source_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn a_source_that_contradicts_the_export_is_refused() {
        let mut cluster = Cluster::new();
        cluster.request.from = Some("1.28.0".to_owned());
        assert_eq!(cluster.codes(check), ["request-invalid Block"]);
        cluster.request.from = Some("1.29.6".to_owned());
        assert!(cluster.check(check).is_empty());
        cluster.request.from = Some("latest".to_owned());
        assert_eq!(cluster.codes(check), ["request-invalid Block"]);
    }

    #[test]
    fn an_unknown_source_shows_the_images_that_do_not_tell() {
        let mut cluster = Cluster::new();
        cluster.source.version = None;
        cluster
            .pod("istio-system", "istiod-1", &[])
            .containers
            .push(Container {
                name: "discovery".to_owned(),
                image: "registry.example/pilot:latest".to_owned(),
                ..Container::default()
            });
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, "source-version-unknown");
        let values: Vec<_> = findings[0]
            .subjects
            .iter()
            .filter_map(|it| it.value.clone())
            .collect();
        assert_eq!(values, ["registry.example/pilot:latest"]);
    }

    #[test]
    fn nothing_is_said_where_no_control_plane_runs() {
        let mut cluster = Cluster::new();
        cluster.source.version = None;
        cluster.inventory.control_planes.clear();
        assert!(cluster.check(check).is_empty());
    }
}
