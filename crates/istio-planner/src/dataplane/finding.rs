//! What is to be said about workloads that a restart does not help.

use std::collections::BTreeMap;

use istio_catalog::Version;

use super::Context;
use crate::finding::Code;
use crate::outcome::{Finding, Level, Ref, Restart, RestartHow, Subject};
use crate::snapshot::Snapshot;

/// What stands against renewing a workload's proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// Two configurations would inject the same pod, and do so only after the upgrade.
    NewOverlap,
    /// Two configurations inject the same pod already.
    Overlap,
    /// Nothing injects the next pod any more, because of the upgrade.
    Gap,
    /// Nothing injects the next pod any more.
    LosesProxy,
    /// No controller makes the pod again.
    BarePod,
    /// A Job that runs.
    Job,
    /// A Job that a CronJob has made, and that runs.
    CronJob,
    /// Pods are replaced only when they are deleted.
    OnDelete,
    /// A partition holds pods back.
    Partition,
    /// The Deployment is paused.
    Paused,
    /// The proxy was injected into the template.
    KubeInject,
    /// The template names the proxy's image.
    ImageInTemplate,
    /// An annotation names the proxy's image.
    PinnedImage,
    /// A controller that is not known here.
    Unknown,
}

impl Trouble {
    fn code(self) -> (Code, Level) {
        match self {
            Self::NewOverlap => (Code::WebhookOverlap, Level::Block),
            Self::Overlap => (Code::WebhookOverlap, Level::Warn),
            Self::Gap => (Code::WebhookGap, Level::Warn),
            Self::LosesProxy => (Code::WouldLoseProxy, Level::Warn),
            Self::BarePod
            | Self::Job
            | Self::CronJob
            | Self::OnDelete
            | Self::Partition
            | Self::Paused
            | Self::KubeInject
            | Self::ImageInTemplate
            | Self::PinnedImage
            | Self::Unknown => (Code::ManualRestart, Level::Warn),
        }
    }

    /// Why, after the names of the workloads.
    fn why(self) -> &'static str {
        match self {
            Self::NewOverlap => "would be injected twice after the upgrade",
            Self::Overlap => "is selected by more than one injector already",
            Self::Gap => "is injected today, but no injector of the target selects it",
            Self::LosesProxy => {
                "has a proxy, but no injector selects it any more: a restart would remove the proxy"
            }
            Self::BarePod => "has no controller that would make it again",
            Self::Job => {
                "is a running Job, which ends with the proxy it has; its next run gets the new one"
            }
            Self::CronJob => {
                "has a running Job, which ends with the proxy it has; its next run gets the new one"
            }
            Self::OnDelete => {
                "has the update strategy OnDelete: a rollout changes nothing until its pods are evicted"
            }
            Self::Partition => "has a partition: a rollout renews only the pods above it",
            Self::Paused => "is paused: `kubectl rollout restart` refuses it until it is resumed",
            Self::KubeInject => {
                "was injected by `istioctl kube-inject`: its template holds the old proxy"
            }
            Self::ImageInTemplate => "names the proxy's image in its template",
            Self::PinnedImage => "pins its proxy by the annotation sidecar.istio.io/proxyImage",
            Self::Unknown => "belongs to a controller that may or may not make its pods again",
        }
    }
}

/// Makes one finding of each code and level, with all its workloads.
pub(super) fn findings(mut troubles: Vec<(Trouble, Subject)>) -> Vec<Finding> {
    troubles.sort_by(|(a, x), (b, y)| (a, &x.object).cmp(&(b, &y.object)));
    let mut found: BTreeMap<(Code, Level), Vec<(Trouble, Subject)>> = BTreeMap::new();
    for (trouble, subject) in troubles {
        found
            .entry(trouble.code())
            .or_default()
            .push((trouble, subject));
    }
    found
        .into_iter()
        .map(|((code, level), troubles)| finding(code, level, troubles))
        .collect()
}

fn finding(code: Code, level: Level, troubles: Vec<(Trouble, Subject)>) -> Finding {
    let mut reasons: BTreeMap<Trouble, Vec<String>> = BTreeMap::new();
    for (trouble, subject) in &troubles {
        reasons
            .entry(*trouble)
            .or_default()
            .extend(subject.object.as_ref().map(name));
    }
    let reasons: Vec<_> = reasons
        .iter()
        .map(|(trouble, names)| sentence(*trouble, names))
        .collect();
    let (title, fix) = words(code, troubles.len());
    Finding::new(code, level, title, reasons.join(". "))
        .about(troubles.into_iter().map(|it| it.1))
        .fix(fix)
}

