//! Defects of single patches: what a target does to this cluster although a newer patch of its minor does not.
//!
//! Other than facts they are told whatever runs now: a step from one patch to another that has the defect as well is
//! worth a word.

use istio_catalog::{Facts, Version};
use serde_json::Value;

use super::cluster::{Cluster, Item, of_workload};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Explanation;

/// A defect of some patches.
pub(super) struct Defect {
    /// The finding's code; stable.
    pub(super) id: &'static str,
    /// For each minor that has it: the minor, the first patch that has it, the first that has it no more.
    pub(super) patches: &'static [(u32, u32, u32)],
    /// What happens, one sentence without full stop.
    title: &'static str,
    /// When, and what it means.
    detail: &'static str,
    /// The source: a release note's path, or a page.
    source: &'static str,
    /// Finds what it speaks of.
    evidence: fn(&Cluster) -> Vec<Subject>,
}

const NOTES: &str = "releasenotes/notes";

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        id: "gateways-restart-with-istiod",
        patches: &[(27, 0, 9), (28, 0, 6), (29, 0, 2)],
        title: "All Gateway API gateways restart whenever istiod does",
        detail: "istiod writes their Deployments anew when it begins to lead, also during this upgrade.",
        source: "releasenotes/notes/59709.yaml",
        evidence: |cluster| gateways(cluster).map(|it| it.subject("spec")).collect(),
    },
    Defect {
        id: "metadata-pushes-to-all",
        patches: &[(30, 0, 3)],
        title: "Every change of a VirtualService's metadata is pushed to all proxies",
        detail: "Controllers of GitOps write labels and annotations at every synchronisation, so istiod and the proxies \
                 work without need.",
        source: "releasenotes/notes/60629-vs-push-suppression.yaml",
        evidence: |cluster| {
            let services = cluster.objects("networking.istio.io", "VirtualService");
            services.map(|it| it.subject("metadata")).collect()
        },
    },
    Defect {
        id: "ring-hash-forgets-endpoints",
        patches: &[(30, 0, 1)],
        title: "Ring-hash load balancing forgets new endpoints",
        detail: "Hosts with consistent hashing do not send to pods that came later.",
        source: "releasenotes/notes/60312.yaml",
        evidence: |cluster| {
            let rules = cluster.objects("networking.istio.io", "DestinationRule");
            rules
                .filter(|it| it.mentions("/spec", &["\"consistentHash\""]))
                .map(|it| it.subject("spec.trafficPolicy.loadBalancer.consistentHash"))
                .collect()
        },
    },
    Defect {
        id: "cni-changes-back-end",
        patches: &[(29, 0, 8), (30, 0, 5), (31, 0, 1)],
        title: "The CNI agent may change its iptables back end when it restarts",
        detail: "On nodes with both back ends, pods that are enrolled get the rules of redirection twice.",
        source: "https://istio.io/latest/news/releases/1.31.x/announcing-1.31.1/",
        evidence: cni_agents,
    },
    Defect {
        id: "gateway-hosts-stop-istiod",
        patches: &[(26, 0, 1)],
        title: "istiod may panic on host names of the Gateway API",
        detail: "Gateways and routes with host names are there.",
        source: "releasenotes/notes/56300.yaml",
        evidence: |cluster| {
            let listeners = gateways(cluster).filter(|it| it.mentions("/spec", &["\"hostname\""]));
            let routes = cluster.objects("gateway.networking.k8s.io", "HTTPRoute");
            let routes = routes.filter(|it| !it.items("/spec/hostnames").is_empty());
            listeners
                .map(|it| it.subject("spec.listeners"))
                .chain(routes.map(|it| it.subject("spec.hostnames")))
                .collect()
        },
    },
    Defect {
        id: "other-network-stops-istiod",
        patches: &[(28, 0, 6), (29, 0, 1)],
        title: "istiod crashes on WorkloadEntries of another network in ambient",
        detail: "It does while ambient is on and its support of several networks is off.",
        source: "releasenotes/notes/59321.yaml",
        evidence: |cluster| {
            let several = cluster.variable("AMBIENT_ENABLE_MULTI_NETWORK") == Some("true");
            let entries = cluster.objects("networking.istio.io", "WorkloadEntry");
            entries
                .filter(|_| cluster.is_ambient() && !several)
                .filter(|it| it.text("/spec/network").is_some_and(|it| !it.is_empty()))
                .map(|it| it.subject("spec.network"))
                .collect()
        },
    },
    Defect {
        id: "dynamic-dns-stops-istiod",
        patches: &[(29, 0, 1)],
        title: "istiod crashes on ServiceEntries with resolution DYNAMIC_DNS",
        detail: "Some are there.",
        source: "releasenotes/notes/59171.yaml",
        evidence: |cluster| {
            let entries = cluster.objects("networking.istio.io", "ServiceEntry");
            entries
                .filter(|it| it.text("/spec/resolution") == Some("DYNAMIC_DNS"))
                .map(|it| it.subject("spec.resolution").value("DYNAMIC_DNS"))
                .collect()
        },
    },
    Defect {
        id: "several-primaries-stop-istiod",
        patches: &[(29, 0, 1)],
        title: "istiod may crash in meshes of several primary clusters during the upgrade",
        detail: "This mesh reads other clusters.",
        source: "releasenotes/notes/59156.yaml",
        evidence: remote_secrets,
    },
    Defect {
        id: "old-reader-role",
        patches: &[(29, 0, 2)],
        title: "Remote clusters whose reader role is older are checked with a wrong trust domain",
        detail: "This mesh reads other clusters.",
        source: "releasenotes/notes/59473.yaml",
        evidence: remote_secrets,
    },
    Defect {
        id: "rotated-secrets-ignored",
        patches: &[(30, 0, 3)],
        title: "Rotated secrets of remote clusters are not taken up",
        detail: "This mesh reads other clusters; after a rotation istiod has to be restarted.",
        source: "releasenotes/notes/60612.yaml",
        evidence: remote_secrets,
    },
    Defect {
        id: "rotation-loses-endpoints",
        patches: &[(30, 0, 4)],
        title: "The rotation of a remote cluster's secret may lose its endpoints until istiod restarts",
        detail: "This mesh reads other clusters.",
        source: "releasenotes/notes/61043.yaml",
        evidence: remote_secrets,
    },
    Defect {
        id: "cni-panics-on-two-pods",
        patches: &[(29, 0, 4), (30, 0, 1)],
        title: "The CNI agent panics when two ambient pods start at once",
        detail: "Pods of that node wait until it runs again.",
        source: "releasenotes/notes/60328.yaml",
        evidence: |cluster| ambient(cluster, true),
    },
    Defect {
        id: "cni-after-reboot",
        patches: &[(30, 0, 4)],
        title: "The CNI agent may not start after a reboot of its node",
        detail: "It happens with sidecars and without ambient.",
        source: "releasenotes/notes/60668.yaml",
        evidence: |cluster| ambient(cluster, false),
    },
    Defect {
        id: "probes-after-reboot",
        patches: &[(29, 0, 5), (30, 0, 2)],
        title: "Probes of ambient pods fail after a restart of their node",
        detail: "The agent does not renew the set of addresses that the rules for probes read.",
        source: "releasenotes/notes/ambient-probe-ipset-reconcile.yaml",
        evidence: |cluster| ambient(cluster, true),
    },
    Defect {
        id: "old-proxies-refuse-listeners",
        patches: &[(29, 2, 5), (30, 0, 2)],
        title: "Proxies older than 1.29.2 that speak HBONE refuse their listeners",
        detail: "New and reconnecting sidecars, waypoints and gateways do not become ready until they run the new version.",
        source: "releasenotes/notes/istio-hashable-string.yaml",
        evidence: |cluster| ambient(cluster, true),
    },
    Defect {
        id: "revision-change-outage",
        patches: &[(29, 0, 5), (30, 0, 2)],
        title: "A change of istio.io/rev on a Gateway interrupts it for a short time",
        detail: "Gateways with that label are there.",
        source: "releasenotes/notes/59959.yaml",
        evidence: |cluster| {
            let labelled = gateways(cluster).filter(|it| it.label("istio.io/rev").is_some());
            labelled
                .map(|it| it.subject("metadata.labels[istio.io/rev]"))
                .collect()
        },
    },
    Defect {
        id: "empty-selector-takes-all",
        patches: &[(30, 0, 5), (31, 0, 1)],
        title: "A ServiceEntry with an empty workloadSelector takes in every workload of its namespace",
        detail: "Some have one.",
        source: "https://istio.io/latest/news/releases/1.31.x/announcing-1.31.1/",
        evidence: empty_selectors,
    },
    Defect {
        id: "flush-interval-stops-proxies",
        patches: &[(30, 0, 5), (31, 0, 1)],
        title: "Proxies do not start with a statsFlushInterval of a minute or more",
        detail: "The mesh sets one.",
        source: "https://istio.io/latest/news/releases/1.31.x/announcing-1.31.1/",
        evidence: |cluster| {
            let path = "defaultConfig.statsFlushInterval";
            let interval = cluster.mesh().pointer("/defaultConfig/statsFlushInterval");
            let long = interval.and_then(Value::as_str).is_some_and(is_long);
            let subject = cluster.mesh_subject(path).filter(|_| long);
            subject.into_iter().collect()
        },
    },
    Defect {
        id: "nftables-leave-rules",
        patches: &[(28, 0, 2)],
        title: "Nodes that change to nftables keep stale rules of iptables",
        detail: "The CNI agent runs with nftables.",
        source: "releasenotes/notes/58353.yaml",
        evidence: |cluster| {
            let on = cluster.cni_setting("NATIVE_NFTABLES") == Some("true");
            let settings = cluster.cni_settings().filter(|_| on);
            settings
                .map(|it| it.subject("data.NATIVE_NFTABLES"))
                .into_iter()
                .collect()
        },
    },
    Defect {
        id: "access-log-of-old-proxies",
        patches: &[(23, 0, 5)],
        title: "Proxies older than 1.23 do not know the format of access logs that istiod gives them",
        detail: "Access logs are on; old proxies refuse their listeners until they are restarted.",
        source: "releasenotes/notes/54795.yaml",
        evidence: |cluster| cluster.mesh_settings(&["accessLogFile"]),
    },
    Defect {
        id: "hosts-of-old-proxies",
        patches: &[(12, 0, 2)],
        title: "Proxies of 1.11 enforce hosts and notHosts of policies wrongly",
        detail: "Policies with them are there; the proxies are right once they are restarted.",
        source: "https://istio.io/latest/news/security/istio-security-2022-001/",
        evidence: |cluster| {
            let policies = cluster.objects("security.istio.io", "AuthorizationPolicy");
            policies
                .filter(|it| it.mentions("/spec", &["\"hosts\"", "\"notHosts\""]))
                .map(|it| it.subject("spec.rules"))
                .collect()
        },
    },
];

