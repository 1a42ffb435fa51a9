//! Disruption budgets among the changes.

use crate::outcome::{Change, ChangeClass};

/// The kind of a budget.
pub(super) const KIND: &str = "PodDisruptionBudget";

/// Whether what a budget demands changes.
pub(super) fn changes_something(change: &Change) -> bool {
    let spec = change.fields.iter().any(|it| it.path.starts_with("spec."));
    matches!(change.class, ChangeClass::Create | ChangeClass::Delete) || spec
}
