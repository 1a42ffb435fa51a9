//! Revisions of a control plane, and what carries their name.

/// The revision of an installation that has none, and the tag that leads to it.
pub const DEFAULT_REVISION: &str = "default";

/// Returns a revision as labels say it: one that is empty, as in requests and values, is the default one.
pub fn stated_revision(revision: &str) -> &str {
    if revision.is_empty() {
        DEFAULT_REVISION
    } else {
        revision
    }
}

/// Returns the name of an object of a revision: `istiod`, `istiod-canary`.
pub fn revisioned(name: &str, revision: &str) -> String {
    if stated_revision(revision) == DEFAULT_REVISION {
        name.to_owned()
    } else {
        format!("{name}-{revision}")
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_REVISION, revisioned, stated_revision};

    #[test]
    fn the_default_revision_stands_in_labels_and_not_in_names() {
        assert_eq!(stated_revision(""), DEFAULT_REVISION);
        assert_eq!(stated_revision("canary"), "canary");
        assert_eq!(revisioned("istiod", ""), "istiod");
        assert_eq!(revisioned("istiod", DEFAULT_REVISION), "istiod");
        assert_eq!(revisioned("istiod", "canary"), "istiod-canary");
    }
}
