//! What the rules read.

use serde_json::Value;

use crate::input::{Asked, Request};
use crate::outcome::{
    Change, ControlPlane, Installer, Inventory, Ref, Restart, Reverted, Source, Subject,
};
use crate::snapshot::{Object, Pod, Snapshot, Workload};
use istio_catalog::{Catalog, Facts as Known, GatewayApiLimit, Minor, Version};

/// The revision of an installation that has none.
pub(crate) const DEFAULT_REVISION: &str = "default";

/// Everything that the rules read.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    /// As typed.
    pub(crate) request: &'a Request,
    /// What the request says about itself.
    pub(crate) asked: &'a Asked,
    /// The cluster.
    pub(crate) snapshot: &'a Snapshot,
    /// What runs.
    pub(crate) inventory: &'a Inventory,
    /// Who installed it.
    pub(crate) installers: &'a [Installer],
    /// The version that runs, with its evidence.
    pub(crate) source: &'a Source,
    /// The version that runs.
    pub(crate) from: Option<&'a Version>,
    /// The version asked for.
    pub(crate) to: Option<&'a Version>,
    /// From source to target.
    pub(crate) hops: &'a [String],
    /// What the catalogue knows of the target; `None`: nothing.
    pub(crate) facts: Option<&'a Facts>,
    /// What is known of releases beyond their archives.
    pub(crate) known: &'a Known,
    /// Today as `YYYY-MM-DD`.
    pub(crate) as_of: Option<&'a str>,
    /// Settings of the installation that the request would revert.
    pub(crate) reverted: &'a [Reverted],
    /// Workloads whose proxies stay old.
    pub(crate) restarts: &'a [Restart],
    /// What the target would make of the cluster; `None` where nothing was rendered.
    pub(crate) desired: Option<Desired<'a>>,
    /// Releases at hand.
    pub(crate) releases: &'a [istio_render::Release],
    /// Settings of the installation, as far as the cluster tells them.
    pub(crate) installation: Option<&'a crate::customisation::Installation>,
}

/// What the catalogue knows of a release.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// The charts of which patch are known: the very one, or the nearest.
    pub(crate) charts: Option<Version>,
    /// The day of its release, where it is known.
    pub(crate) released: Option<String>,
    /// The oldest server that the release's code accepts.
    pub(crate) kubernetes_minimum: Option<Minor>,
    /// The documented range of servers, both ends included.
    pub(crate) kubernetes_documented: Option<(Minor, Minor)>,
    /// Compatibility versions that its charts ship, oldest first (`1.25`).
    pub(crate) compatibility_versions: Vec<String>,
    /// End of support of its minor, as `YYYY-MM-DD`.
    pub(crate) end_of_life: Option<String>,
    /// Gateway API bundles that its istiod passes over.
    pub(crate) gateway_api: Vec<GatewayApiLimit>,
    /// Gateway API bundles that the source's istiod passes over.
    pub(crate) source_gateway_api: Vec<GatewayApiLimit>,
}

impl Facts {
    /// Looks a target up; `None` for a minor that the catalogue does not know.
    pub(crate) fn of(from: Option<&Version>, to: &Version, known: &Known) -> Option<Self> {
        let catalog = Catalog::embedded();
        let release = catalog.release(to)?;
        let minor = to.minor_release();
        let kubernetes = known.kubernetes(minor);
        let limits = |version: &Version| catalog.gateway_api_limits(version).cloned().collect();
        Some(Self {
            charts: Some(release.version().clone()),
            released: known.released(to).map(str::to_owned),
            kubernetes_minimum: kubernetes.code_minimum,
            kubernetes_documented: kubernetes.minimum.zip(kubernetes.maximum),
            compatibility_versions: release
                .compatibility_versions()
                .iter()
                .map(ToString::to_string)
                .collect(),
            end_of_life: known.end_of_life(minor).map(|it| it.date),
            gateway_api: limits(to),
            source_gateway_api: from.map(limits).unwrap_or_default(),
        })
    }
}

/// What the target would make of the cluster.
#[derive(Clone, Copy)]
pub(crate) struct Desired<'a> {
    /// The request, rendered by the target.
    pub(crate) rendering: &'a istio_render::Rendering,
    /// What an apply changes.
    pub(crate) changes: &'a [Change],
}

