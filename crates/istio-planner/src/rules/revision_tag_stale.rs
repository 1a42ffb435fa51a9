//! `revision-tag-stale`: a user's tag keeps the webhook that the source's istioctl made (domain §11, F-30).

use super::Code;
use super::Explanation;
use super::{DEFAULT_REVISION, Situation, enumerate};
use crate::outcome::{Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A revision tag's webhook was made by the source release, and no upgrade renews it.",
    why: "Pods that the tag selects are injected by the old webhook's rules until the tag is made again.",
    settle: "After the upgrade run the target's `istioctl tag set TAG --revision default --overwrite`.",
    source: "1.31:istioctl/pkg/tag/generate.go",
    link: Some("https://istio.io/latest/docs/setup/upgrade/canary/#stable-revision-labels"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(plane) = situation
        .control_plane()
        .filter(|it| it.revision == DEFAULT_REVISION)
    else {
        return Vec::new();
    };
    // istioctl itself restarts the tag `default`.
    let tags: Vec<_> = plane
        .tags
        .iter()
        .map(String::as_str)
        .filter(|it| *it != DEFAULT_REVISION)
        .collect();
    if tags.is_empty() || situation.from == situation.to {
        return Vec::new();
    }
    let subjects: Vec<_> = situation
        .objects(
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration",
        )
        .filter(|(_, kept)| {
            let tag = super::text(&kept.value, "/metadata/labels/istio.io~1tag");
            tag.is_some_and(|it| tags.contains(&it))
        })
        .map(|(object, kept): (&Ref, _)| Subject::kept(object, kept))
        .collect();
    let commands: Vec<_> = tags
        .iter()
        .map(|tag| format!("`istioctl tag set {tag} --revision default --overwrite`"))
        .collect();
    let finding = Finding::new(
        Code::RevisionTagStale,
        Level::Info,
        format!(
            "{} the webhook of the source release",
            if tags.len() == 1 {
                "A revision tag keeps"
            } else {
                "Revision tags keep"
            }
        ),
        format!(
            "Pods selected by {} go on being matched by the rules of the old webhook",
            enumerate(&tags)
        ),
    );
    vec![finding.about(subjects).fix(format!(
        "After the upgrade run, with the target's istioctl, {}",
        enumerate(&commands)
    ))]
}

#[cfg(test)]
mod tests {
    use super::{Code, check};
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_tag_of_the_user_is_told() {
        let mut cluster = Cluster::new();
        cluster.inventory.control_planes[0].tags = vec!["default".to_owned(), "prod".to_owned()];
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::RevisionTagStale);
        assert!(findings[0].fix.as_deref().unwrap().contains("tag set prod"));
    }

    #[test]
    fn the_default_tag_is_renewed_by_istioctl() {
        let mut cluster = Cluster::new();
        cluster.inventory.control_planes[0].tags = vec!["default".to_owned()];
        assert!(cluster.check(check).is_empty());
    }
}
