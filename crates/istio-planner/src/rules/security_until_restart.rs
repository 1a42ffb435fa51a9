//! `security-until-restart`: proxies that stay open to what the target settles, until they are restarted.

use istio_catalog::Version;
use sorted::SortedSet;

use super::Code;
use super::vulnerable::concern;
use super::{Explanation, Situation, count, enumerate};
use crate::outcome::{Finding, Level, RestartHow, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Proxies run a version that security bulletins hit, and the apply does not restart them.",
    why: "An upgrade of istiod leaves every sidecar and gateway at its version until its pod is made again.",
    settle: "Restart the workloads after the apply. For those that no rollout restarts, mend their template first.",
    source: "istio.io, Security Bulletins (component proxy) and Upgrade with Istioctl (restart of the data plane)",
    link: Some("https://istio.io/latest/news/security/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    situation
        .to
        .and_then(|to| until_restart(situation, to))
        .into_iter()
        .collect()
}

fn until_restart(situation: &Situation, to: &Version) -> Option<Finding> {
    let versions: SortedSet<Version> = situation
        .restarts
        .iter()
        .flat_map(|it| it.proxies.keys())
        .filter_map(|it| Version::parse_tag(it))
        .collect();
    let settled: Vec<_> = situation
        .known
        .bulletins
        .iter()
        .filter(|it| it.component.iter().any(|it| it == "proxy"))
        .filter(|it| !it.hits(to) && versions.iter().any(|version| it.hits(version)))
        .filter(|bulletin| concern(situation, bulletin).is_possible())
        .collect();
    let mut pods = 0;
    let mut ids = SortedSet::new();
    let mut subjects = Vec::new();
    for restart in situation.restarts {
        let mut open = 0;
        for (version, number) in &restart.proxies {
            let Some(version) = Version::parse_tag(version) else {
                continue;
            };
            let mut hits = settled.iter().filter(|it| it.hits(&version)).peekable();
            if hits.peek().is_some() {
                open += number;
            }
            ids.extend(hits.map(|it| it.id.as_str()));
        }
        // What istiod or the apply rolls by itself is no work of anybody's.
        if open > 0 && restart.how != RestartHow::Auto {
            pods += open;
            subjects.push(Subject::new(restart.object.clone()));
        }
    }
    if pods == 0 {
        return None;
    }
    let ids: Vec<&str> = ids.into_iter().collect();
    let pods = usize::try_from(pods).unwrap_or(usize::MAX);
    let finding = Finding::new(
        Code::SecurityUntilRestart,
        Level::Warn,
        format!(
            "Proxies of {} stay vulnerable until they are restarted",
            count(pods, "pod")
        ),
        format!(
            "The apply brings a new istiod; these proxies run their old version until then, which {} hit",
            enumerate(&ids)
        ),
    );
    Some(
        finding
            .about(subjects)
            .fix("Restart them after the apply: the plan's last steps, or `refit restart`"),
    )
}

#[cfg(test)]
mod tests {
    use sorted::SortedMap;

    use super::check;
    use crate::outcome::{Ref, Restart, RestartHow, RestartReason};
    use crate::rules::fixture::Cluster;

    fn restart(version: &str, how: RestartHow) -> Restart {
        Restart {
            object: Ref {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: Some("shop".to_owned()),
                name: "web".to_owned(),
            },
            pods: 3,
            proxies: SortedMap::from([(version.to_owned(), 3)]),
            to: Some("1.30.3".to_owned()),
            how,
            reason: RestartReason::StaleImage,
        }
    }

    fn codes(version: &str, how: RestartHow) -> Vec<String> {
        let mut cluster = Cluster::new();
        cluster.restarts = vec![restart(version, how)];
        cluster.codes(check)
    }

    #[test]
    fn proxies_that_a_bulletin_hits_are_told() {
        assert_eq!(
            codes("1.29.3", RestartHow::Rollout),
            ["security-until-restart Warn"]
        );
    }

    #[test]
    fn proxies_that_none_hits_and_those_that_the_apply_rolls_are_not() {
        assert!(codes("1.29.6", RestartHow::Rollout).is_empty());
        assert!(codes("1.29.3", RestartHow::Auto).is_empty());
        assert!(codes("unknown", RestartHow::Rollout).is_empty());
    }
}
