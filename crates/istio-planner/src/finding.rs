//! The closed list of findings, and how one is made.
//!
//! A finding speaks of the request in this cluster: code, level, one sentence, why, what to do. Every code has its
//! explanation in [`crate::explain`], and every code of level `unknown` says here whether a block could hide behind it.

use serde_json::Value;

use crate::edit::Fix;
use crate::outcome::{Finding, Level, Ref, Subject, Verdict};
use crate::snapshot::{Object, Origin, Snapshot};

/// Makes the enum, its names and the list of all from one table.
macro_rules! codes {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// What a finding is called. The list is closed: a new rule is a new variant, explained in `explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $doc] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the code as it is printed, stable and in kebab-case.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    VersionSkew "version-skew" "Source and target are more than one minor apart.",
    SourceTooOld "source-too-old" "The source is older than 1.6.",
    SourceVersionUnknown "source-version-unknown" "Nothing in the export gives the version that runs.",
    TargetUnknown "target-unknown" "The target is not a release that this build knows.",
    MixedVersions "mixed-versions" "Parts of the installation differ in version.",
    RevisionedInstall "revisioned-install" "The control plane or the request has a revision.",
    ForeignInstaller "foreign-installer" "Something other than istioctl installed what would be applied.",
    OperatorManaged "operator-managed" "An in-cluster operator would reconcile everything back.",
    InstallerUnknown "installer-unknown" "The export does not tell who installed the mesh.",
    NoControlPlane "no-control-plane" "No control plane was found.",
    SeveralControlPlanes "several-control-planes" "The request could mean more than one control plane.",
    ControlPlaneNotRendered "control-plane-not-rendered" "The request leaves istiod out, so it stays at its version.",
    RemoteCluster "remote-cluster" "The control plane runs in another cluster.",
    ControlPlaneNotReady "control-plane-not-ready" "A part of the installation is not healthy now.",
    KubernetesBelowMinimum "kubernetes-below-minimum" "The server is older than the target accepts.",
    KubernetesUntested "kubernetes-untested" "The server is outside the target's documented range.",
    KubernetesUnknown "kubernetes-unknown" "The export does not tell the server's version.",
    CompatibilityVersionUnsupported "compatibility-version-unsupported" "The target does not ship the compatibility version.",
    RequestInvalid "request-invalid" "The target's own validation refuses the request.",
    RequestWarning "request-warning" "The target's own validation warns about the request.",
    RequestMeaningChanged "request-meaning-changed" "The target reads the same request otherwise than the source did.",
    IstioctlDefect "istioctl-defect" "A known defect of istioctl is corrected here.",
    RenderFailed "render-failed" "A chart of the target refuses the values.",
    TargetReleaseMissing "target-release-missing" "The target's release is not at hand, so nothing was rendered.",
    SourceReleaseMissing "source-release-missing" "The source's release is not at hand, so settings cannot be told from its defaults.",
    ApplyRefused "apply-refused" "The API server would refuse a rendered object.",
    IstiodSingleReplica "istiod-single-replica" "Fewer than two istiod would run during or after the upgrade.",
    IstiodNoDisruptionBudget "istiod-no-disruption-budget" "No disruption budget covers istiod.",
    DisruptionBudgetExhausted "disruption-budget-exhausted" "A budget allows no disruption now.",
    DisruptionBudgetChange "disruption-budget-change" "The apply makes, changes or deletes a disruption budget.",
    DisruptionBudgetBlocksDrains "disruption-budget-blocks-drains" "A budget would allow no eviction after the upgrade.",
    NodeAgentsRestart "node-agents-restart" "The apply replaces ztunnel or the CNI agent on every node.",
    NodeAgentLeft "node-agent-left" "The request no longer holds ztunnel or the CNI agent, which run.",
    FailurePolicyChange "failure-policy-change" "The apply changes what happens while istiod does not answer.",
    IstiodRollsGateways "istiod-rolls-gateways" "The new istiod itself replaces gateways and waypoints.",
    ProxyTagDiffers "proxy-tag-differs" "The request injects proxies of another version than the target's.",
    SettingsUnknown "settings-unknown" "The installation has settings that the target does not know.",
    RoomMissing "room-missing" "The nodes have no room for what the target asks for.",
    ProxiesTooOld "proxies-too-old" "Proxies are more than one minor behind the target.",
    ProxiesAhead "proxies-ahead" "Proxies are newer than the control plane, now or afterwards.",
    SettingsReverted "settings-reverted" "The request would revert settings of the installation.",
    GatewayListReplaced "gateway-list-replaced" "A gateway that runs is missing from the request's list.",
    WebhookOverlap "webhook-overlap" "Two injectors would match the same pod.",
    WebhookGap "webhook-gap" "Pods that are injected today would start without a sidecar.",
    RevisionTagStale "revision-tag-stale" "A revision tag keeps the webhook of the source release.",
    RootCertificatesDiffer "root-certificates-differ" "Namespaces trust another root certificate than istiod's.",
    WebhookCaDiffers "webhook-ca-differs" "A webhook's caBundle does not hold istiod's root certificate.",
    CaChange "ca-change" "The apply changes who signs the certificates of the mesh.",
    CniConflict "cni-conflict" "A setting of another network plug-in does not go with this mesh.",
    AlphaSecurityObjects "alpha-security-objects" "Objects of the removed alpha security APIs exist.",
    CrdStoredVersion "crd-stored-version" "The older release does not serve a version in which objects are stored.",
    FieldsLost "fields-lost" "Objects use fields that the target's definitions do not have.",
    ObjectsRefused "objects-refused" "The target's definitions would refuse objects that are there.",
    ObjectsIgnored "objects-ignored" "Objects are of kinds that the target does not know.",
    GatewayApiBundle "gateway-api-bundle" "The target ignores or refuses the installed Gateway API bundle.",
    ImmutableField "immutable-field" "A change needs deletion and creation.",
    LoadBalancerChange "load-balancer-change" "A gateway's Service changes in what a load balancer sees.",
    ScaleReset "scale-reset" "Replicas or autoscaler bounds set by others would be overwritten.",
    EditsOverwritten "edits-overwritten" "Fields that others set would be overwritten.",
    OwnershipUnknown "ownership-unknown" "Without managedFields take-overs cannot be told.",
    OrphansLeft "orphans-left" "istioctl would leave objects behind.",
    EndOfLife "end-of-life" "The target is past its end of support.",
    WouldLoseProxy "would-lose-proxy" "A restart would remove a proxy.",
    ManualRestart "manual-restart" "No rollout can renew a proxy.",
    ExportConflict "export-conflict" "The export holds the same object twice, at different times.",
    ExportIncomplete "export-incomplete" "Kinds that a rule reads are missing in the export.",
}

