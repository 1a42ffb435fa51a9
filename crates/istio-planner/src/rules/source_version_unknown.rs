//! `source-version-unknown`: what runs has to be known (domain §5.1).

use super::Code;
use super::Explanation;
use super::{Meant, Situation, pod_subject, workload_subject};
use crate::outcome::{Finding, Level};
use istio_catalog::ComponentName;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "No image tag, label or chart in the export gives the version of istiod.",
    why: "Without it neither the distance to the target nor the changed defaults can be told.",
    settle: "Read it with `istioctl version` and give it with `--from`, or export pods and Deployments of the \
             control plane's namespace.",
    source: "1.31:operator/pkg/version/version.go",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    if situation.from.is_some() {
        return Vec::new();
    }
    let planes = match situation.meant() {
        Meant::None => return Vec::new(),
        Meant::One(plane) => vec![plane],
        Meant::Several(planes) => planes,
    };
    let mut subjects = Vec::new();
    for plane in planes {
        subjects.extend(situation.istiod_deployment(plane).map(workload_subject));
        for pod in situation.istiod_pods(plane) {
            let image = pod
                .containers
                .iter()
                .find(|it| it.name == ComponentName::Pilot.container())
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
    use super::{Code, check};
    use crate::rules::fixture::Cluster;
    use crate::snapshot::Container;

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
        assert_eq!(findings[0].code, Code::SourceVersionUnknown);
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

    #[test]
    fn a_known_source_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