/// Gateways and waypoints that the new istiod replaces by itself (domain §8.2).
pub(super) fn istiod_rolls(snapshot: &Snapshot, restarts: &[Restart]) -> Option<Finding> {
    let rolled: Vec<_> = restarts
        .iter()
        .filter(|it| it.how == RestartHow::Auto)
        .map(|it| &it.object)
        .collect();
    let names: Vec<_> = rolled.iter().map(|it| name(it)).collect();
    let subjects = rolled.iter().map(|object| {
        let namespace = object.namespace.clone().unwrap_or_default();
        let key = (object.kind.clone(), namespace, object.name.clone());
        match snapshot.workloads.get(&key) {
            Some(workload) => Subject::exported((*object).clone(), &workload.origin),
            None => Subject::of((*object).clone()),
        }
    });
    let frail: Vec<_> = rolled
        .iter()
        .filter_map(|it| Some(format!("{} {}", name(it), frailty(snapshot, it)?)))
        .collect();
    let losses = if frail.is_empty() {
        String::new()
    } else {
        format!(". Traffic is lost meanwhile: {}", listed(&frail))
    };
    let finding = Finding::new(
        Code::IstiodRollsGateways,
        if frail.is_empty() {
            Level::Info
        } else {
            Level::Warn
        },
        match rolled.len() {
            1 => "The new istiod replaces a gateway or waypoint by itself".to_owned(),
            many => format!("The new istiod replaces {many} gateways and waypoints by itself"),
        },
        format!(
            "{}. It does so for all of them at once as soon as it leads, in the step that replaces istiod. One that leads \
             at once may fail to, and leaves them old until it is restarted{losses}",
            listed(&names)
        ),
    );
    (!rolled.is_empty()).then(|| {
        finding.about(subjects).fix(
            "Give each two replicas and a disruption budget; pin a Gateway by the label istio.io/rev to leave it out; \
             watch their Deployments after the step, and restart istiod where they stay old",
        )
    })
}

/// Why the replacement of a gateway takes traffic with it, if it does: one pod, whose connections are cut, and no budget
/// that keeps a second one.
fn frailty(snapshot: &Snapshot, object: &Ref) -> Option<&'static str> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let key = (object.kind.clone(), namespace, object.name.clone());
    let workload = snapshot.workloads.get(&key)?;
    let covered = snapshot.objects.iter().any(|(it, kept)| {
        it.kind == "PodDisruptionBudget"
            && it.namespace == object.namespace
            && kept
                .value
                .pointer("/spec/selector")
                .is_some_and(|selector| {
                    super::selector::matches(Some(selector), &workload.template_labels)
                })
    });
    match (workload.replicas, covered) {
        (0, _) => None,
        (1, _) => Some("has one replica"),
        (_, false) => Some("has no disruption budget"),
        (_, true) => None,
    }
}

/// The request names images of another version.
pub(super) fn proxy_tag_differs(context: Context<'_>, version: &Version) -> Finding {
    let to = context.to;
    Finding::new(
        Code::ProxyTagDiffers,
        Level::Warn,
        format!("The request injects proxies of {version}, not of {to}"),
        format!(
            "The injector's values hold the tag {version}: new pods get that proxy, whatever release is installed{}",
            if version > to {
                ", and a proxy must not be newer than its istiod"
            } else {
                ""
            }
        ),
    )
    .about([Subject::flag("--set")
        .field("values.global.tag")
        .value(version.to_string())])
    .fix(format!(
        "Take `tag` and `values.global.tag` out of the request, or plan with `--to {version}`"
    ))
}

/// Names a few, counts the rest.
fn sentence(trouble: Trouble, names: &[String]) -> String {
    format!("{}: {}", listed(names), trouble.why())
}

fn listed(names: &[String]) -> String {
    const NAMED: usize = 5;
    let listed = names
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{listed}{more}")
}

fn name(object: &Ref) -> String {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    format!("{} {namespace}/{}", object.kind, object.name)
}

fn words(code: Code, count: usize) -> (String, &'static str) {
    let workloads = if count == 1 {
        "One workload".to_owned()
    } else {
        format!("{count} workloads")
    };
    match code {
        Code::WebhookOverlap => (
            format!(
                "More than one injector selects the pods of {}",
                workloads.to_lowercase()
            ),
            "Remove the label or the webhook configuration that should not select them",
        ),
        Code::WebhookGap => (
            format!("{workloads} would start without a sidecar after the upgrade"),
            "Label the namespaces with `istio-injection=enabled`, or keep the setting that injects without a label",
        ),
        Code::WouldLoseProxy => (
            format!("{workloads} would lose the proxy when restarted"),
            "Label the namespace for injection before restarting it, or restart it on purpose to leave the mesh",
        ),
        _ => (
            format!("{workloads} cannot be renewed by a rollout"),
            "Evict or recreate the pods by hand, re-inject templates with `istioctl kube-inject`, or wait for Jobs to end",
        ),
    }
}
