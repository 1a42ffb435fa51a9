//! Facts about the installation: its own objects and settings.

use super::cluster::{Cluster, Item, of_workload};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

/// Values that the charts no longer take from 1.24 on (releasenotes/notes/51987.yaml).
const GONE_IN_24: &[&str] = &[
    "global.autoscalingv2API",
    "global.configRootNamespace",
    "global.defaultConfigVisibilitySettings",
    "global.useMCP",
    "pilot.configNamespace",
    "pilot.configSource",
    "pilot.enableProtocolSniffingForInbound",
    "pilot.enableProtocolSniffingForOutbound",
    "pilot.useMCP",
    "sidecarInjectorWebhook.objectSelector",
    "sidecarInjectorWebhook.useLegacySelectors",
];

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::DnsCertificatesGone,
        since: &[(18, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "istiod no longer makes certificates for DNS names",
        detail: "Nothing reads meshConfig.certificates any more: the Secrets that istiod wrote stay as they are, and are not \
                 renewed when they end.",
        fix: "Let cert-manager or another issuer make these certificates, and take the setting out of the request.",
        setting: None,
        source: "releasenotes/notes/chiron.yaml",
        reverses: false,
        evidence: |cluster| cluster.mesh_settings(&["certificates"]),
    },
    Fact {
        code: Code::InstalledStateGone,
        since: &[(21, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "istioctl no longer keeps what it installed in an IstioOperator of the cluster",
        detail: "The one that is there is the record of the last installation. istioctl 1.21 to 1.23 delete it.",
        fix: "Save it before the upgrade: its settings have to be in the request.",
        setting: None,
        source: "releasenotes/notes/drop-iop.yaml",
        reverses: false,
        evidence: |cluster| {
            let states = operators(cluster).filter(|it| it.name().starts_with("installed-state"));
            states.map(|it| it.subject("metadata.name")).collect()
        },
    },
    Fact {
        code: Code::InClusterOperatorGone,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "There is no in-cluster operator any more",
        detail: "The one that runs would bring everything back to its own release.",
        fix: "Remove the operator, keep its IstioOperator as a file, and go on with istioctl or Helm.",
        setting: None,
        source: "releasenotes/notes",
        reverses: false,
        evidence: |cluster| {
            let operators = cluster.workloads().filter(|it| {
                it.kind == "Deployment"
                    && (it.name == "istio-operator" || it.name.starts_with("istio-operator-"))
            });
            operators
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
    Fact {
        code: Code::ExternalProfileGone,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "The profile external is gone",
        detail: "The profile remote has taken its place.",
        fix: "Use the profile remote.",
        setting: None,
        source: "releasenotes/notes/50218.yaml",
        reverses: false,
        evidence: |cluster| {
            let external =
                operators(cluster).filter(|it| it.text("/spec/profile") == Some("external"));
            external
                .map(|it| it.subject("spec.profile").value("external"))
                .collect()
        },
    },
    Fact {
        code: Code::IstiodRemoteGone,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "The component istiodRemote and its chart are gone",
        detail: "The istiod chart with the profile remote has taken their place.",
        fix: "Use profile remote with components.pilot.",
        setting: None,
        source: "releasenotes/notes/53294.yaml",
        reverses: false,
        evidence: remote_components,
    },
    Fact {
        code: Code::CrdsTemplated,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "The base chart upgrades the CRDs itself",
        detail: "Helm refuses to take over CRDs that do not name its release.",
        fix: "Label and annotate the CRDs for the release of istio-base once, or set base.excludedCRDs.",
        setting: None,
        source: "releasenotes/notes/53318.yaml",
        reverses: false,
        evidence: crds_without_release,
    },
    Fact {
        code: Code::CniValuesMoved,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "values.istio_cni is gone",
        detail: "values.pilot.cni has taken its place; what stands there has no effect.",
        fix: "Move the settings to values.pilot.cni.",
        setting: None,
        source: "releasenotes/notes/52645.yaml",
        reverses: false,
        evidence: |cluster| values(cluster, &["istio_cni"]),
    },
    Fact {
        code: Code::ValuesGone,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "Values that had no effect are refused",
        detail: "The charts no longer know them, and validation refuses a request that sets them.",
        fix: "Take them out of the request.",
        setting: None,
        source: "releasenotes/notes/51987.yaml",
        reverses: false,
        evidence: |cluster| values(cluster, GONE_IN_24),
    },
    Fact {
        code: Code::CniPolicyRoleGone,
        since: &[(21, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "values.cni.psp_cluster_role has no effect",
        detail: "PodSecurityPolicies went with Kubernetes 1.25, and the chart no longer binds the agent to one.",
        fix: "Take it out of the request.",
        setting: None,
        source: "releasenotes/notes/cni-drop-psp.yaml",
        reverses: false,
        evidence: |cluster| values(cluster, &["cni.psp_cluster_role"]),
    },
    Fact {
        code: Code::CniPrivilegedGone,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "values.cni.privileged has no effect",
        detail: "The agent asks for the single capabilities that its features need. Where nodes or policies let it work only \
                 as privileged, pods are not set up.",
        fix: "Take it out of the request, and see that policies allow the agent its capabilities.",
        setting: None,
        source: "releasenotes/notes/49029.yaml",
        reverses: false,
        evidence: |cluster| values(cluster, &["cni.privileged"]),
    },
    Fact {
        code: Code::MultiClusterValuesGone,
        since: &[(27, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "Values of multiCluster that had no effect are gone",
        detail: "Nothing read enabled, globalDomainSuffix and includeEnvoyFilter; clusterName stays.",
        fix: "Take them out of the request.",
        setting: None,
        source: "releasenotes/notes/remove-extra-multicluster-helm-values.yaml",
        reverses: false,
        evidence: |cluster| {
            values(
                cluster,
                &[
                    "global.multiCluster.enabled",
                    "global.multiCluster.globalDomainSuffix",
                    "global.multiCluster.includeEnvoyFilter",
                ],
            )
        },
    },
    Fact {
        code: Code::CniLogLevel,
        since: &[(23, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "values.cni.logLevel has no effect",
        detail: "values.cni.logging.level, or values.global.logging.level, has taken its place.",
        fix: "Use values.cni.logging.level.",
        setting: None,
        source: "releasenotes/notes/51972.yaml",
        reverses: false,
        evidence: |cluster| values(cluster, &["cni.logLevel"]),
    },
    Fact {
        code: Code::ImageRegistry,
        since: &[(30, 0)],
        until: &[(31, 0)],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "Images come from registry.istio.io by default, no longer from docker.io",
        detail: "That registry ends in December 2026, and only 1.30 takes its images from there; 1.31 takes them from \
                 docker.io again.",
        fix: "Set hub to docker.io/istio or to your own mirror.",
        setting: Some(Setting {
            path: "global.hub",
            old: "docker.io/istio",
        }),
        source: "releasenotes/notes/use-registry-istio-io.yaml",
        reverses: false,
        evidence: |cluster| images_of(cluster, "docker.io/istio/"),
    },
    Fact {
        code: Code::ImageRegistryBack,
        since: &[(31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "Images come from docker.io/istio by default again, no longer from registry.istio.io",
        detail: "Clusters that admit images by registry, or mirror them, have to know it. Docker Hub counts the pulls of \
                 an address that has no account.",
        fix: "Admit docker.io/istio, or set hub to your own mirror; registry.istio.io ends in December 2026.",
        setting: Some(Setting {
            path: "global.hub",
            old: "",
        }),
        source: "manifests/charts/istio-control/istio-discovery/values.yaml",
        reverses: false,
        evidence: |cluster| images_of(cluster, "registry.istio.io/release/"),
    },
    Fact {
        code: Code::UntaintController,
        since: &[(30, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "taint.enabled switches the untaint controller on by itself",
        detail: "The variable that is set beside it is no longer needed.",
        fix: "Take PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS out of the request.",
        setting: None,
        source: "releasenotes/notes/helm-fix-untaint-controller.yaml",
        reverses: false,
        evidence: |cluster| {
            let name = "PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS";
            let istiod = cluster.istiod().zip(cluster.variable(name));
            let field = format!("spec.template.spec.containers[name=discovery].env[name={name}]");
            istiod
                .map(|(it, value)| it.subject(&field).value(value))
                .into_iter()
                .collect()
        },
    },
    Fact {
        code: Code::GkeDetected,
        since: &[(26, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "istioctl sets values.global.platform=gke on GKE by itself",
        detail: "The server is one of GKE's, so the CNI agent takes GKE's settings.",
        fix: "Set AUTO_GKE_DETECTION=false for istioctl where that is not wanted.",
        setting: Some(Setting {
            path: "global.platform",
            old: "",
        }),
        source: "operator/pkg/render/manifest.go",
        reverses: false,
        evidence: |cluster| {
            let gke = cluster
                .snapshot
                .server_version
                .as_ref()
                .is_some_and(|it| it.contains("-gke"));
            let agents = cluster.daemon_sets("istio-cni-node").filter(|_| gke);
            agents
                .map(|it| of_workload(it).field("metadata.namespace"))
                .collect()
        },
    },
    Fact {
        code: Code::RemoteEndpointSlices,
        since: &[(28, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Installation,
        title: "Remote installations lead to istiod by EndpointSlices, no longer by Endpoints",
        detail: "The Endpoints that are there are no longer kept up to date.",
        fix: "Delete the Endpoints after the upgrade.",
        setting: None,
        source: "releasenotes/notes/istiod-helm-endpointslices.yaml",
        reverses: true,
        evidence: remote_endpoints,
    },
];

fn operators<'a>(cluster: &Cluster<'a>) -> impl Iterator<Item = Item<'a>> {
    cluster.objects("install.istio.io", "IstioOperator")
}

/// Names the values that an `IstioOperator` of the cluster, the request, or the installation as it was recovered sets.
fn values(cluster: &Cluster, paths: &[&str]) -> Vec<Subject> {
    let said = paths.iter().map(|it| format!("values.{it}"));
    let mut found: Vec<_> = said.flat_map(|it| (cluster.said)(&it)).collect();
    for item in operators(cluster) {
        for path in paths {
            let value = item.at(&format!("/spec/values/{}", path.replace('.', "/")));
            if value.is_some_and(|it| !it.is_null()) {
                found.push(item.subject(&format!("spec.values.{path}")));
            }
        }
    }
    found
}

fn remote_components(cluster: &Cluster) -> Vec<Subject> {
    let enabled = |it: &Item| {
        it.at("/spec/components/istiodRemote/enabled")
            .and_then(serde_json::Value::as_bool)
            == Some(true)
    };
    let operators = operators(cluster)
        .filter(enabled)
        .map(|it| it.subject("spec.components.istiodRemote.enabled"));
    let services = cluster
        .own("", "Service", "istiod-remote")
        .map(|it| it.subject("metadata.name"));
    operators.chain(services).collect()
}

fn crds_without_release(cluster: &Cluster) -> Vec<Subject> {
    const RELEASE: &str = "meta.helm.sh/release-name";
    // Helm's own record of a release of the base chart.
    let base = cluster.objects("", "Secret").any(|it| {
        it.text("/type") == Some("helm.sh/release.v1")
            && it.label("name").is_some_and(|it| it.contains("base"))
    });
    let crds = cluster
        .objects("apiextensions.k8s.io", "CustomResourceDefinition")
        .filter(|_| base);
    crds.filter(|it| it.name().ends_with(".istio.io") && it.annotation(RELEASE).is_none())
        .map(|it| it.subject(&format!("metadata.annotations[{RELEASE}]")))
        .collect()
}

/// Names the images of istiod that come from a registry.
fn images_of(cluster: &Cluster, registry: &str) -> Vec<Subject> {
    let Some(istiod) = cluster.istiod() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, container) in istiod
        .items("/spec/template/spec/containers")
        .iter()
        .enumerate()
    {
        let image = container.get("image").and_then(serde_json::Value::as_str);
        if let Some(image) = image.filter(|it| it.starts_with(registry)) {
            found.push(
                istiod
                    .subject(&format!("spec.template.spec.containers[{index}].image"))
                    .value(image),
            );
        }
    }
    found
}

fn remote_endpoints(cluster: &Cluster) -> Vec<Subject> {
    let endpoints = cluster
        .objects("", "Endpoints")
        .filter(|it| it.namespace() == cluster.namespace);
    let remote = endpoints.filter(|it| {
        let service = cluster.own("", "Service", it.name());
        it.name().starts_with("istiod")
            && service.is_some_and(|it| it.map("/spec/selector").is_none())
    });
    remote.map(|it| it.subject("subsets")).collect()
}
