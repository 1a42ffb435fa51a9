//! A small healthy cluster for the tests of rules: istiod 1.29.6 twice, installed by istioctl, to go to 1.30.3.

mod words;

use serde_json::Value;
use sorted::SortedMap;

use super::{Desired, Facts, FoundReleases, Situation};
use crate::customisation::Setting;
use crate::dataplane::Trouble;
use crate::diff::DiffOutcome;
use crate::input::{Asked, Documents, Request, RequestFile};
use crate::outcome::{
    Change, ComponentVersion, ControlPlane, Finding, Installer, InstallerKind, Inventory,
    Kubernetes, Ref, Restart, Reverted, Source, Subject,
};
use crate::snapshot::{Object, Origin, Pod, Snapshot, Workload};
use istio_catalog::{Facts as Known, Minor, Version};
use istio_render::Diagnostic;

/// What a situation borrows from.
pub(crate) struct Cluster {
    pub(crate) request: Request,
    pub(crate) snapshot: Snapshot,
    pub(crate) inventory: Inventory,
    pub(crate) installers: Vec<Installer>,
    pub(crate) source: Source,
    pub(crate) hops: Vec<String>,
    pub(crate) facts: Option<Facts>,
    pub(crate) as_of: Option<String>,
    pub(crate) reverted: Vec<Reverted>,
    pub(crate) restarts: Vec<Restart>,
    /// What the target renders, where a rule reads it.
    pub(crate) rendering: Option<istio_render::Rendering>,
    pub(crate) changes: Vec<Change>,
    pub(crate) unknown: Vec<Setting>,
    pub(crate) found: FoundReleases,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) troubles: Vec<(Trouble, Subject)>,
    pub(crate) proxy_version: Option<Version>,
    /// What the apply does beside `changes`.
    pub(crate) diff: DiffOutcome<'static>,
    pub(crate) releases: Vec<istio_render::Release>,
    pub(crate) installation: Option<crate::customisation::Installation>,
}

/// Kinds that every export holds.
const KINDS: [&str; 14] = [
    "v1/Pod",
    "v1/Namespace",
    "v1/Node",
    "v1/Service",
    "v1/ConfigMap",
    "v1/ServiceAccount",
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "rbac.authorization.k8s.io/v1/ClusterRole",
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
    "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    "discovery.k8s.io/v1/EndpointSlice",
];

impl Cluster {
    /// Nothing is wrong with it but what a default installation has.
    pub(crate) fn new() -> Self {
        let mut cluster = Self {
            request: Request {
                to: "1.30.3".to_owned(),
                ..Request::default()
            },
            snapshot: Snapshot {
                server_version: Some("1.34.4".to_owned()),
                managed_fields: true,
                kinds: KINDS.iter().map(|it| ((*it).to_owned(), 1)).collect(),
                ..Snapshot::default()
            },
            inventory: Inventory {
                kubernetes: Kubernetes {
                    server: Some("1.34.4".to_owned()),
                    nodes: SortedMap::new(),
                },
                control_planes: vec![control_plane("istio-system", "default", "1.29.6")],
                components: vec![component("Pilot", "istiod", "1.29.6")],
                ..Inventory::default()
            },
            installers: vec![installer(InstallerKind::Istioctl, &["Base", "Pilot"])],
            source: Source {
                version: Some("1.29.6".to_owned()),
                evidence: Vec::new(),
            },
            hops: vec!["1.29.6".to_owned(), "1.30.3".to_owned()],
            facts: Some(Facts {
                charts: Some(Version::new(1, 30, 3)),
                kubernetes_minimum: Some(Minor::new(1, 32)),
                kubernetes_documented: Some((Minor::new(1, 32), Minor::new(1, 36))),
                compatibility_versions: ["1.25", "1.26", "1.27", "1.28", "1.29"]
                    .map(str::to_owned)
                    .to_vec(),
                end_of_life: Some("2027-02-01".to_owned()),
                ..Facts::default()
            }),
            as_of: None,
            reverted: Vec::new(),
            restarts: Vec::new(),
            rendering: None,
            changes: Vec::new(),
            unknown: Vec::new(),
            found: FoundReleases {
                source: true,
                target: true,
            },
            diagnostics: Vec::new(),
            troubles: Vec::new(),
            proxy_version: None,
            diff: DiffOutcome::default(),
            releases: Vec::new(),
            installation: None,
        };
        cluster.pod(
            "istio-system",
            "istiod-1",
            &[("app", "istiod"), ("istio.io/rev", "default")],
        );
        cluster.pod(
            "istio-system",
            "istiod-2",
            &[("app", "istiod"), ("istio.io/rev", "default")],
        );
        cluster.deployment(
            "istio-system",
            "istiod",
            2,
            &[("app", "istiod"), ("istio.io/rev", "default")],
        );
        cluster
    }

