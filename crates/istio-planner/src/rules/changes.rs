//! Changed fields, as subjects of findings.

use super::Situation;
use crate::outcome::{Change, FieldChange, Finding, Ref, Subject};
use crate::snapshot::Snapshot;
use istio_catalog::ComponentName;

/// Whether Services of a component lead traffic into the mesh or out of it.
pub(super) fn is_gateways(component: &str) -> bool {
    ComponentName::parse(component).is_some_and(ComponentName::is_list)
}

/// Fields that scale a workload, by kind.
pub(super) const SCALES: [(&str, &str); 5] = [
    ("Deployment", "spec.replicas"),
    ("StatefulSet", "spec.replicas"),
    ("HorizontalPodAutoscaler", "spec.minReplicas"),
    ("HorizontalPodAutoscaler", "spec.maxReplicas"),
    ("HorizontalPodAutoscaler", "spec.metrics"),
];

/// What the apply changes.
pub(super) fn changes<'a>(situation: &Situation<'a>) -> &'a [Change] {
    situation.desired.map(|it| it.changes).unwrap_or_default()
}

/// Adds subjects and what to do; `None` where there is nothing to speak of.
pub(super) fn about(finding: Finding, subjects: Vec<Subject>, fix: &str) -> Option<Finding> {
    (!subjects.is_empty()).then(|| finding.about(subjects).fix(fix))
}

/// Names changed fields with their live values.
pub(super) fn fields(
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

/// Names an object, and where it stands.
pub(super) fn subject(snapshot: &Snapshot, object: &Ref) -> Subject {
    match snapshot.objects.get(object) {
        Some(kept) => Subject::kept(object, kept),
        None => Subject::new(object.clone()),
    }
}

/// Whether a path is another one, or stands below it.
pub(super) fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
