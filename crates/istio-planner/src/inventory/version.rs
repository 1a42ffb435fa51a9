//! The version of what runs: the image's tag first, then the labels that installers write (domain §7.2).

use istio_catalog::Version;
use sorted::SortedMap;

use super::role::{PROXY, proxy_container};
use super::workload::controller;
use crate::snapshot::{Pod, Snapshot, Workload};

type Labels = SortedMap<String, String>;

/// Returns the version of the container `name` of a pod that an installer made.
pub fn of_pod(snapshot: &Snapshot, pod: &Pod, name: &str) -> Option<Version> {
    let image = pod
        .containers
        .iter()
        .find(|it| it.name == name)
        .and_then(|it| of_image(&it.image));
    image.or_else(|| {
        let workload = controller(snapshot, pod).workload(snapshot);
        workload
            .and_then(|it| of_owner_label(&it.labels))
            .or_else(|| of_chart_labels(&pod.labels))
    })
}

/// Returns the version of a pod's proxy.
///
/// Labels speak only where an installer wrote image and labels together: those of an injected pod are its user's.
pub fn of_proxy(snapshot: &Snapshot, pod: &Pod) -> Option<Version> {
    let proxy = proxy_container(pod)?;
    of_image(&proxy.image).or_else(|| {
        let installed = pod.labels.contains_key("operator.istio.io/component");
        if installed {
            of_pod(snapshot, pod, PROXY)
        } else {
            None
        }
    })
}

/// Returns the version of a workload that runs no pod now.
pub(super) fn of_workload(workload: &Workload, name: &str) -> Option<Version> {
    let image = workload
        .template_containers
        .iter()
        .find(|it| it.name == name)
        .and_then(|it| of_image(&it.image));
    image
        .or_else(|| of_owner_label(&workload.labels))
        .or_else(|| of_chart_labels(&workload.template_labels))
}

/// Returns the version in an image reference without its variant: `1.30.3-distroless` is 1.30.3.
pub(crate) fn of_image(image: &str) -> Option<Version> {
    Version::parse_image(image).map(|it| it.without_variant())
}

/// Reads the label that istioctl puts on everything it applies.
fn of_owner_label(labels: &Labels) -> Option<Version> {
    Version::parse_tag(labels.get("operator.istio.io/version")?).map(|it| it.without_variant())
}

/// Reads the labels of charts since 1.24; `1.0.0` is the version of a chart that was not stamped.
fn of_chart_labels(labels: &Labels) -> Option<Version> {
    let unstamped = Version::new(1, 0, 0);
    let app = labels
        .get("app.kubernetes.io/version")
        .and_then(|it| Version::parse_tag(it));
    let chart = labels.get("helm.sh/chart").and_then(|it| of_chart(it));
    app.filter(|it| *it != unstamped)
        .or(chart.filter(|it| *it != unstamped))
        .map(|it| it.without_variant())
}

/// Reads `istio-ingress-1.29.6`.
fn of_chart(chart: &str) -> Option<Version> {
    chart
        .match_indices('-')
        .find_map(|(at, _)| Version::parse_tag(chart.get(at + 1..)?))
}
