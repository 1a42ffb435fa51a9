//! Control planes: every istiod, by namespace and revision.

use istio_catalog::{ComponentName, DEFAULT_REVISION, Version};
use sorted::SortedMap;

use super::revision::tags;
use super::role::{Role, is_istiod, role};
use super::version;
use crate::outcome::{ControlPlane, Inventory, Ref, Source, Subject};
use crate::snapshot::{Pod, Snapshot, Workload};

/// The container that istiod runs in.
const DISCOVERY: &str = ComponentName::Pilot.container();

/// An istiod of one namespace and revision.
#[derive(Debug, Default)]
struct Plane<'a> {
    pods: Vec<&'a Pod>,
    workload: Option<&'a Workload>,
}

/// Returns every control plane, sorted by namespace and revision.
pub(super) fn control_planes(snapshot: &Snapshot) -> Vec<ControlPlane> {
    let tags = tags(snapshot);
    planes(snapshot)
        .into_iter()
        .map(|((namespace, revision), plane)| {
            let mut names: Vec<_> = tags
                .iter()
                .filter(|it| {
                    it.revision == revision
                        && it.namespace.as_ref().is_none_or(|it| *it == namespace)
                })
                .map(|it| it.name.clone())
                .collect();
            sorted::sort(&mut names);
            names.dedup();
            let running = plane.pods.iter().filter(|it| is_running(it)).count();
            ControlPlane {
                version: version(snapshot, &plane).map(|it| it.to_string()),
                replicas: u32::try_from(running).unwrap_or(u32::MAX),
                tags: names,
                namespace,
                revision,
            }
        })
        .collect()
}

fn planes(snapshot: &Snapshot) -> SortedMap<(String, String), Plane<'_>> {
    let mut planes: SortedMap<(String, String), Plane> = SortedMap::new();
    for pod in snapshot
        .pods
        .values()
        .filter(|it| role(it) == Role::Istiod && super::is_active(it))
    {
        let revision = pod
            .labels
            .get("istio.io/rev")
            .map_or(DEFAULT_REVISION, String::as_str);
        planes
            .entry((pod.namespace.clone(), revision.to_owned()))
            .or_default()
            .pods
            .push(pod);
    }
    for workload in snapshot.workloads.values().filter(|it| runs_istiod(it)) {
        let label = |labels: &SortedMap<String, String>| labels.get("istio.io/rev").cloned();
        let revision = label(&workload.template_labels).or_else(|| label(&workload.labels));
        let key = (
            workload.namespace.clone(),
            revision.unwrap_or_else(|| DEFAULT_REVISION.to_owned()),
        );
        planes.entry(key).or_default().workload = Some(workload);
    }
    planes
}

fn runs_istiod(workload: &Workload) -> bool {
    workload.kind == "Deployment"
        && is_istiod(|key| workload.template_labels.get(key).map(String::as_str))
        && workload
            .template_containers
            .iter()
            .any(|it| it.name == DISCOVERY)
}

/// Pods are counted as the kubelet reports them; an export may leave the status out.
fn is_running(pod: &Pod) -> bool {
    matches!(pod.phase.as_str(), "Running" | "")
}

/// Returns the version that most istiod pods run, the older of two that run equally often.
fn version(snapshot: &Snapshot, plane: &Plane<'_>) -> Option<Version> {
    let mut versions: SortedMap<Version, usize> = SortedMap::new();
    for pod in &plane.pods {
        if let Some(version) = version::of_pod(snapshot, pod, DISCOVERY) {
            *versions.entry(version).or_default() += 1;
        }
    }
    let most = versions.values().max().copied();
    let running = versions
        .into_iter()
        .find(|(_, count)| Some(*count) == most)
        .map(|(version, _)| version);
    running.or_else(|| {
        plane
            .workload
            .and_then(|it| version::of_workload(it, DISCOVERY))
    })
}

/// Returns the version that a request would replace, and where it was read.
///
/// `namespace` and `revision` are those of the control plane that is meant; with `None` all are asked, and the version
/// is known only if they agree.
pub fn source(snapshot: &Snapshot, inventory: &Inventory, meant: Option<&ControlPlane>) -> Source {
    let planes: Vec<_> = match meant {
        Some(plane) => vec![plane],
        None => inventory.control_planes.iter().collect(),
    };
    let Some(first) = planes.first() else {
        return Source::default();
    };
    let agreed = planes.iter().all(|it| it.version == first.version);
    let read = self::planes(snapshot);
    let evidence = planes
        .iter()
        .filter_map(|it| read.get(&(it.namespace.clone(), it.revision.clone())))
        .flat_map(evidence)
        .collect();
    Source {
        version: first.version.clone().filter(|_| agreed),
        evidence,
    }
}

/// Returns the istiod pods of a control plane that run another version than it has, with theirs.
pub(crate) fn other_pods(snapshot: &Snapshot, of: &ControlPlane) -> Vec<(Version, Subject)> {
    let planes = planes(snapshot);
    let own = of.version.as_deref().and_then(Version::parse_tag);
    let plane = planes.get(&(of.namespace.clone(), of.revision.clone()));
    let Some((plane, own)) = plane.zip(own) else {
        return Vec::new();
    };
    let pods = plane.pods.iter().filter_map(|it| {
        let version = version::of_pod(snapshot, it, DISCOVERY)?;
        (version != own).then(|| (version, pod_evidence(it)))
    });
    pods.collect()
}

const IMAGE: &str = "spec.containers[name=discovery].image";

fn image(containers: &[crate::snapshot::Container]) -> String {
    let discovery = containers.iter().find(|it| it.name == DISCOVERY);
    discovery.map(|it| it.image.clone()).unwrap_or_default()
}

fn pod_evidence(pod: &Pod) -> Subject {
    let object = Ref::new("v1", "Pod", &pod.namespace, &pod.name);
    Subject::exported(object, &pod.origin)
        .field(IMAGE)
        .value(image(&pod.containers))
}

fn evidence(plane: &Plane<'_>) -> Vec<Subject> {
    let found: Vec<_> = plane.pods.iter().map(|it| pod_evidence(it)).collect();
    if !found.is_empty() {
        return found;
    }
    let workload = plane.workload.map(|it| {
        let object = Ref::new(&it.api_version, &it.kind, &it.namespace, &it.name);
        let field = format!("spec.template.{IMAGE}");
        Subject::exported(object, &it.origin)
            .field(field)
            .value(image(&it.template_containers))
    });
    workload.into_iter().collect()
}