/// Returns the defects of a target that concern this cluster.
pub(super) fn findings(cluster: &Cluster, target: &Version) -> Vec<Finding> {
    DEFECTS
        .iter()
        .filter_map(|it| it.apply(cluster, target))
        .collect()
}

/// Returns what the code of a defect means; `None` for another name.
pub(super) fn explanation(code: &str) -> Option<Explanation> {
    let defect = DEFECTS.iter().find(|it| it.id == code)?;
    Some(Explanation {
        meaning: defect.title,
        why: defect.detail,
        settle: "Go to a patch that does not have the defect.",
        source: defect.source,
        link: None,
    })
}

impl Defect {
    fn apply(&self, cluster: &Cluster, target: &Version) -> Option<Finding> {
        let (minor, _, fixed) = self
            .patches
            .iter()
            .find(|it| it.0 == target.minor && (it.1..it.2).contains(&target.patch))?;
        let subjects = (self.evidence)(cluster);
        if subjects.is_empty() {
            return None;
        }
        let fixed = Version::new(target.major, *minor, *fixed);
        let newest = Facts::embedded().newest_patch(target.minor_release());
        let newest = newest.map(|(it, _)| it).filter(|it| **it > fixed);
        let fix = newest.map_or_else(
            || format!("Go to {fixed}."),
            |newest| format!("Go to {fixed} or newer: {newest} is the newest patch of this minor."),
        );
        let link = if self.source.starts_with(NOTES) {
            format!(
                "https://github.com/istio/istio/blob/release-1.{minor}/{}",
                self.source
            )
        } else {
            self.source.to_owned()
        };
        Some(Finding {
            code: self.id.to_owned(),
            level: Level::Warn,
            title: format!(
                "{} has a defect: {}",
                target.numbers(),
                uncapitalised(self.title)
            ),
            detail: self.detail.to_owned(),
            subjects,
            fix: Some(fix),
            fixes: Vec::new(),
            link: Some(link),
        })
    }
}

