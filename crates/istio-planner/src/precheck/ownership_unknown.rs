//! `ownership-unknown`: managedFields are the only proof of who set a field (domain.md §7).

use super::Situation;
use crate::finding::Code;
use crate::outcome::{Finding, Level};

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    if it.snapshot.managed_fields || it.inventory.control_planes.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::OwnershipUnknown,
        Level::Unknown,
        "Who set which field is unknown",
        "No object of the export has managedFields, so edits by others cannot be told from what istioctl set; the apply \
         overwrites both",
    );
    vec![finding.fix("Export again with `--show-managed-fields`")]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::precheck::fixture::Cluster;

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
