//! `envoyfilter-version`: patches bound to the version of the proxies that run, which end with their restart.

use std::collections::HashSet;

use super::envoyfilter::{Patch, patches, running};
use super::{Situation, count, enumerate};
use crate::outcome::{Finding, Level};
use crate::rules::Code;
use crate::rules::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Patches of an EnvoyFilter name a proxyVersion that the proxies running now match, and those of the target do \
              not.",
    why: "istiod compares `match.proxy.proxyVersion`, a pattern that is not anchored, with the version that each proxy \
          reports. With its restart a proxy reports the target's version, so the patch is no longer applied to it, and \
          nothing says so: a limit, a header or a timeout is simply gone.",
    settle: "Widen the pattern so that both versions match (`^1\\.(29|30)\\.`), or add the same patch for the target's version, \
             before the first proxy is restarted. Look whether the patch still fits the target's proxy.",
    source: "1.30.3:pilot/pkg/model/envoyfilter.go:228-250; istio.io, reference of EnvoyFilter, ProxyMatch",
    link: Some("https://istio.io/latest/docs/reference/config/networking/envoy-filter/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    let target = to.to_string();
    let running = running(situation);
    let all = patches(situation);
    let runs = |patch: &Patch| {
        running
            .iter()
            .any(|it| *it != target && patch.is_for(it) == Some(true))
    };
    let ends = |patch: &&Patch| runs(patch) && patch.is_for(&target) == Some(false);
    let replacing: HashSet<_> = all
        .iter()
        .filter(|it| it.is_for(&target) == Some(true))
        .map(Patch::twin)
        .collect();
    let replaced = |patch: &Patch| replacing.contains(&patch.twin());
    let ending: Vec<_> = all.iter().filter(ends).filter(|it| !replaced(it)).collect();
    if ending.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<_> = ending
        .iter()
        .map(|it| {
            let namespace = it.object.namespace.as_deref().unwrap_or_default();
            format!("{namespace}/{}", it.object.name)
        })
        .collect();
    names.dedup();
    let subjects = ending.iter().map(|it| {
        it.subject("match.proxy.proxyVersion")
            .value(it.proxy_version().unwrap_or_default())
    });
    let finding = Finding::new(
        Code::EnvoyfilterVersion,
        Level::Warn,
        format!(
            "{} of EnvoyFilters {} with the restart of the proxies",
            count(ending.len(), "patch").replace("patchs", "patches"),
            if ending.len() == 1 { "ends" } else { "end" }
        ),
        format!(
            "In {} `proxyVersion` matches {}, which runs, and not {to}: istiod passes over these patches for every proxy \
             that is restarted, and says nothing",
            enumerate(&names),
            enumerate(&running),
        ),
    );
    vec![finding.about(subjects).fix(format!(
        "Widen `proxyVersion` so that it matches {to} too, before proxies are restarted"
    ))]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn bound_to(patterns: &[&str]) -> Cluster {
        let mut cluster = Cluster::new();
        for (index, pattern) in patterns.iter().enumerate() {
            cluster.object(json!({
                "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
                "metadata": {"name": format!("it-{index}"), "namespace": "shop"},
                "spec": {"configPatches": [{
                    "applyTo": "CLUSTER", "match": {"proxy": {"proxyVersion": pattern}},
                    "patch": {"operation": "MERGE", "value": {"connect_timeout": "1s"}},
                }]},
            }));
        }
        cluster
    }

    #[test]
    fn a_patch_for_the_proxies_that_run_is_told() {
        for pattern in [r"^1\.29.*", "1.29", r"^1\.2\d", "^1.2[0-9].[0-9]+$"] {
            assert_eq!(
                bound_to(&[pattern]).codes(check),
                ["envoyfilter-version Warn"],
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_patch_for_both_or_for_neither_is_not() {
        for pattern in [r"^1\.(29|30).*", "", "1", r"^1\.28", r"^1\.30", "("] {
            assert!(bound_to(&[pattern]).check(check).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn the_same_patch_for_the_target_replaces_it() {
        assert!(bound_to(&[r"^1\.29", r"^1\.30"]).check(check).is_empty());
    }

    #[test]
    fn the_charts_own_filters_go_with_the_apply() {
        let mut cluster = bound_to(&[r"^1\.29"]);
        for kept in cluster.snapshot.objects.values_mut() {
            kept.value["metadata"]["labels"] = json!({"operator.istio.io/component": "Pilot"});
        }
        assert!(cluster.check(check).is_empty());
    }
}
