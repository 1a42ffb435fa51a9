//! What of a change was the plan's: others may have written between the moment at which an object was written down and the
//! plan's own write, and theirs is not taken back with it.

use istio_planner::plan::FIELD_MANAGER;
use serde_json::Value;

use super::former::{Entry, Set, entry, members, ownership, tree};
use crate::fields;
use crate::journal::copy::MANAGER;

/// Returns an object as the plan alone would have left it: `former` is what was written down before, `stored` what stood
/// there afterwards. Whose a change is, the field's owners tell.
pub(super) fn by_plan(former: &Value, stored: &Value) -> Value {
    let is_theirs = |path: &[fields::Part], found: Option<&Value>| {
        let owners = match found {
            Some(_) => fields::owners(stored, path),
            // It is gone: whoever owned it took it away.
            None => fields::owners(former, path),
        };
        !owners.is_empty() && !owners.iter().any(|it| is_ours(it))
    };
    let mut left = fields::but_for(former, stored, &is_theirs);
    let entries = owned(former, stored);
    if !entries.is_empty() {
        left["metadata"]["managedFields"] = entries.into();
    }
    left
}

fn is_ours(manager: &str) -> bool {
    manager == FIELD_MANAGER || manager == MANAGER
}

/// Who owned what: others as before, but for what the plan's writes took from them.
fn owned(former: &Value, stored: &Value) -> Vec<Value> {
    let set = |it: &Value| {
        let mut set = Set::new();
        members(&it["fieldsV1"], &mut Vec::new(), &mut set);
        set
    };
    let name = |it: &Entry| is_ours(&it.0);
    let now = ownership(stored);
    let ours: Vec<Value> = now.iter().filter(|it| name(&entry(it))).cloned().collect();
    let taken: Set = ours.iter().flat_map(&set).collect();
    let theirs = ownership(former).into_iter().filter(|it| !name(&entry(it)));
    let theirs = theirs.filter_map(|mut it| {
        let (was, same) = (
            set(&it),
            now.iter().find(|other| entry(other) == entry(&it)),
        );
        let kept: Set = same.map(&set).unwrap_or_default();
        let left: Set = was
            .iter()
            .filter(|it| kept.contains(*it) || !taken.contains(*it))
            .cloned()
            .collect();
        if left != was {
            it["fieldsV1"] = tree(&left);
        }
        (!left.is_empty()).then_some(it)
    });
    theirs.chain(ours).collect()
}