/// The first letter small, unless the word is a name.
fn uncapitalised(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().unwrap_or_default();
    let word = title.split(' ').next().unwrap_or_default();
    if word.chars().skip(1).any(char::is_uppercase) || word.contains("-API") {
        return title.to_owned();
    }
    first.to_lowercase().chain(letters).collect()
}

/// Gateways of the Gateway API that istiod makes.
fn gateways<'a>(cluster: &Cluster<'a>) -> impl Iterator<Item = Item<'a>> {
    let gateways = cluster.objects("gateway.networking.k8s.io", "Gateway");
    gateways.filter(|it| {
        it.text("/spec/gatewayClassName")
            .is_some_and(|it| it.starts_with("istio"))
    })
}

fn cni_agents(cluster: &Cluster) -> Vec<Subject> {
    let agents = cluster.daemon_sets("istio-cni-node");
    agents
        .map(|it| of_workload(it).field("metadata.name"))
        .collect()
}

/// The CNI agents, where ambient is on or off.
fn ambient(cluster: &Cluster, on: bool) -> Vec<Subject> {
    if cluster.is_ambient() == on {
        cni_agents(cluster)
    } else {
        Vec::new()
    }
}

/// Secrets by which istiod reads other clusters.
fn remote_secrets(cluster: &Cluster) -> Vec<Subject> {
    let label = "istio/multiCluster";
    let secrets = cluster.objects("", "Secret");
    secrets
        .filter(|it| it.label(label) == Some("true"))
        .map(|it| it.subject(&format!("metadata.labels[{label}]")))
        .collect()
}

