//! `ownership-unknown`: managedFields are the only proof of who set a field (domain §7).

use super::Code;
use super::Explanation;
use super::links::APPLY;
use super::{Situation, count};
use crate::diff::is_tracked;
use crate::outcome::{ChangeClass, Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The export holds no managedFields.",
    why: "They alone prove who set a field. Without them edits by others, which the apply would overwrite, look like \
          what istioctl set.",
    settle: "Export again with `--show-managed-fields`.",
    source: "kubectl hides managedFields by default",
    link: APPLY,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    if situation.inventory.control_planes.is_empty() {
        return Vec::new();
    }
    if !situation.snapshot.managed_fields {
        let finding = Finding::new(
            Code::OwnershipUnknown,
            Level::Unknown,
            "Who set which field is unknown",
            "No object of the export has managedFields, so edits by others cannot be told from what istioctl set; the apply \
             overwrites both",
        );
        return vec![finding.fix(FIX)];
    }
    let untracked = untracked(situation);
    if untracked.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::OwnershipUnknown,
        Level::Unknown,
        format!(
            "Who set which field of {} is unknown",
            count(untracked.len(), "object")
        ),
        "They have no managedFields in the export, although others have, so edits of them by others cannot be told from \
         what istioctl set; the apply overwrites both",
    );
    vec![finding.about(untracked).fix(FIX)]
}

const FIX: &str = "Export again with `--show-managed-fields`";

/// Objects that the apply changes and that were exported without managedFields.
fn untracked(situation: &Situation) -> Vec<Subject> {
    let changes = situation.desired.map(|it| it.changes).unwrap_or_default();
    changes
        .iter()
        .filter(|it| !matches!(it.class, ChangeClass::Create | ChangeClass::Unchanged))
        .filter_map(|change| {
            let kept = situation.snapshot.objects.get(&change.object)?;
            (!is_tracked(&kept.value)).then(|| Subject::kept(&change.object, kept))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn an_export_without_managed_fields_is_unknown() {
        let mut cluster = Cluster::new();
        cluster.snapshot.managed_fields = false;
        assert_eq!(cluster.codes(check), ["ownership-unknown Unknown"]);
    }

    #[test]
    fn managed_fields_settle_it() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