impl Code {
    /// Returns the code of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }

    /// Whether a block could hide behind the missing evidence, so that the verdict cannot be `clear`.
    ///
    /// Only asked of findings of level `unknown`. Missing managedFields hide no block: what they show (take-overs,
    /// scale resets) is of level `warn`.
    pub(crate) fn could_hide_a_block(self) -> bool {
        !matches!(self, Self::OwnershipUnknown | Self::SourceReleaseMissing)
    }
}

impl Finding {
    /// Makes a finding with the link of its explanation. `title` is one sentence without full stop.
    pub(crate) fn new(
        code: Code,
        level: Level,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            code: code.as_str().to_owned(),
            level,
            title: title.into(),
            detail: detail.into(),
            subjects: Vec::new(),
            fix: None,
            fixes: Vec::new(),
            link: crate::explain::explanation(code).link.map(str::to_owned),
        }
    }

    /// Adds what it is about.
    pub(crate) fn about(mut self, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.subjects.extend(subjects);
        self
    }

    /// Sets what to do.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Adds an edit of the request's file that settles it.
    pub(crate) fn by(mut self, fix: impl IntoIterator<Item = Fix>) -> Self {
        self.fixes.extend(fix);
        self
    }
}

impl Subject {
    /// Names an object.
    pub(crate) fn of(object: Ref) -> Self {
        Self {
            object: Some(object),
            ..Self::default()
        }
    }

