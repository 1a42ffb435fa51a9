//! What there is to say about changes.

use super::Leftover;
use crate::finding::Code;
use crate::outcome::{Change, FieldChange, Finding, Level, Ref, Subject};
use crate::snapshot::Snapshot;

/// Components whose Services lead traffic into the mesh or out of it.
const GATEWAYS: [&str; 2] = ["IngressGateways", "EgressGateways"];

/// Fields of a Service that a load balancer sees.
const BALANCED: [&str; 18] = [
    "metadata.annotations",
    "spec.type",
    "spec.ports",
    "spec.selector",
    "spec.loadBalancerClass",
    "spec.loadBalancerIP",
    "spec.loadBalancerSourceRanges",
    "spec.externalTrafficPolicy",
    "spec.internalTrafficPolicy",
    "spec.trafficDistribution",
    "spec.allocateLoadBalancerNodePorts",
    "spec.healthCheckNodePort",
    "spec.externalIPs",
    "spec.externalName",
    "spec.ipFamilies",
    "spec.ipFamilyPolicy",
    "spec.sessionAffinity",
    "spec.sessionAffinityConfig",
];

/// Fields that scale a workload, by kind.
const SCALES: [(&str, &str); 5] = [
    ("Deployment", "spec.replicas"),
    ("StatefulSet", "spec.replicas"),
    ("HorizontalPodAutoscaler", "spec.minReplicas"),
    ("HorizontalPodAutoscaler", "spec.maxReplicas"),
    ("HorizontalPodAutoscaler", "spec.metrics"),
];