    /// Runs one rule; its words must be those that are written down.
    pub(crate) fn check(&self, rule: fn(&Situation) -> Vec<Finding>) -> Vec<Finding> {
        let findings = self.with_situation(rule);
        findings.iter().for_each(words::hold);
        findings
    }

    /// Calls with the situation of this cluster and its request.
    pub(crate) fn with_situation<T>(&self, work: impl FnOnce(&Situation) -> T) -> T {
        let from = self.source.version.as_deref().and_then(Version::parse_tag);
        let to = Version::parse_release(&self.request.to);
        work(&Situation {
            request: &self.request,
            documents: &Documents::new(&self.request),
            asked: &Asked::new(&self.request),
            snapshot: &self.snapshot,
            inventory: &self.inventory,
            installers: &self.installers,
            source: &self.source,
            from: from.as_ref(),
            to: to.as_ref(),
            hops: &self.hops,
            facts: self.facts.as_ref(),
            known: Known::embedded(),
            as_of: self.as_of.as_deref(),
            reverted: &self.reverted,
            unknown: &self.unknown,
            found: self.found,
            diagnostics: &self.diagnostics,
            restarts: &self.restarts,
            troubles: &self.troubles,
            proxy_version: self.proxy_version.as_ref(),
            diff: Some(&self.diff),
            desired: self.rendering.as_ref().map(|rendering| Desired {
                rendering,
                changes: &self.changes,
            }),
            releases: &self.releases,
            installation: self.installation.as_ref(),
        })
    }

    /// Runs one rule, and returns code and level of each finding.
    pub(crate) fn codes(&self, rule: fn(&Situation) -> Vec<Finding>) -> Vec<String> {
        self.check(rule)
            .iter()
            .map(|it| format!("{} {:?}", it.code, it.level))
            .collect()
    }

    pub(crate) fn file(&mut self, text: &str) {
        self.request.files.push(RequestFile {
            name: "iop.yaml".to_owned(),
            text: text.to_owned(),
        });
    }

    pub(crate) fn pod(&mut self, namespace: &str, name: &str, labels: &[(&str, &str)]) -> &mut Pod {
        let pod = Pod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            labels: map(labels),
            phase: "Running".to_owned(),
            ready: true,
            ..Pod::default()
        };
        self.snapshot
            .pods
            .entry((namespace.to_owned(), name.to_owned()))
            .or_insert(pod)
    }

    pub(crate) fn deployment(
        &mut self,
        namespace: &str,
        name: &str,
        replicas: i64,
        labels: &[(&str, &str)],
    ) {
        let workload = Workload {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            labels: map(labels),
            template_labels: map(labels),
            replicas,
            ..Workload::default()
        };
        let key = (
            "Deployment".to_owned(),
            namespace.to_owned(),
            name.to_owned(),
        );
        self.snapshot.workloads.insert(key, workload);
    }

    /// Makes the target render an object.
    pub(crate) fn render(&mut self, component: &str, object: Value) {
        let rendering = self
            .rendering
            .get_or_insert_with(|| istio_render::Rendering {
                merged: Value::Null,
                user: Value::Null,
                components: Vec::new(),
                diagnostics: Vec::new(),
            });
        rendering.components.push(istio_render::Component {
            name: component.to_owned(),
            namespace: "istio-system".to_owned(),
            objects: vec![object],
            values: Value::Null,
        });
    }

    /// Adds an object from its JSON.
    pub(crate) fn object(&mut self, value: Value) {
        let text = |pointer: &str| {
            value
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let object = Ref {
            api_version: text("/apiVersion").unwrap(),
            kind: text("/kind").unwrap(),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name").unwrap(),
        };
        *self
            .snapshot
            .kinds
            .entry(format!("{}/{}", object.api_version, object.kind))
            .or_default() += 1;
        self.snapshot.objects.insert(
            object,
            Object {
                value,
                origin: Origin::default(),
            },
        );
    }
}

pub(crate) fn control_plane(namespace: &str, revision: &str, version: &str) -> ControlPlane {
    ControlPlane {
        namespace: namespace.to_owned(),
        revision: revision.to_owned(),
        version: Some(version.to_owned()),
        replicas: 2,
        tags: Vec::new(),
    }
}

pub(crate) fn component(component: &str, name: &str, version: &str) -> ComponentVersion {
    ComponentVersion {
        component: component.to_owned(),
        namespace: "istio-system".to_owned(),
        name: name.to_owned(),
        version: Some(version.to_owned()),
        pods: 1,
    }
}

pub(crate) fn installer(kind: InstallerKind, covers: &[&str]) -> Installer {
    Installer {
        kind,
        name: None,
        covers: covers.iter().map(|it| (*it).to_owned()).collect(),
        evidence: Vec::new(),
    }
}

fn map(labels: &[(&str, &str)]) -> SortedMap<String, String> {
    labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
