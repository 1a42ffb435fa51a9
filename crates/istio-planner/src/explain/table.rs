//! The table: one entry for every code.

use super::Explanation;
use crate::finding::Code;

const APPLY: Option<&str> =
    Some("https://kubernetes.io/docs/reference/using-api/server-side-apply/");
const BUDGETS: Option<&str> =
    Some("https://kubernetes.io/docs/tasks/run-application/configure-pdb/");
const CANARY: Option<&str> = Some("https://istio.io/latest/docs/setup/upgrade/canary/");
const COMPATIBILITY: Option<&str> =
    Some("https://istio.io/latest/docs/setup/additional-setup/compatibility-versions/");
const CERTIFICATES: Option<&str> =
    Some("https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/");
const CRDS: Option<&str> = Some(
    "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
);
const CUSTOMISE: Option<&str> =
    Some("https://istio.io/latest/docs/setup/additional-setup/customize-installation/");
const GATEWAY_API: Option<&str> =
    Some("https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/");
const HELM: Option<&str> = Some("https://istio.io/latest/docs/setup/upgrade/helm/");
const INJECTION: Option<&str> =
    Some("https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/");
const OPTIONS: Option<&str> =
    Some("https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/");
const SUPPORT: Option<&str> = Some("https://istio.io/latest/docs/releases/supported-releases/");
const UPGRADE: Option<&str> = Some("https://istio.io/latest/docs/setup/upgrade/in-place/");