    /// Names a place in a file of the request.
    pub(crate) fn place(file: &str, line: u32, column: u32) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..Self::default()
        }
        .at_line(line, column)
    }

    /// Names a flag of the command line.
    pub(crate) fn flag(name: &str) -> Self {
        Self {
            file: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// Names an object that the export holds, and where.
    pub(crate) fn exported(object: Ref, origin: &Origin) -> Self {
        let file = (!origin.file.is_empty()).then(|| origin.file.clone());
        Self {
            object: Some(object),
            file,
            ..Self::default()
        }
        .at_line(origin.line, origin.column)
    }

    /// Names an object kept whole, and where it stood.
    pub(crate) fn kept(object: &Ref, kept: &Object) -> Self {
        Self::exported(object.clone(), &kept.origin)
    }

    /// Adds the path inside the object or file.
    pub(crate) fn field(mut self, path: impl Into<String>) -> Self {
        self.field = Some(path.into());
        self
    }

    /// Adds what stands there.
    pub(crate) fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// A line of 0 means that the format does not tell.
    fn at_line(mut self, line: u32, column: u32) -> Self {
        self.line = (line > 0).then_some(line);
        self.column = (line > 0 && column > 0).then_some(column);
        self
    }

    /// The order of output: kind, namespace, name; places in files last, by file and line.
    fn order(&self) -> impl Ord + '_ {
        (
            self.object.is_none(),
            self.object
                .as_ref()
                .map(|it| (&it.kind, &it.namespace, &it.name, &it.api_version)),
            &self.file,
            self.line,
            self.column,
            &self.field,
        )
    }
}

/// Adds where the export holds it to every object that a subject names without a place.
pub(crate) fn locate(findings: &mut [Finding], snapshot: &Snapshot) {
    let subjects = findings.iter_mut().flat_map(|it| &mut it.subjects);
    for subject in subjects.filter(|it| it.file.is_none()) {
        let origin = subject.object.as_ref().and_then(|it| origin(snapshot, it));
        if let Some(origin) = origin.filter(|it| !it.file.is_empty()) {
            *subject = Subject {
                file: Some(origin.file.clone()),
                ..subject.clone()
            }
            .at_line(origin.line, origin.column);
        }
    }
}

/// Where the export holds an object.
fn origin<'a>(snapshot: &'a Snapshot, object: &Ref) -> Option<&'a Origin> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let kept = snapshot.objects.get(object).map(|it| &it.origin);
    kept.or_else(|| match object.kind.as_str() {
        "Pod" => {
            let key = (namespace, object.name.clone());
            snapshot.pods.get(&key).map(|it| &it.origin)
        }
        "Node" => snapshot.nodes.get(&object.name).map(|it| &it.origin),
        kind => {
            let key = (kind.to_owned(), namespace, object.name.clone());
            snapshot.workloads.get(&key).map(|it| &it.origin)
        }
    })
}

/// Sorts findings and the subjects of each in the order of output: level, code, subject.
pub(crate) fn sort(findings: &mut [Finding]) {
    for finding in &mut *findings {
        finding.subjects.sort_by(|a, b| a.order().cmp(&b.order()));
        finding.subjects.dedup();
    }
    findings.sort_by(|a, b| {
        (a.level, &a.code)
            .cmp(&(b.level, &b.code))
            .then_with(|| {
                a.subjects
                    .iter()
                    .map(Subject::order)
                    .cmp(b.subjects.iter().map(Subject::order))
            })
            .then_with(|| a.title.cmp(&b.title))
    });
}

/// Returns what the findings amount to.
pub(crate) fn verdict(findings: &[Finding]) -> Verdict {
    let hides = |it: &Finding| {
        it.level == Level::Unknown && Code::parse(&it.code).is_none_or(Code::could_hide_a_block)
    };
    if findings.iter().any(|it| it.level == Level::Block) {
        Verdict::Blocked
    } else if findings.iter().any(hides) {
        Verdict::Unknown
    } else {
        Verdict::Clear
    }
}

#[cfg(test)]
mod tests;
