//! What the apply writes, as admission sees it.

use serde_json::Value;

use super::{Situation, group_of};
use crate::dataplane::{namespace_labels, selector::matches};
use crate::outcome::{ChangeClass, Ref};

/// An object that is written.
pub(super) struct Written<'a> {
    pub(super) object: &'a Ref,
    /// As it will be.
    pub(super) after: &'a Value,
    /// As it is, if it is there.
    pub(super) before: Option<&'a Value>,
}

impl Written<'_> {
    /// Whether a rule of a policy or webhook names the write.
    pub(super) fn is_named(&self, rule: &Value) -> bool {
        let names = |key: &str, wanted: &[&str]| {
            let listed = rule.get(key).and_then(Value::as_array);
            listed.is_some_and(|it| {
                it.iter()
                    .filter_map(Value::as_str)
                    .any(|it| it == "*" || wanted.contains(&it))
            })
        };
        let operation = if self.before.is_some() {
            "UPDATE"
        } else {
            "CREATE"
        };
        let only = rule.get("resourceNames").and_then(Value::as_array);
        // `matchPolicy: Equivalent` is the default: another version of the same resource is meant too.
        names("operations", &[operation])
            && names("apiGroups", &[group_of(&self.object.api_version)])
            && names("resources", &[&resource(&self.object.kind), "*/*"])
            && only.is_none_or(|it| {
                it.is_empty() || it.iter().any(|it| it == self.object.name.as_str())
            })
    }

    /// Whether `objectSelector` and `namespaceSelector` select it, as it is or as it will be; a namespace that the export
    /// does not show is taken as selected.
    pub(super) fn is_selected(&self, situation: &Situation, selectors: &Value) -> bool {
        let labels = |value: &Value| {
            let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
            labels
                .into_iter()
                .flatten()
                .filter_map(|(key, it)| Some((key.clone(), it.as_str()?.to_owned())))
                .collect()
        };
        let wanted = selectors.get("objectSelector");
        let object = matches(wanted, &labels(self.after))
            || self.before.is_some_and(|it| matches(wanted, &labels(it)));
        let namespace = self.object.namespace.as_deref();
        let namespace = namespace.and_then(|name| namespace_labels(situation.snapshot, name));
        object && namespace.is_none_or(|it| matches(selectors.get("namespaceSelector"), &it))
    }
}

/// Everything that the apply writes.
pub(super) fn written<'a>(situation: &Situation<'a>) -> Vec<Written<'a>> {
    let changes = situation.desired.map(|it| it.changes).unwrap_or_default();
    let writes = changes.iter().filter(|it| {
        matches!(
            it.class,
            ChangeClass::Create | ChangeClass::Change | ChangeClass::Replace
        )
    });
    writes
        .filter_map(|change| {
            Some(Written {
                object: &change.object,
                after: change.predicted.as_ref()?,
                before: situation
                    .snapshot
                    .objects
                    .get(&change.object)
                    .map(|it| &it.value),
            })
        })
        .collect()
}

/// The resource of a kind, as the API names it.
pub(super) fn resource(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == "endpoints" {
        kind
    } else if kind.ends_with('s') || kind.ends_with("ch") {
        format!("{kind}es")
    } else if let Some(stem) = kind
        .strip_suffix('y')
        .filter(|it| !it.ends_with(['a', 'e', 'o']))
    {
        format!("{stem}ies")
    } else {
        format!("{kind}s")
    }
}

#[cfg(test)]
mod tests {
    use super::resource;

    #[test]
    fn kinds_are_made_plural_as_the_api_does() {
        for (kind, plural) in [
            ("Deployment", "deployments"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Gateway", "gateways"),
            ("Endpoints", "endpoints"),
            ("ConfigMap", "configmaps"),
        ] {
            assert_eq!(resource(kind), plural);
        }
    }
}