/// The control plane that a request means.
pub(crate) enum Meant<'a> {
    /// There is none.
    None,
    /// This one.
    One(&'a ControlPlane),
    /// The request could mean each of them.
    Several(Vec<&'a ControlPlane>),
}

/// Returns the control plane that a request means: of its namespace, if it names one; of its revision, if it runs.
pub(crate) fn meant<'a>(inventory: &'a Inventory, asked: &Asked) -> Meant<'a> {
    let namespace = asked.namespace.as_ref().map(|it| it.value.as_str());
    let revision = asked
        .revision
        .as_ref()
        .map_or(DEFAULT_REVISION, |it| it.value.as_str());
    let mut planes: Vec<_> = inventory
        .control_planes
        .iter()
        .filter(|it| namespace.is_none_or(|namespace| it.namespace == namespace))
        .collect();
    if planes.iter().any(|it| it.revision == revision) {
        planes.retain(|it| it.revision == revision);
    }
    match planes.as_slice() {
        [] => Meant::None,
        [one] => Meant::One(one),
        _ => Meant::Several(planes),
    }
}

impl<'a> Meant<'a> {
    /// Returns the control plane, if it is one.
    pub(crate) fn one(self) -> Option<&'a ControlPlane> {
        match self {
            Self::One(it) => Some(it),
            Self::None | Self::Several(_) => None,
        }
    }
}

impl<'a> Situation<'a> {
    /// Returns the control plane that the request means.
    pub(crate) fn meant(&self) -> Meant<'a> {
        meant(self.inventory, self.asked)
    }

    /// Returns the control plane that the request means, if it is one.
    pub(crate) fn control_plane(&self) -> Option<&'a ControlPlane> {
        self.meant().one()
    }

    /// Returns the running istiod pods of a control plane.
    pub(crate) fn istiod_pods(&self, plane: &ControlPlane) -> Vec<&'a Pod> {
        self.snapshot
            .pods
            .values()
            .filter(|it| it.namespace == plane.namespace && runs(it))
            .filter(|it| is_istiod(&it.labels, &plane.revision))
            .collect()
    }

    /// Returns the istiod Deployment of a control plane.
    pub(crate) fn istiod_deployment(&self, plane: &ControlPlane) -> Option<&'a Workload> {
        self.snapshot
            .workloads
            .values()
            .filter(|it| it.kind == "Deployment" && it.namespace == plane.namespace)
            .find(|it| {
                is_istiod(&it.template_labels, &plane.revision)
                    || is_istiod(&it.labels, &plane.revision)
            })
    }

    /// Returns the objects of a kind, of every version of the API group.
    pub(crate) fn objects(
        &self,
        group: &str,
        kind: &str,
    ) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
        objects(self.snapshot, group, kind)
    }

    /// Whether the export holds any object of a kind, in any version.
    pub(crate) fn exported(&self, kind: &str) -> bool {
        self.snapshot
            .kinds
            .keys()
            .any(|it| it.rsplit('/').next() == Some(kind))
    }
}

/// Returns the kept objects of a kind, of every version of the API group.
pub(crate) fn objects<'a>(
    snapshot: &'a Snapshot,
    group: &str,
    kind: &str,
) -> impl Iterator<Item = (&'a Ref, &'a Object)> {
    snapshot
        .objects
        .iter()
        .filter(move |(object, _)| object.kind == kind && group_of(&object.api_version) == group)
}

/// Returns the API group of an `apiVersion`; the core group is empty.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether labels are those of istiod of a revision; an istiod without a revision label is the default one.
fn is_istiod(labels: &std::collections::BTreeMap<String, String>, revision: &str) -> bool {
    labels.get("app").is_some_and(|it| it == "istiod")
        && labels.get("istio.io/rev").is_none_or(|it| it == revision)
}

/// Whether a pod is meant to be running: neither ended nor being deleted.
pub(crate) fn runs(pod: &Pod) -> bool {
    !pod.deleting && !matches!(pod.phase.as_str(), "Succeeded" | "Failed")
}

/// Names a pod and where it stood.
pub(crate) fn pod_subject(pod: &Pod) -> Subject {
    let object = Ref {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some(pod.namespace.clone()),
        name: pod.name.clone(),
    };
    Subject::exported(object, &pod.origin)
}

/// Names a workload and where it stood.
pub(crate) fn workload_subject(workload: &Workload) -> Subject {
    let object = Ref {
        api_version: workload.api_version.clone(),
        kind: workload.kind.clone(),
        namespace: Some(workload.namespace.clone()),
        name: workload.name.clone(),
    };
    Subject::exported(object, &workload.origin)
}

/// Returns a string inside data, by JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Returns how many minors `a` is ahead of `b`; `None` across majors.
pub(crate) fn minors_ahead(a: &Version, b: &Version) -> Option<i64> {
    (a.major == b.major).then(|| i64::from(a.minor) - i64::from(b.minor))
}

/// Joins words as a sentence does: `a`, `a and b`, `a, b and c`.
pub(crate) fn enumerate<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// Returns the number and the word, with an `s` but for one.
pub(crate) fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}