/// Returns the explanation of a code.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn explanation(code: Code) -> Explanation {
    match code {
        Code::VersionSkew => Explanation {
            meaning: "Source and target are more than one minor apart, in either direction.",
            why: "An in-place upgrade is tested across one minor only. Configuration, CRDs and the protocol between istiod and \
                  its proxies are kept compatible for that distance, not for more.",
            settle: "Go one minor at a time, as `hops` in the outcome lists them. Restart the data plane between two hops, \
                     so that no proxy falls two minors behind.",
            source: "istio.io, Upgrade with Istioctl; 1.12.9:operator/cmd/mesh/upgrade.go (a warning there, lost since 1.13.0)",
            link: UPGRADE,
        },
        Code::SourceTooOld => Explanation {
            meaning: "What runs is older than Istio 1.6.",
            why: "Before 1.6 the control plane was several programs, installed by other means. Nothing of it is upgraded by \
                  an apply of today's charts.",
            settle: "Install a supported release as a new revision beside it, move the workloads, then remove the old one.",
            source: "1.12.9:operator/cmd/mesh/upgrade.go (\"upgrade is not supported before version: 1.6.0\")",
            link: CANARY,
        },
        Code::SourceVersionUnknown => Explanation {
            meaning: "No image tag, label or chart in the export gives the version of istiod.",
            why: "Without it neither the distance to the target nor the changed defaults can be told.",
            settle: "Read it with `istioctl version` and give it with `--from`, or export pods and Deployments of the \
                     control plane's namespace.",
            source: "domain.md §7.2; 1.31:operator/pkg/version/version.go",
            link: None,
        },
        Code::TargetUnknown => Explanation {
            meaning: "The target is not a release that this build has facts about.",
            why: "Kubernetes support, compatibility versions and ends of support are taken from the catalogue. For an unknown \
                  release those rules fall silent, so they say unknown instead.",
            settle: "Check the spelling of `--to`, or use a build that knows the release.",
            source: "crates/istio-catalog",
            link: SUPPORT,
        },
        Code::MixedVersions => Explanation {
            meaning: "istiod, the gateways made by istioctl, CNI and ztunnel do not run one version.",
            why: "A part of another minor means that an earlier upgrade did not finish, or left something behind. A further \
                  step would widen the distance. A difference in the patch alone is only worth knowing.",
            settle: "Finish or undo the earlier upgrade: apply the source version again with its own istioctl and the request \
                     of the installation, and delete what is no longer wanted. Then plan anew.",
            source: "1.12.9:operator/cmd/mesh/upgrade.go (\"different versions of Istio components found\"; lost since 1.13.0)",
            link: UPGRADE,
        },
        Code::RevisionedInstall => Explanation {
            meaning: "The control plane, or the request, has a revision other than `default`.",
            why: "An in-place upgrade replaces the control plane that workloads are bound to. A revisioned control plane is \
                  upgraded by installing a new revision beside it; an apply under another revision would replace nothing.",
            settle: "Follow the canary upgrade with revisions and tags.",
            source: "istio.io, Upgrade with Istioctl (\"not compatible with --revision\"); istioctl itself has accepted it since 1.13",
            link: CANARY,
        },
        Code::ForeignInstaller => Explanation {
            meaning: "Something other than istioctl installed, and keeps, what would be applied.",
            why: "Two installers over the same objects undo each other's work: a Helm release would no longer match, a GitOps \
                  controller or an operator would set everything back in the middle of the upgrade.",
            settle: "Upgrade the way the finding names for that installer. To move to istioctl, remove the objects from the \
                     other installer first.",
            source: "domain.md §7.1; istio.io, Upgrade with Istioctl (\"installed by istioctl\")",
            link: HELM,
        },
        Code::OperatorManaged => Explanation {
            meaning: "The in-cluster operator of Istio 1.23 and older runs and has an IstioOperator resource to reconcile.",
            why: "It would set back whatever an apply changes.",
            settle: "Either upgrade the operator (up to 1.23), or scale its Deployment to zero and annotate its IstioOperator \
                     resource with `install.istio.io/ignoreReconcile: \"true\"`, then plan anew with that resource's spec.",
            source: "1.23.6:operator/pkg/controller/istiocontrolplane; removed in 1.24.0",
            link: Some(
                "https://istio.io/latest/blog/2024/in-cluster-operator-deprecation-announcement/",
            ),
        },
        Code::InstallerUnknown => Explanation {
            meaning: "The export does not show who installed the mesh.",
            why: "An installation by Helm, an operator or a GitOps controller must not be upgraded by an apply, and could hide here.",
            settle: "Export Deployments, Services, ConfigMaps and webhook configurations of the whole cluster with \
                     `--show-managed-fields`.",
            source: "domain.md §7.1",
            link: None,
        },
        Code::NoControlPlane => Explanation {
            meaning: "No istiod, and no set-up that would use a remote one, was found.",
            why: "There is nothing to upgrade. An apply would be a first installation.",
            settle: "Check that the export is of the right cluster and holds all namespaces. For a first installation use \
                     `istioctl install`.",
            source: "1.12.9:operator/cmd/mesh/upgrade.go (\"istio pod not found in namespace\")",
            link: None,
        },
        Code::SeveralControlPlanes => Explanation {
            meaning: "More than one control plane could be meant by the request.",
            why: "Objects of the whole cluster (CRDs, cluster roles, the default webhooks) belong to one of them. An apply for \
                  the wrong one would take them over.",
            settle: "Upgrade control planes of a revision each by its own way, and one mesh at a time.",
            source: "domain.md §7.3; istio.io, Install Multiple Istio Control Planes in a Single Cluster",
            link: Some("https://istio.io/latest/docs/setup/install/multiple-controlplanes/"),
        },
        Code::ControlPlaneNotRendered => Explanation {
            meaning: "The request does not render istiod, though one runs and would have to change its version.",
            why: "Everything else would go to the target while istiod and its injector stay: gateways, CNI and ztunnel ahead \
                  of their control plane, which is supported in no release, and restarted workloads get the old proxy again.",
            settle: "Leave `components.pilot` enabled, with the settings of the installation (`refit recover` writes them). \
                     Gateways alone can be applied once istiod runs the target.",
            source: "istio.io, Supported releases (control plane and data plane skew); domain.md §5.4",
            link: SUPPORT,
        },
        Code::RemoteCluster => Explanation {
            meaning: "This cluster's workloads are served by a control plane in another cluster.",
            why: "Only the injector, the CRDs and the gateways are upgraded here, and they must not run ahead of the primary.",
            settle: "Upgrade every primary cluster first, then each remote one.",
            source: "domain.md §7.3",
            link: Some("https://istio.io/latest/docs/setup/install/multicluster/"),
        },
        Code::ControlPlaneNotReady => Explanation {
            meaning: "A part of the installation has pods that are not ready, before anything is changed.",
            why: "An upgrade started from a broken state cannot be told apart from one that broke something, and its waits \
                  may never end.",
            settle: "Repair it first: look at the pods' events and logs.",
            source: "1.31:operator/pkg/install/wait.go",
            link: Some("https://istio.io/latest/docs/ops/diagnostic-tools/"),
        },
        Code::KubernetesBelowMinimum => Explanation {
            meaning: "The Kubernetes server is older than the minimum built into the target release.",
            why: "istiod and the charts use APIs that the server may lack. istioctl only warns and goes on.",
            settle: "Upgrade Kubernetes first, or choose a release that supports this server.",
            source: "TARGET:istioctl/pkg/install/k8sversion/version.go (MinK8SVersion)",
            link: SUPPORT,
        },
        Code::KubernetesUntested => Explanation {
            meaning: "The Kubernetes server is outside the range that is documented for the target release.",
            why: "The combination is not tested by the project.",
            settle: "Choose a release whose range holds the server, or test the combination yourself.",
            source: "istio.io, Supported Releases; domain.md §10",
            link: SUPPORT,
        },
        Code::KubernetesUnknown => Explanation {
            meaning: "Neither the server's version nor any node is in the export.",
            why: "A server that is too old for the target could hide behind it.",
            settle: "Add the output of `kubectl version -o json`.",
            source: "domain.md §7",
            link: None,
        },
        Code::EndOfLife => Explanation {
            meaning: "The target's minor release is past its end of support.",
            why: "It gets no security fixes.",
            settle: "Plan the next hops up to a supported release, and do not stay on this one.",
            source: "istio.io, Supported Releases (until six weeks after the release of the second next minor)",
            link: SUPPORT,
        },
        Code::ExportConflict => Explanation {
            meaning: "The export holds the same object more than once, with different resource versions.",
            why: "The parts were taken at different times. The plan reads the newest; what changed between may be mixed.",
            settle: "Export anew in one go, and name every file once.",
            source: "design/architecture.md, Input",
            link: None,
        },
        Code::ExportIncomplete => Explanation {
            meaning: "Kinds that rules read were not exported, or the cluster has none of them.",
            why: "Each rule that needs them says nothing for certain.",
            settle: "Export them with the command that the finding shows.",
            source: "domain.md §7",
            link: None,
        },
        Code::CompatibilityVersionUnsupported => Explanation {
            meaning: "A compatibility version, asked for or set at the installation, is one that the target does not ship.",
            why: "Rendering fails in every chart (`unknown compatibility version`). Each release ships only the last few.",
            settle: "Choose one that the finding lists, or none, and read the defaults that change with it.",
            source: "TARGET:manifests/zzz_profile.yaml, files/profile-compatibility-version-*.yaml",
            link: COMPATIBILITY,
        },
        Code::RequestInvalid => Explanation {
            meaning: "The target release's own istioctl refuses the request.",
            why: "Nothing would be applied. Releases differ in what they refuse: from 1.24 on, unknown fields are errors.",
            settle: "Correct the place that the finding names; the nearest valid field is given where there is one.",
            source: "TARGET:operator/pkg/apis/validation/validation.go; domain.md §1.7",
            link: OPTIONS,
        },
        Code::RequestWarning => Explanation {
            meaning: "The target release's own istioctl warns about the request.",
            why: "Most often a setting is deprecated, or contradicts another one.",
            settle: "Read the warning; where it names another setting, use that one.",
            source: "TARGET:operator/pkg/apis/validation/validation.go; TARGET:charts/*/templates/NOTES.txt",
            link: OPTIONS,
        },
        Code::RequestMeaningChanged => Explanation {
            meaning: "The target's istioctl reads this request otherwise than the source's did.",
            why: "1.24 rewrote the merge: gateway lists are replaced instead of merged by name, a component without `enabled` \
                  is on, `spec.namespace` is ignored, a profile must be a name. istioctl says nothing of it.",
            settle: "Write out what the finding names, so that both releases read it alike.",
            source: "1.23.6:operator/pkg/util/merge_iop.go; 1.24.0:operator/pkg/render/manifest.go; domain.md F-13",
            link: CUSTOMISE,
        },
        Code::IstioctlDefect => Explanation {
            meaning: "The request meets a known defect of the target's istioctl, and what is rendered here is corrected.",
            why: "istioctl would render something that cannot be meant, or fail for no reason of yours.",
            settle: "Nothing, if the plan is carried out from here. With istioctl itself, use the form that the finding names.",
            source: "domain.md §11",
            link: None,
        },
        Code::RenderFailed => Explanation {
            meaning: "A chart of the target release refuses the values.",
            why: "Nothing would be applied, with or without `--force`.",
            settle: "The message is the chart's own: remove or replace the setting that it names.",
            source: "TARGET:manifests/charts",
            link: CUSTOMISE,
        },
        Code::TargetReleaseMissing => Explanation {
            meaning: "The target's release archive is not at hand, so its manifests were not rendered.",
            why: "Changes, restarts and the target's own validation of the request are missing in this outcome.",
            settle: "Give the release archive, or the folder that holds it, with `--releases`.",
            source: "design/architecture.md, How data flows",
            link: Some("https://github.com/istio/istio/releases"),
        },
        Code::SourceReleaseMissing => Explanation {
            meaning: "The source's release archive is not at hand.",
            why: "Settings of the installation cannot be told from the defaults of the source, nor changed defaults be listed \
                  in full.",
            settle: "Give the release archive, or the folder that holds it, with `--releases`.",
            source: "domain.md §7.4",
            link: Some("https://github.com/istio/istio/releases"),
        },
        Code::SettingsReverted => Explanation {
            meaning: "Settings of the installation are missing in the request, so the apply would set them back.",
            why: "istioctl keeps no record of what an installation was asked for. Whatever is not asked for again falls back to \
                  the default, without a word.",
            settle: "Add the settings that `reverted` lists to the request, or let `refit recover` write the request that \
                     reproduces the installation.",
            source: "istio.io, Upgrade with Istioctl (\"pass the same -f and --set\"); domain.md §7.4, F-27",
            link: UPGRADE,
        },
        Code::GatewayListReplaced => Explanation {
            meaning: "A gateway that runs now is not in the request's list of gateways.",
            why: "A list in the request replaces the profile's and the earlier one. The gateway is no longer rendered: it stays \
                  behind at the old version, and nobody upgrades it.",
            settle: "Add the gateway to the list, or delete its objects once nothing uses it.",
            source: "1.31:operator/pkg/values/map.go:132-152 (lists are replaced whole); domain.md F-13",
            link: CUSTOMISE,
        },
        Code::IstiodSingleReplica => Explanation {
            meaning: "Fewer than two istiod run now, or would run after the upgrade.",
            why: "While the only istiod is replaced or its node is drained, no pod can be injected, no configuration is checked \
                  and no certificate is renewed.",
            settle: "Ask for two: `values.pilot.autoscaleMin: 2`, or `values.pilot.replicaCount: 2` where the autoscaler is off.",
            source: "istio.io, Upgrade with Istioctl (Prerequisites); domain.md §8.2",
            link: UPGRADE,
        },
        Code::IstiodNoDisruptionBudget => Explanation {
            meaning: "No PodDisruptionBudget with a minimum availability of 1 covers istiod, now or after the upgrade.",
            why: "A node drain may take every istiod at once.",
            settle: "The charts render one as soon as two istiod are asked for: `values.pilot.autoscaleMin: 2` (or \
                     `replicaCount: 2` without autoscaler), and `values.global.defaultPodDisruptionBudget.enabled` left on.",
            source: "istio.io, Upgrade with Istioctl (Prerequisites); TARGET:charts/istio-control/istio-discovery/templates/poddisruptionbudget.yaml",
            link: UPGRADE,
        },
        Code::DisruptionBudgetExhausted => Explanation {
            meaning: "A PodDisruptionBudget over the control plane, a gateway or a workload to restart allows no disruption now.",
            why: "Evictions of its pods are refused: node drains hang, and so does a restart by eviction. A rollout does not ask.",
            settle: "Add a replica, or lower `minAvailable`, before the upgrade.",
            source: "policy/v1 PodDisruptionBudget, status.disruptionsAllowed; domain.md §8.2",
            link: BUDGETS,
        },
        Code::DisruptionBudgetChange => Explanation {
            meaning: "The apply makes, changes or deletes a PodDisruptionBudget.",
            why: "A budget that appears makes drains wait; where one goes, a drain may take every pod at once.",
            settle: "Keep the setting that renders the budget, or make one of your own before the upgrade.",
            source: "TARGET:charts/istio-control/istio-discovery/templates/poddisruptionbudget.yaml; domain.md §8.2",
            link: BUDGETS,
        },
        Code::DisruptionBudgetBlocksDrains => Explanation {
            meaning: "A budget that the request renders keeps as many pods as its workload has at least.",
            why: "As soon as no more than these run, every eviction is refused: node drains hang, and with them upgrades of the \
                  nodes.",
            settle: "Ask for one pod more than the budget keeps, or lower the budget (`k8s.podDisruptionBudget`).",
            source: "policy/v1 PodDisruptionBudget; kubernetes@v1.36.3:pkg/controller/disruption",
            link: BUDGETS,
        },
        Code::NodeAgentsRestart => Explanation {
            meaning: "The apply replaces ztunnel or the CNI agent on every node.",
            why: "Connections through a ztunnel are cut once when it is replaced, and new pods of the mesh wait while the CNI agent \
                  of their node is away. In between, versions of istiod and of the agents differ.",
            settle: "Choose a time when long-lived connections may be made anew, or replace node by node with OnDelete.",
            source: "1.31:architecture/ambient/ztunnel-cni-lifecycle.md:96-145; domain.md §8.3, §8.5",
            link: Some("https://istio.io/latest/docs/ambient/upgrade/"),
        },
        Code::NodeAgentLeft => Explanation {
            meaning: "ztunnel or the CNI agent runs, and the request does not render it any more.",
            why: "istioctl leaves it at its old version, beside a control plane that moves on; or deletes it, and the pods of \
                  its node lose what it did for them.",
            settle: "Keep the component in the request, unless no pod needs it any more.",
            source: "1.31:operator/pkg/install/install.go:247-262; domain.md §4.4, §8.3",
            link: Some("https://istio.io/latest/docs/ambient/upgrade/"),
        },
        Code::FailurePolicyChange => Explanation {
            meaning: "The apply changes the failurePolicy of an injection or validation webhook.",
            why: "It decides what happens while istiod does not answer, as in the moments when it is replaced: with Fail pods \
                  are not created, with Ignore they start without a sidecar, or unchecked configuration is taken.",
            settle: "Keep the live policy in the request where it is there on purpose, and have two istiod.",
            source: "admissionregistration.k8s.io/v1; domain.md §4.6, F-7",
            link: INJECTION,
        },
        Code::IstiodRollsGateways => Explanation {
            meaning: "Gateways and waypoints that istiod makes from Gateway objects are replaced by the new istiod itself.",
            why: "It does so at once and for all of them, in the step that replaces istiod, without waiting for anything between \
                  them. An istiod that leads at once may fail to do it, so that they stay old until it is restarted.",
            settle: "Have two replicas and a budget for each; pin a Gateway by the label istio.io/rev to take it out; watch the \
                     Deployments after the step, and restart istiod where they stay old.",
            source: "1.31:pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go:133-146,372-455; domain.md §8.2",
            link: GATEWAY_API,
        },
        Code::ProxyTagDiffers => Explanation {
            meaning: "The request sets an image tag, so that pods are injected with a proxy of another version than the target's.",
            why: "A restart does not bring the proxies to the target's version; one that is newer than istiod is not supported.",
            settle: "Take `tag` and `values.global.tag` out of the request, or go to the version that they name.",
            source: "1.31:pkg/kube/inject/template.go (ProxyImage); domain.md §7.2",
            link: SUPPORT,
        },
        Code::SettingsUnknown => Explanation {
            meaning: "The installation was made with settings that the target release does not have.",
            why: "What they do ends with the apply: the target ignores them, or refuses a request that repeats them.",
            settle: "Look what takes their place in the target, before the upgrade or downgrade.",
            source: "TARGET:operator/pkg/apis; domain.md §7.4",
            link: CUSTOMISE,
        },
        Code::RoomMissing => Explanation {
            meaning: "A pod that the target renders asks for more CPU or memory than the exported nodes have, or have free.",
            why: "The pod stays pending, and the rollout of istiod, a gateway, the CNI plug-in or ztunnel does not end. istiod \
                  asks for as many new pods at once as its `maxSurge` (100 % by default) says, beside the old ones.",
            settle: "Ask for less (`k8s.resources`, `k8s.strategy`, the autoscaler's minimum), or make room before the upgrade. \
                     Taints, selectors and affinity are not counted: they only leave less.",
            source: "Node.status.allocatable; kubernetes@v1.36.3:component-helpers/resource/helpers.go; domain.md §8.2, §8.3",
            link: Some(
                "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
            ),
        },
        Code::ProxiesTooOld => Explanation {
            meaning: "Proxies run that would be more than one minor behind the target's control plane.",
            why: "A control plane is tested with proxies of its own and of the previous minor. Older ones may refuse \
                  configuration, silently.",
            settle: "Restart their workloads now, on the source version, so that they are at most one minor behind.",
            source: "istio.io, Supported Releases (Control Plane/Data Plane Skew)",
            link: SUPPORT,
        },
        Code::ProxiesAhead => Explanation {
            meaning: "Proxies are newer than the control plane, now or after the downgrade.",
            why: "A proxy must never be ahead of its istiod: it may be sent configuration that it no longer accepts.",
            settle: "For a downgrade, restart the workloads on the older injector as the plan orders it; else find out \
                     which injector served them.",
            source: "istio.io, Supported Releases (Control Plane/Data Plane Skew)",
            link: SUPPORT,
        },
        Code::WebhookOverlap => Explanation {
            meaning: "Two injectors match the same pod.",
            why: "The pod is injected twice or by the wrong one, or the API server refuses it.",
            settle: "Delete the webhook configuration that is no longer meant, or let one injector select by revision.",
            source: "1.31:pkg/config/analysis/analyzers/webhook; domain.md §8.1",
            link: INJECTION,
        },
        Code::WebhookGap => Explanation {
            meaning: "Pods that are injected today would no longer be selected by any injector afterwards.",
            why: "They start without a sidecar at their next restart: no mTLS, no policy, no telemetry.",
            settle: "Label the namespace (`istio-injection=enabled`), or keep the setting that selects it today.",
            source: "domain.md §8.1",
            link: INJECTION,
        },
        Code::RevisionTagStale => Explanation {
            meaning: "A revision tag's webhook was made by the source release, and no upgrade renews it.",
            why: "Pods that the tag selects are injected by the old webhook's rules until the tag is made anew.",
            settle: "After the upgrade run the target's `istioctl tag set TAG --revision default --overwrite`.",
            source: "1.31:istioctl/pkg/tag/generate.go; domain.md F-30",
            link: Some("https://istio.io/latest/docs/setup/upgrade/canary/#stable-revision-labels"),
        },
        Code::RootCertificatesDiffer => Explanation {
            meaning: "The ConfigMap istio-ca-root-cert of some namespace holds another root certificate than that of istiod's own \
                      namespace. Certificates are told by their SHA-256 alone.",
            why: "Proxies trust the root that they find at their start. Where it is another one they refuse istiod, and proxies of \
                  other namespaces; a restart, which every upgrade asks for, brings it to light.",
            settle: "Let istiod write the ConfigMaps anew, look who else writes them, or finish the rotation of the root before \
                     workloads are restarted.",
            source: "1.31:pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go",
            link: CERTIFICATES,
        },
        Code::WebhookCaDiffers => Explanation {
            meaning: "The caBundle of an istiod webhook holds no root certificate of istiod.",
            why: "The API server does not trust the answer then: pods are refused or start without a sidecar, configuration is \
                  refused or not checked, as the failurePolicy says.",
            settle: "istiod patches its own webhooks: look why it does not (log, ClusterRole, label istio.io/rev). Make a \
                     revision tag anew with `istioctl tag set`.",
            source: "1.31:pkg/webhooks/webhookpatch.go; domain.md §4.6",
            link: CERTIFICATES,
        },
        Code::CaChange => Explanation {
            meaning: "The apply changes the trust domain, the address or provider of the certificate authority, or the roots that \
                      the mesh trusts.",
            why: "Identities and signatures of proxies started before and after differ. Until everything is restarted they may \
                  refuse each other, and authorization policies by principal match other callers.",
            settle: "Keep the live values in the request. Change the authority apart from an upgrade: trust both, change, restart, \
                     then drop the old one.",
            source: "1.31:pkg/config/mesh/mesh.go; 1.31:pilot/pkg/features/security.go",
            link: CERTIFICATES,
        },
        Code::CniConflict => Explanation {
            meaning: "A setting of Cilium or Calico does not go with what the target renders.",
            why: "Traffic would pass the mesh by, or pods would not start.",
            settle: "Change the setting that the finding names.",
            source: "1.31:operator/pkg/apis/validation/validation.go:93-145",
            link: Some("https://istio.io/latest/docs/ambient/install/platform-prerequisites/"),
        },
        Code::AlphaSecurityObjects => Explanation {
            meaning: "Objects of the alpha security APIs (rbac.istio.io, authentication.istio.io) exist.",
            why: "Istio 1.6 and newer ignore them: what they enforce is enforced no longer.",
            settle: "Replace them by AuthorizationPolicy, PeerAuthentication and RequestAuthentication, then delete them.",
            source: "1.12.9:operator/cmd/mesh/upgrade.go (checkUnsupportedAlphaSecurityCRD; lost since 1.13.0)",
            link: Some("https://istio.io/latest/blog/2021/migrate-alpha-policy/"),
        },
        Code::CrdStoredVersion => Explanation {
            meaning: "A CustomResourceDefinition has stored objects in a version that the older release does not serve.",
            why: "The API server refuses a definition that drops a stored version, or the objects can be read no longer.",
            settle: "Keep the newer definition, or migrate the stored objects and remove the version from \
                     `status.storedVersions` first.",
            source: "apiextensions.k8s.io/v1, status.storedVersions; domain.md §8.5",
            link: CRDS,
        },
        Code::FieldsLost => Explanation {
            meaning: "Objects use fields that the target's definitions do not have.",
            why: "The API server leaves out of every answer what a definition does not name, from the moment the definition \
                  is applied. A route, a policy or a telemetry setting then means something else than it was written for, and \
                  the next write loses the field for good. In security policies this blocks.",
            settle: "Rewrite the objects in fields that the target has, before anything is applied; or stay with the running \
                     version. `--force` plans nevertheless.",
            source: "apiextensions-apiserver@v1.36.3:pkg/apiserver/schema/pruning; TARGET:charts/base/files/crd-all.gen.yaml",
            link: CRDS,
        },
        Code::ObjectsRefused => Explanation {
            meaning: "Objects hold values that the schema of the target's definitions refuses.",
            why: "What is stored stays readable, but every later write of the object is refused, also by controllers and by \
                  GitOps tools.",
            settle: "Change the values that the finding names to ones that both versions accept, before the definitions are \
                     applied.",
            source: "apiextensions.k8s.io/v1, structural schemas; TARGET:charts/base/files/crd-all.gen.yaml",
            link: CRDS,
        },
        Code::ObjectsIgnored => Explanation {
            meaning: "Objects are of a kind that the target release does not have.",
            why: "Their definition stays, since istioctl deletes none, so nothing looks wrong; but the target's istiod does not \
                  read them, and what they configure ends when istiod is replaced.",
            settle: "Express the same in a kind that the target has (a WasmPlugin or an EnvoyFilter for a TrafficExtension), or \
                     delete them knowingly.",
            source: "TARGET:charts/base/files/crd-all.gen.yaml; domain.md §4.4",
            link: CRDS,
        },
        Code::GatewayApiBundle => Explanation {
            meaning: "The installed Gateway API definitions are of a bundle that the target's istiod ignores or refuses.",
            why: "istiod does not read a kind whose definition is older (or, in some patches, newer) than it was built for: \
                  its routes stop working.",
            settle: "Install the bundle version that the finding names, in the order that it names.",
            source: "1.31:pkg/config/schema/gatewayapi/minimumversions.go:28-33; 1.29.6:pkg/kube/kclient/crdwatcher.go:86; 1.31:istioctl/pkg/precheck/precheck.go:234-275",
            link: GATEWAY_API,
        },
        Code::ImmutableField => Explanation {
            meaning: "A field that cannot be changed in place differs, so the object must be deleted and made anew.",
            why: "Between the two its pods, its addresses or its rules are gone. istioctl fails on it.",
            settle: "Choose a time when that is acceptable, or keep the field as it is through the request.",
            source: "the API's own validation; domain.md §4",
            link: None,
        },
        Code::LoadBalancerChange => Explanation {
            meaning: "A gateway's Service changes in its type, ports, node ports, selector, class or annotations.",
            why: "The cloud's load balancer may get another address, drop connections, or stop serving a port.",
            settle: "Compare the fields in `changes`; put into the request what has to stay.",
            source: "domain.md §11",
            link: None,
        },
        Code::ScaleReset => Explanation {
            meaning: "Replicas or autoscaler bounds that others set would be overwritten.",
            why: "The workload shrinks in the middle of an upgrade, when it is needed most.",
            settle: "Put the bounds into the request (`values.pilot.autoscaleMin`, `components.*.k8s.hpaSpec`).",
            source: "server-side apply with force, 1.31:operator/pkg/install/install.go; domain.md §4.2",
            link: APPLY,
        },
        Code::EditsOverwritten => Explanation {
            meaning: "Fields that somebody else set, by kubectl or a controller, get the value of the request again.",
            why: "istioctl applies with force: what others edited on its objects is taken over without a word. Edits of the \
                  mesh configuration, of resources or arguments are lost that way with every upgrade.",
            settle: "Put the live value into the IstioOperator file, where it is to stay. `changes` names each field with its \
                     owner, its live value and what it becomes.",
            source: "1.31:operator/pkg/install/install.go:180 (ForceApply); Kubernetes, Server-Side Apply, Conflicts",
            link: APPLY,
        },
        Code::OwnershipUnknown => Explanation {
            meaning: "The export holds no managedFields.",
            why: "They alone prove who set a field. Without them edits by others, which the apply would overwrite, look like \
                  what istioctl set.",
            settle: "Export again with `--show-managed-fields`.",
            source: "domain.md §7; kubectl hides managedFields by default",
            link: APPLY,
        },
        Code::ApplyRefused => Explanation {
            meaning: "The API server would refuse an object as the request renders it.",
            why: "Server-side apply takes no field that the object's schema does not have, and no list element twice. \
                  istioctl finds that out in the middle of the installation.",
            settle: "Correct the setting or overlay that writes the field.",
            source: "structured-merge-diff@v6.3.3:typed/validate.go; domain.md F-30",
            link: APPLY,
        },
        Code::OrphansLeft => Explanation {
            meaning: "Objects of the installation are no longer rendered, and istioctl would leave them behind.",
            why: "istioctl prunes only what carries the new version. A left gateway goes on running at the old version; a left \
                  webhook, budget or policy goes on acting.",
            settle: "Look at the objects named `orphan` in `changes`; delete those that nothing uses.",
            source: "1.31:operator/pkg/install/install.go:247-262; domain.md F-2",
            link: None,
        },
        Code::WouldLoseProxy => Explanation {
            meaning: "Pods have a proxy, but nothing would inject one if they were restarted.",
            why: "A restart, also one for another reason, takes them out of the mesh.",
            settle: "Label the namespace or the pods for injection again, or accept that they leave the mesh.",
            source: "domain.md §8.2",
            link: INJECTION,
        },
        Code::ManualRestart => Explanation {
            meaning: "A proxy that no rollout renews: a pod without controller, one injected by hand, a StatefulSet or DaemonSet \
                      that waits for deletions, a running Job.",
            why: "It stays at the old version until somebody acts, and falls behind with every upgrade.",
            settle: "Delete the pods yourself when their service allows it, inject by hand anew, or let the Job end.",
            source: "domain.md §8.2",
            link: UPGRADE,
        },
    }
}
