//! What the rules read.

use crate::customisation::Setting;
use crate::dataplane::Trouble;
use crate::diff::DiffOutcome;
use crate::input::{Asked, Documents, Meant, Request, meant};
use crate::outcome::{
    Change, ControlPlane, Installer, Inventory, Ref, Restart, Reverted, Source, Subject,
};
use crate::snapshot::{self, Object, Pod, Snapshot, Workload};
use istio_catalog::{Catalog, Facts as Known, GatewayApiLimit, Minor, Version};
use istio_render::Diagnostic;

/// Everything that the rules read.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    /// As typed.
    pub(crate) request: &'a Request,
    /// Its files, read.
    pub(crate) documents: &'a Documents<'a>,
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
    /// Settings of the installation that the older release does not have.
    pub(crate) unknown: &'a [Setting],
    /// Which releases are there to be read.
    pub(crate) found: FoundReleases,
    /// What the renderer says of the request.
    pub(crate) diagnostics: &'a [Diagnostic],
    /// Workloads whose proxies stay old.
    pub(crate) restarts: &'a [Restart],
    /// What stands in the way of restarting proxies.
    pub(crate) troubles: &'a [(Trouble, Subject)],
    /// The version of the proxies that the target's injector gives.
    pub(crate) proxy_version: Option<&'a Version>,
    /// What the apply does beside changing objects; `None` where nothing was rendered.
    pub(crate) diff: Option<&'a DiffOutcome<'a>>,
    /// What the target would make of the cluster; `None` where nothing was rendered.
    pub(crate) desired: Option<Desired<'a>>,
    /// The releases that were found.
    pub(crate) releases: &'a [istio_render::Release],
    /// Settings of the installation, as far as the cluster tells them.
    pub(crate) installation: Option<&'a crate::customisation::Installation>,
}

/// Whether the releases of both ends are there to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoundReleases {
    /// That of the source.
    pub(crate) source: bool,
    /// That of the target.
    pub(crate) target: bool,
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
    /// The newest patch of its minor, and the day of its release.
    pub(crate) newest_patch: Option<(Version, String)>,
    /// Security bulletins that the newest patch settles and the target does not.
    pub(crate) fixed_later: Vec<String>,
    /// Gateway API bundles that its istiod passes over.
    pub(crate) gateway_api: Vec<GatewayApiLimit>,
    /// Gateway API bundles that the source's istiod passes over.
    pub(crate) source_gateway_api: Vec<GatewayApiLimit>,
}

impl Facts {
    /// Looks a target up; `None` for a minor that the catalogue does not know.
    ///
    /// With a day, patches of later days do not exist.
    pub(crate) fn read(
        from: Option<&Version>,
        to: &Version,
        known: &Known,
        as_of: Option<&str>,
    ) -> Option<Self> {
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
            newest_patch: known
                .newest_patch(minor, as_of)
                .map(|(version, day)| (version.clone(), day.to_owned())),
            fixed_later: known
                .newest_patch(minor, as_of)
                .map(|(newest, _)| {
                    let fixed = known.bulletins_fixed(to, newest);
                    fixed.map(|it| it.id.clone()).collect()
                })
                .unwrap_or_default(),
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
        snapshot::objects(self.snapshot, group, kind)
    }

    /// Whether the export holds any object of a kind, in any version.
    pub(crate) fn exported(&self, kind: &str) -> bool {
        self.snapshot
            .kinds
            .keys()
            .any(|it| it.rsplit('/').next() == Some(kind))
    }
}

/// Whether labels are those of istiod of a revision; an istiod without a revision label is the default one.
fn is_istiod(labels: &sorted::SortedMap<String, String>, revision: &str) -> bool {
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

/// Returns how many minors `a` is ahead of `b`; `None` across majors.
pub(crate) fn minors_ahead(a: &Version, b: &Version) -> Option<i64> {
    (a.major == b.major).then(|| i64::from(a.minor) - i64::from(b.minor))
}
