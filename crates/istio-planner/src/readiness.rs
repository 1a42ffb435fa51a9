//! Whether a cluster can still go back to an older release, until when, and what that would lose.
//!
//! Nothing is judged here: the downgrade is planned like any other, and its findings are put in order.

use istio_catalog::{Facts, Version};
use serde::Serialize;

use crate::input::Input;
use crate::kubernetes::group_of;
use crate::outcome::{Code, Finding, Level, Outcome, Ref, Verdict};

/// Findings about what going back loses: fields, objects and versions that only the newer release knows, and
/// certificates.
const LOST: [Code; 10] = [
    Code::AlphaSecurityObjects,
    Code::CaChange,
    Code::CrdStoredVersion,
    Code::CrdVersionMissing,
    Code::FieldsLost,
    Code::ObjectsIgnored,
    Code::ObjectsRefused,
    Code::RootCertificatesDiffer,
    Code::SettingsUnknown,
    Code::WebhookCaDiffers,
];

/// API groups whose objects tell a mesh what to do.
const MESH: [&str; 2] = ["istio.io", "gateway.networking.k8s.io"];

/// The way back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// Whether it is open: clear, blocked, or unknown for want of evidence.
    pub verdict: Verdict,
    /// The version that runs.
    pub from: Option<String>,
    /// The version that is gone back to.
    pub to: Option<String>,
    /// The last day on which the older release is supported, as far as that is known.
    pub supported_until: Option<String>,
    /// That day is over.
    pub ended: bool,
    /// What stands against it, or is not known.
    pub open: Vec<Finding>,
    /// What would be lost.
    pub lost: Vec<Finding>,
    /// Objects for the mesh that were made since the upgrade: the older release has never seen them.
    pub made_since: Vec<Ref>,
    /// Pods whose proxies have to be restarted afterwards.
    pub pods: u32,
}

/// Tells from the plan of a downgrade whether it can be gone. `since` is when the upgrade began, in RFC 3339.
pub fn readiness(input: &Input, downgrade: &Outcome, since: Option<&str>) -> Readiness {
    let facts = input.facts.as_ref().unwrap_or_else(|| Facts::embedded());
    let to = downgrade.target.version.clone();
    let version = to.as_deref().and_then(Version::parse_tag);
    let end = version.and_then(|it| facts.end_of_life(it.minor_release()));
    let supported_until = end.map(|it| it.date);
    let ended = supported_until.as_deref().zip(input.as_of.as_deref());
    let is_lost = |it: &&Finding| LOST.contains(&it.code);
    let stands = |it: &&Finding| matches!(it.level, Level::Block | Level::Unknown);
    let findings = || downgrade.findings.iter().filter(|it| it.accepted.is_none());
    Readiness {
        verdict: downgrade.verdict,
        from: downgrade.source.version.clone(),
        to,
        ended: ended.is_some_and(|(end, today)| end < today),
        supported_until,
        open: findings()
            .filter(|it| stands(it) && !is_lost(it))
            .cloned()
            .collect(),
        lost: findings().filter(is_lost).cloned().collect(),
        made_since: since.map(|it| made_since(input, it)).unwrap_or_default(),
        pods: downgrade.restarts.iter().map(|it| it.pods).sum(),
    }
}

/// Objects for the mesh that are younger than the upgrade. Times of the API are in UTC and of one form, so they compare
/// as text.
fn made_since(input: &Input, since: &str) -> Vec<Ref> {
    let since = since.get(..19).unwrap_or(since);
    let objects = input.snapshot.objects.iter();
    let made = objects.filter(|(it, object)| {
        let group = group_of(&it.api_version);
        let is_mesh = MESH.iter().any(|own| group.ends_with(own));
        let time = object.value.pointer("/metadata/creationTimestamp");
        let time = time.and_then(|it| it.as_str()).and_then(|it| it.get(..19));
        is_mesh && time.is_some_and(|it| it > since)
    });
    made.map(|it| it.0.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::outcome::Subject;
    use crate::snapshot::SnapshotReader;

    fn input(as_of: &str) -> Input {
        let route = |name: &str, time: &str| {
            json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                "metadata": {"namespace": "shop", "name": name, "creationTimestamp": time}, "spec": {}})
        };
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            route("old", "2026-05-01T10:00:00Z"), route("new", "2026-05-02T10:00:00Z"),
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system", "name": "istio",
                "creationTimestamp": "2026-05-03T10:00:00Z"}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "web",
                "creationTimestamp": "2026-05-03T10:00:00Z"}},
        ]});
        let mut reader = SnapshotReader::new();
        reader
            .read("cluster.json", list.to_string().as_bytes())
            .unwrap();
        Input {
            snapshot: reader.finish().unwrap(),
            as_of: Some(as_of.to_owned()),
            ..Input::default()
        }
    }

    #[test]
    fn what_would_be_lost_stands_apart_from_what_stands_against_it() {
        let input = input("2026-06-01");
        let mut downgrade = crate::plan(&Input {
            request: crate::Request {
                to: "1.29.6".to_owned(),
                ..crate::Request::default()
            },
            ..input.clone()
        });
        let lost = Finding::new(Code::FieldsLost, Level::Block, "Loses", "Because");
        downgrade.findings.push(lost.about([Subject::default()]));
        let readiness = readiness(&input, &downgrade, Some("2026-05-01T12:00:00.123Z"));
        let names: Vec<&str> = readiness
            .made_since
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(names, ["new"]);
        assert_eq!(readiness.lost.len(), 1);
        assert!(
            readiness
                .open
                .iter()
                .any(|it| it.code == Code::NoControlPlane)
        );
        assert!(!readiness.open.iter().any(|it| it.code == Code::FieldsLost));
        assert_eq!(readiness.verdict, Verdict::Blocked);
    }

    #[test]
    fn the_way_back_ends_with_the_support_of_the_older_release() {
        let at = |day: &str| {
            let input = input(day);
            let mut downgrade = crate::plan(&input);
            downgrade.target.version = Some("1.20.0".to_owned());
            readiness(&input, &downgrade, None)
        };
        let end = at("2024-01-01").supported_until.unwrap();
        assert!(!at(&end).ended);
        assert!(at("2026-01-01").ended);
    }
}
