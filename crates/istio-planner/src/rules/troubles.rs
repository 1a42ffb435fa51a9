//! Workloads that a restart does not help, as findings.

use sorted::SortedMap;

use super::Code;
use super::Situation;
use crate::dataplane::Trouble;
use crate::outcome::{Finding, Level, Ref};

/// Makes one finding of all workloads whose trouble is wanted; its title is made of their number in words.
pub(super) fn finding(
    situation: &Situation,
    wanted: impl Fn(Trouble) -> bool,
    code: Code,
    level: Level,
    title: impl Fn(&str) -> String,
    fix: &str,
) -> Option<Finding> {
    let mut troubles: Vec<_> = situation
        .troubles
        .iter()
        .filter(|it| wanted(it.0))
        .collect();
    if troubles.is_empty() {
        return None;
    }
    sorted::sort_by(&mut troubles, |(a, x), (b, y)| {
        (a, &x.object).cmp(&(b, &y.object))
    });
    let mut reasons: SortedMap<Trouble, Vec<String>> = SortedMap::new();
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
    let workloads = match troubles.len() {
        1 => "One workload".to_owned(),
        many => format!("{many} workloads"),
    };
    let finding = Finding::new(code, level, title(&workloads), reasons.join(". "))
        .about(troubles.into_iter().map(|it| it.1.clone()))
        .fix(fix);
    Some(finding)
}

/// Why, after the names of the workloads.
fn why(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NewOverlap => "would be injected twice after the upgrade",
        Trouble::Overlap => "is selected by more than one injector already",
        Trouble::Gap => "is injected today, but no injector of the target selects it",
        Trouble::LosesProxy => {
            "has a proxy, but no injector selects it any more: a restart would remove the proxy"
        }
        Trouble::BarePod => "has no controller that would make it again",
        Trouble::Job => {
            "is a running Job, which ends with the proxy it has; its next run gets the new one"
        }
        Trouble::CronJob => {
            "has a running Job, which ends with the proxy it has; its next run gets the new one"
        }
        Trouble::OnDelete => {
            "has the update strategy OnDelete: a rollout changes nothing until its pods are evicted"
        }
        Trouble::Partition => "has a partition: a rollout restarts only the pods above it",
        Trouble::Paused => "is paused: `kubectl rollout restart` refuses it until it is resumed",
        Trouble::KubeInject => {
            "was injected by `istioctl kube-inject`: its template holds the old proxy"
        }
        Trouble::ImageInTemplate => "names the proxy's image in its template",
        Trouble::PinnedImage => "pins its proxy by the annotation sidecar.istio.io/proxyImage",
        Trouble::Unknown => "belongs to a controller that may or may not make its pods again",
    }
}
fn sentence(trouble: Trouble, names: &[String]) -> String {
    format!("{}: {}", listed(names), why(trouble))
}

/// Names a few, counts the rest.
pub(super) fn listed(names: &[String]) -> String {
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

/// Kind, namespace and name.
pub(super) fn name(object: &Ref) -> String {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    format!("{} {namespace}/{}", object.kind, object.name)
}
