//! `signing-key-changed`: a policy of the cluster checks images against a key that does not sign the target's.

use serde_json::Value;

use super::Code;
use super::{Explanation, Situation};
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A policy that verifies the signatures of images names the key of older releases of Istio.",
    why: "Images from 1.31.1 on are signed with another key. A policy that knows only the old one refuses the pods of the \
          target, or those of the source.",
    settle: "Let the policy accept both keys before the upgrade, and only the new one once no old image runs.",
    source: "istio.io, blog 2026: retirement of GCP-hosted artifacts (signing keys)",
    link: Some("https://istio.io/latest/blog/2026/retirement-of-gcp/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    let Some(wanted) = situation.known.signing_key(to) else {
        return Vec::new();
    };
    let others: Vec<&str> = situation
        .known
        .signing_keys
        .iter()
        .map(|it| name(&it.key))
        .filter(|it| *it != name(&wanted.key))
        .collect();
    let mut subjects = Vec::new();
    for (object, kept) in &situation.snapshot.objects {
        if !is_policy(&object.kind) {
            continue;
        }
        let mut places = Vec::new();
        each_text(&kept.value, "", &mut |path, text| {
            if !path.starts_with("metadata.") {
                places.push((path.to_owned(), text.to_owned()));
            }
        });
        if places
            .iter()
            .any(|(_, text)| text.contains(name(&wanted.key)))
        {
            continue;
        }
        let old = places
            .iter()
            .find(|(_, text)| others.iter().any(|key| text.contains(key)));
        if let Some((path, _)) = old {
            subjects.push(Subject::kept(object, kept).field(path.clone()));
        }
    }
    if subjects.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::SigningKeyChanged,
        Level::Warn,
        format!("The images of {to} are signed with another key than a policy names"),
        format!(
            "{} signs them; the policy names {}",
            wanted.key,
            others.join(", ")
        ),
    );
    vec![finding.about(subjects).fix(format!(
        "Let the policy accept {} as well, before the apply",
        wanted.key
    ))]
}

/// The file's name of a key: policies write its address, its path or its name.
fn name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// Kinds that verify images: Kyverno, Sigstore's policy controller, Gatekeeper, Ratify, Connaisseur's own settings.
fn is_policy(kind: &str) -> bool {
    kind.ends_with("Policy") || kind.ends_with("Verifier") || kind == "ConfigMap"
}

fn each_text(value: &Value, path: &str, each: &mut dyn FnMut(&str, &str)) {
    let join = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match value {
        Value::String(text) => each(path, text),
        Value::Array(list) => {
            for (at, it) in list.iter().enumerate() {
                each_text(it, &format!("{path}[{at}]"), each);
            }
        }
        Value::Object(map) => {
            for (key, it) in map {
                each_text(it, &join(key), each);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn policy(key: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.object(
            json!({"apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy",
            "metadata": {"name": "istio"},
            "spec": {"authorities": [{"key": {"kms": key}}]}}),
        );
        cluster
    }

    #[test]
    fn a_policy_with_the_old_key_refuses_the_target() {
        let mut cluster = policy("https://istio.io/misc/istio-key.pub");
        cluster.request.to = "1.31.1".to_owned();
        assert_eq!(cluster.codes(check), ["signing-key-changed Warn"]);
    }

    #[test]
    fn a_policy_with_the_target_s_key_is_silent() {
        let mut cluster = policy("https://istio.io/misc/istio-key.pub");
        assert!(cluster.check(check).is_empty());
        cluster = policy("https://istio.io/misc/istio-key-v2.pub");
        cluster.request.to = "1.31.1".to_owned();
        assert!(cluster.check(check).is_empty());
        cluster = policy("https://example.org/key.pub");
        cluster.request.to = "1.31.1".to_owned();
        assert!(cluster.check(check).is_empty());
    }
}