/// `ServiceEntries` whose selector selects nothing in particular.
pub(super) fn empty_selectors(cluster: &Cluster) -> Vec<Subject> {
    let entries = cluster.objects("networking.istio.io", "ServiceEntry");
    entries
        .filter(|it| {
            it.at("/spec/workloadSelector").is_some()
                && it.map("/spec/workloadSelector/labels").is_none()
        })
        .map(|it| it.subject("spec.workloadSelector"))
        .collect()
}

/// Whether a duration is a minute or more: `60s`, `1m30s`, `1h`.
fn is_long(duration: &str) -> bool {
    let mut seconds = 0.0;
    let mut number = String::new();
    for letter in duration.replace("ms", "u").chars() {
        match letter {
            '0'..='9' | '.' => number.push(letter),
            unit => {
                let value: f64 = std::mem::take(&mut number).parse().unwrap_or_default();
                seconds += match unit {
                    'h' => value * 3600.0,
                    'm' => value * 60.0,
                    's' => value,
                    _ => 0.0,
                };
            }
        }
    }
    seconds >= 60.0
}

#[cfg(test)]
mod tests {
    use super::{is_long, uncapitalised};

    #[test]
    fn a_minute_has_many_names() {
        assert!(is_long("60s") && is_long("1m") && is_long("0.5h"));
        assert!(!is_long("5s") && !is_long("59.9s") && !is_long("500ms"));
    }

    #[test]
    fn names_keep_their_letters() {
        assert_eq!(uncapitalised("Every change"), "every change");
        assert_eq!(uncapitalised("ServiceEntries x"), "ServiceEntries x");
    }
}
