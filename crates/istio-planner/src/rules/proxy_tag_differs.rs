//! `proxy-tag-differs`: the request injects proxies of another version than the target's.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::SUPPORT;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request sets an image tag, so that pods are injected with a proxy of another version than the target's.",
    why: "A restart does not bring the proxies to the target's version; one that is newer than istiod is not supported.",
    settle: "Take `tag` and `values.global.tag` out of the request, or go to the version that they name.",
    source: "1.31:pkg/kube/inject/template.go (ProxyImage)",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    // Who restarts nothing gets no proxy of another version.
    let restarted = !situation.restarts.is_empty();
    let (Some(version), Some(to), true) = (situation.proxy_version, situation.to, restarted) else {
        return Vec::new();
    };
    // A tag of the request is told where it stands.
    if version == to || !super::tag_of_another_release::check(situation).is_empty() {
        return Vec::new();
    }
    vec![
    Finding::new(
            Code::ProxyTagDiffers,
            Level::Warn,
            format!("The request injects proxies of {version}, not of {to}"),
            format!(
                "The injector's values hold the tag {version}: new pods get that proxy, whatever release is installed{}",
                if version > to {
                    ", and a proxy must not be newer than its istiod"
                } else {
                    ""
                }
            ),
        )
        .about([Subject::flag("--set")
            .field("values.global.tag")
            .value(version.to_string())])
        .fix(format!(
            "Take `tag` and `values.global.tag` out of the request, or plan with `--to {version}`"
        )),
    ]
}

#[cfg(test)]
mod tests {
    use istio_catalog::Version;
    use sorted::SortedMap;

    use super::check;
    use crate::outcome::{Ref, Restart, RestartHow, RestartReason};
    use crate::rules::fixture::Cluster;

    fn cluster(proxy: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.proxy_version = Version::parse_tag(proxy);
        cluster.restarts.push(Restart {
            object: Ref::new("apps/v1", "Deployment", "shop", "web"),
            pods: 1,
            proxies: SortedMap::from([("1.29.6".to_owned(), 1)]),
            to: Some(proxy.to_owned()),
            how: RestartHow::Rollout,
            reason: RestartReason::StaleImage,
        });
        cluster
    }

    #[test]
    fn proxies_of_another_version_are_told_with_their_direction() {
        assert!(!cluster("1.29.6").check(check)[0].detail.contains("newer"));
        assert!(cluster("1.31.0").check(check)[0].detail.contains("newer"));
    }

    #[test]
    fn proxies_of_the_target_and_no_restart_are_nothing() {
        assert!(cluster("1.30.3").check(check).is_empty());
        let mut still = cluster("1.29.6");
        still.restarts.clear();
        assert!(still.check(check).is_empty());
    }
}
