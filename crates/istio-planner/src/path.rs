//! The way over several minors: what each hop meets in this cluster, and what has to restart before the next
//! (istio.io, Supported releases; domain §5.4).

use istio_catalog::Version;
use sorted::SortedMap;

use crate::input::Request;
use crate::notes;
use crate::outcome::{Hop, Inventory, KubernetesRange, ProxyCount};
use crate::rules::{self, Facts, Situation};

/// What every hop is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The whole request, as it is judged from end to end.
    pub(crate) situation: Situation<'a>,
    /// What the notes of each hop read.
    pub(crate) notes: &'a notes::Context<'a>,
}

/// Returns the hops of a way over several minors; none where source and target are adjacent.
pub(crate) fn path(context: &Context<'_>) -> Vec<Hop> {
    let stops: Vec<Version> = context
        .situation
        .hops
        .iter()
        .filter_map(|it| Version::parse_tag(it))
        .collect();
    if stops.len() < 3 {
        return Vec::new();
    }
    let hops = stops.windows(2).enumerate();
    hops.filter_map(|(at, pair)| match pair {
        [from, to] => Some(hop(context, at, from, to)),
        _ => None,
    })
    .collect()
}

fn hop(context: &Context<'_>, at: usize, from: &Version, to: &Version) -> Hop {
    let whole = context.situation;
    let request = Request {
        to: to.to_string(),
        ..whole.request.clone()
    };
    let facts = Facts::read(Some(from), to, whole.known, whole.as_of);
    let pair = [from.to_string(), to.to_string()];
    let findings = rules::check_hop(&Situation {
        request: &request,
        from: Some(from),
        to: Some(to),
        hops: &pair,
        facts: facts.as_ref(),
        desired: None,
        ..whole
    });
    let bounds = whole.known.kubernetes(to.minor_release());
    let range = bounds.minimum.zip(bounds.maximum);
    let kubernetes = range.map(|(minimum, maximum)| KubernetesRange {
        minimum: minimum.to_string(),
        maximum: maximum.to_string(),
    });
    let [from_text, to_text] = pair;
    Hop {
        restart: restart(whole.inventory, at, from, to),
        notes: notes::notes(whole.snapshot, from, to, context.notes),
        from: from_text,
        to: to_text,
        kubernetes,
        findings,
    }
}

/// Proxies that have to be restarted after a hop, by version: those of an older minor than its target.
///
/// Before the first hop they are what the cluster shows; each later one finds them as the one before has left them.
fn restart(
    inventory: &Inventory,
    at: usize,
    from: &Version,
    to: &Version,
) -> SortedMap<String, u32> {
    let all = || inventory.proxies.iter().chain(&inventory.gateway_proxies);
    let version = |it: &ProxyCount| it.version.as_deref().and_then(Version::parse_tag);
    let old = |it: &&ProxyCount| {
        let differs = |it: Version| it.minor_release() != to.minor_release();
        version(it).is_none_or(differs)
    };
    let mut counts = SortedMap::new();
    for proxies in all().filter(old) {
        let name = if at == 0 {
            proxies.version.clone()
        } else {
            Some(from.to_string())
        };
        let name = name.unwrap_or_else(|| "unknown".to_owned());
        *counts.entry(name).or_default() += proxies.pods;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Code;
    use crate::rules::fixture::Cluster;

    fn proxies(version: &str, pods: u32) -> ProxyCount {
        ProxyCount {
            version: Some(version.to_owned()),
            revision: None,
            pods,
            native: None,
        }
    }

    fn way(cluster: &mut Cluster, from: &str, to: &str) -> Vec<Hop> {
        let version = |it: &str| Version::parse_tag(it);
        cluster.source.version = Some(from.to_owned());
        cluster.request.to = to.to_owned();
        cluster.hops = crate::hops::hops(
            version(from).as_ref(),
            version(to).as_ref(),
            istio_catalog::Facts::embedded(),
            None,
        );
        let notes = notes::Context {
            namespace: "istio-system",
            compatibility_version: None,
            pinned: &|_| false,
            said: &|_| Vec::new(),
        };
        cluster.with_situation(|situation| {
            path(&Context {
                situation: *situation,
                notes: &notes,
            })
        })
    }

    #[test]
    fn adjacent_minors_have_no_path() {
        assert!(way(&mut Cluster::new(), "1.29.6", "1.30.3").is_empty());
    }

    #[test]
    fn each_hop_has_its_kubernetes_its_findings_and_its_restarts() {
        let mut cluster = Cluster::new();
        cluster.inventory.proxies = vec![proxies("1.27.9", 3), proxies("1.26.8", 1)];
        cluster.inventory.kubernetes.server = Some("1.31.4".to_owned());
        let hops = way(&mut cluster, "1.27.9", "1.30.3");
        let ends: Vec<_> = hops.iter().map(|it| it.to.as_str()).collect();
        assert_eq!(ends, ["1.28.10", "1.29.8", "1.30.3"]);
        assert_eq!(
            hops[0].restart,
            SortedMap::from([("1.26.8".to_owned(), 1), ("1.27.9".to_owned(), 3)])
        );
        assert_eq!(
            hops[1].restart,
            SortedMap::from([("1.28.10".to_owned(), 4)])
        );
        let blocked: Vec<bool> = hops
            .iter()
            .map(|it| {
                it.findings
                    .iter()
                    .any(|it| it.code == Code::KubernetesBelowMinimum)
            })
            .collect();
        assert_eq!(blocked, [false, false, true]);
        assert!(hops.iter().all(|it| it.kubernetes.is_some()));
    }
}