/// Returns the findings that follow from changes alone.
pub(super) fn all(snapshot: &Snapshot, changes: &[Change]) -> Vec<Finding> {
    [
        load_balancer_change(snapshot, changes),
        scale_reset(snapshot, changes),
        failure_policy_change(snapshot, changes),
        edits_overwritten(snapshot, changes),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn load_balancer_change(snapshot: &Snapshot, changes: &[Change]) -> Option<Finding> {
    let subjects = fields(snapshot, changes, |change, field| {
        change.object.kind == "Service"
            && GATEWAYS.contains(&change.component.as_str())
            && BALANCED.iter().any(|it| is_below(&field.path, it))
    });
    let finding = Finding::new(
        Code::LoadBalancerChange,
        Level::Warn,
        "What load balancers see of a gateway changes",
        "The apply changes fields of a gateway's Service by which a cloud provider sets up its load balancer; it may \
         drop connections, open or close ports, or make a new address",
    );
    about(
        finding,
        subjects,
        "Set what is to stay in the request: the gateway's `k8s.service` and `serviceAnnotations`",
    )
}

fn scale_reset(snapshot: &Snapshot, changes: &[Change]) -> Option<Finding> {
    let subjects = fields(snapshot, changes, |change, field| {
        let known = field
            .owner
            .as_deref()
            .is_some_and(|it| it != super::fields::UNKNOWN);
        known
            && SCALES
                .iter()
                .any(|it| change.object.kind == it.0 && is_below(&field.path, it.1))
    });
    let finding = Finding::new(
        Code::ScaleReset,
        Level::Warn,
        "A scale that others set would be overwritten",
        "Replicas or autoscaler bounds were set by others than istioctl, and the apply sets them to what the request says",
    );
    about(
        finding,
        subjects,
        "Set the live values in the request, under the component's `k8s`",
    )
}

/// What happens while istiod does not answer. A validator that istioctl would open stays closed in the plan
/// ([`validation_stays_closed`]), so that is none.
fn failure_policy_change(snapshot: &Snapshot, changes: &[Change]) -> Option<Finding> {
    let mut closes = false;
    let mut opens = false;
    for (change, field) in changes
        .iter()
        .flat_map(|change| change.fields.iter().map(move |field| (change, field)))
        .filter(|it| is_policy(it.0, it.1))
    {
        let fails = field.to == Some("Fail".into());
        closes |= fails && change.object.kind == "MutatingWebhookConfiguration";
        opens |= !fails;
    }
    let subjects = fields(snapshot, changes, is_policy);
    let mut why = Vec::new();
    if closes {
        why.push(
            "With Fail, pods that the injector selects cannot be created while no istiod answers",
        );
    }
    if opens {
        why.push("With Ignore, pods start without a sidecar, and configuration is taken unchecked, while no istiod answers");
    }
    let finding = Finding::new(
        Code::FailurePolicyChange,
        Level::Warn,
        "The apply changes what happens while istiod does not answer",
        why.join(". "),
    );
    about(
        finding,
        subjects,
        "Keep the live failurePolicy in the request by an overlay where it is there on purpose; run two istiod",
    )
}

fn is_policy(change: &Change, field: &FieldChange) -> bool {
    let opened = change.object.kind == "ValidatingWebhookConfiguration"
        && field.from == Some("Fail".into())
        && field.to == Some("Ignore".into());
    change.object.kind.ends_with("WebhookConfiguration")
        && field.path.ends_with(".failurePolicy")
        && field.from.is_some()
        && field.to.is_some()
        && !opened
}

/// Managers whose writes belong to an installation: istiod, istioctl and controllers of Kubernetes.
const OWN: [&str; 6] = [
    "pilot-discovery",
    "istioctl",
    "istio-operator",
    "kube-controller-manager",
    "cloud-controller-manager",
    "before-first-apply",
];

fn edits_overwritten(snapshot: &Snapshot, changes: &[Change]) -> Option<Finding> {
    let subjects = fields(snapshot, changes, |change, field| {
        let edited = field.owner.as_deref().is_some_and(|owner| {
            owner != super::fields::UNKNOWN && owner.split(", ").any(|it| !OWN.contains(&it))
        });
        let scale = SCALES
            .iter()
            .any(|it| change.object.kind == it.0 && is_below(&field.path, it.1));
        edited && !scale
    });
    let finding = Finding::new(
        Code::EditsOverwritten,
        Level::Warn,
        "Fields that others set would be overwritten",
        "The apply takes these fields over from whoever set them last, and sets them to what the request says",
    );
    about(
        finding,
        subjects,
        "Set the live values in the request where they are to stay; `changes` names the owner of each",
    )
}

/// Objects that the target does not render any more, and that stay.
pub(super) fn orphans_left(snapshot: &Snapshot, orphans: &[Leftover]) -> Option<Finding> {
    let subjects = orphans
        .iter()
        .map(|it| subject(snapshot, &it.object))
        .collect();
    let gateways = orphans
        .iter()
        .any(|it| it.object.kind == "Deployment" && GATEWAYS.contains(&it.component.as_str()));
    let istioctl = if orphans.iter().any(|it| it.by_istioctl) {
        "istioctl would delete those that carry the very version it installs; here nothing is deleted unasked"
    } else {
        "istioctl deletes only what carries the very version it installs, so they stay"
    };
    let serving = if gateways {
        ". Gateways among them keep serving with the old version"
    } else {
        ""
    };
    let finding = Finding::new(
        Code::OrphansLeft,
        Level::Warn,
        "Objects of the installation are left behind",
        format!("The target does not render them, and {istioctl}{serving}"),
    );
    about(
        finding,
        subjects,
        "Name what is not wanted any more with `--prune KIND/NAMESPACE/NAME`, or all but gateways and definitions with \
         `--prune-orphans`; keep definitions that hold objects",
    )
}

/// Names that were given for deletion, but are not left over.
pub(super) fn not_left_over(names: &[&str]) -> Option<Finding> {
    let subjects: Vec<_> = names
        .iter()
        .map(|it| Subject::flag("--prune").value(*it))
        .collect();
    let finding = Finding::new(
        Code::RequestWarning,
        Level::Warn,
        "What is to be pruned is not left over",
        "Only objects of this installation that the target does not render any more can be pruned; nothing of this name is \
         among them",
    );
    about(
        finding,
        subjects,
        "Write `KIND/NAME` or `KIND/NAMESPACE/NAME` of an object that the plan shows as left behind",
    )
}

/// A fixed field changes.
pub(super) fn immutable_field(snapshot: &Snapshot, object: &Ref, fields: &[String]) -> Finding {
    let definition = object.kind == "CustomResourceDefinition";
    let level = if definition {
        Level::Block
    } else {
        Level::Warn
    };
    let detail = if definition {
        "Making the definition anew would delete every object of its kind"
    } else {
        "The API server refuses the change, so the plan deletes the object and makes it anew; it is away for a moment"
    };
    let subjects = fields
        .iter()
        .map(|it| subject(snapshot, object).field(it.as_str()));
    Finding::new(
        Code::ImmutableField,
        level,
        format!("{} {} cannot be changed in place", object.kind, object.name),
        detail,
    )
    .about(subjects)
    .fix(
        "Set the live value in the request, under the component's `k8s` or by an overlay, where the object has to stay",
    )
}

/// The API server would refuse an object.
pub(super) fn apply_refused(object: &Ref, reason: &str) -> Finding {
    Finding::new(
        Code::ApplyRefused,
        Level::Block,
        format!(
            "The API server would refuse {} {}",
            object.kind, object.name
        ),
        format!("Server-side apply answers: {reason}"),
    )
    .about([Subject::of(object.clone())])
    .fix("Correct the setting or overlay that writes this field")
}

/// The plan keeps `failurePolicy: Fail`.
pub(super) fn validation_stays_closed(object: &Ref) -> Finding {
    Finding::new(
        Code::IstioctlDefect,
        Level::Info,
        "Validation of configuration stays closed",
        "istioctl turns the validator to Ignore with every upgrade, until istiod turns it back to Fail; the plan leaves \
         the field alone, although `changes` shows what istioctl's apply would store",
    )
    .about([Subject::of(object.clone()).field("webhooks.failurePolicy")])
}

fn about(finding: Finding, subjects: Vec<Subject>, fix: &str) -> Option<Finding> {
    (!subjects.is_empty()).then(|| finding.about(subjects).fix(fix))
}

/// Names changed fields with their live values.
fn fields(
    snapshot: &Snapshot,
    changes: &[Change],
    wanted: impl Fn(&Change, &FieldChange) -> bool,
) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for change in changes {
        for field in change.fields.iter().filter(|it| wanted(change, it)) {
            let subject = subject(snapshot, &change.object).field(field.path.as_str());
            subjects.push(match &field.from {
                Some(from) => subject.value(from.clone()),
                None => subject,
            });
        }
    }
    subjects
}

fn subject(snapshot: &Snapshot, object: &Ref) -> Subject {
    match snapshot.objects.get(object) {
        Some(kept) => Subject::kept(object, kept),
        None => Subject::of(object.clone()),
    }
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
