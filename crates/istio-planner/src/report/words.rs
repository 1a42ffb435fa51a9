//! The words that all faces share.

use istio_catalog::DEFAULT_REVISION;
use serde_json::Value;

use crate::outcome::{
    ChangeClass, Direction, Hop, Installer, InstallerKind, Level, Outcome, Restart, RestartHow,
    Verdict,
};
pub(super) use crate::words::{FOLD, origin, subject, value};
use crate::words::{count, enumerate};

/// `Upgrade 1.29.6 → 1.30.3`.
pub fn headline(outcome: &Outcome) -> String {
    let target = outcome
        .target
        .version
        .as_deref()
        .unwrap_or("an unknown version");
    let source = outcome.source.version.as_deref();
    match (outcome.direction, source) {
        (Some(Direction::Upgrade), Some(source)) => format!("Upgrade {source} → {target}"),
        (Some(Direction::Downgrade), Some(source)) => format!("Downgrade {source} → {target}"),
        (Some(Direction::Patch), Some(source)) => format!("Change of patch {source} → {target}"),
        (Some(Direction::Same), Some(source)) => format!("{source} again"),
        (_, Some(source)) => format!("{source} → {target}"),
        (_, None) => format!("An unknown version → {target}"),
    }
}

/// `clear, 3 warnings`.
pub fn verdict(outcome: &Outcome) -> String {
    let at = |level: Level| {
        outcome
            .findings
            .iter()
            .filter(|it| it.level == level && it.accepted.is_none())
            .count()
    };
    let mut words = match outcome.verdict {
        Verdict::Clear => "clear".to_owned(),
        Verdict::Blocked => format!("blocked, {} blocking", at(Level::Block)),
        Verdict::Unknown => format!(
            "unknown, {} of evidence missing",
            count(at(Level::Unknown), "piece")
        ),
    };
    if at(Level::Warn) > 0 {
        words = format!("{words}, {}", count(at(Level::Warn), "warning"));
    }
    let accepted = outcome.findings.iter().filter(|it| it.accepted.is_some());
    let accepted = accepted.count();
    if accepted > 0 {
        words = format!("{words}, {accepted} accepted");
    }
    if outcome.plan.as_ref().is_some_and(|it| it.forced) {
        words.push_str(", planned by force");
    }
    words
}

/// What runs, in lines.
pub fn situation(outcome: &Outcome) -> Vec<String> {
    let inventory = &outcome.inventory;
    let mut lines = Vec::new();
    for plane in &inventory.control_planes {
        let revision = if plane.revision == DEFAULT_REVISION {
            String::new()
        } else {
            format!(", revision {}", plane.revision)
        };
        // The tag `default` leads to the default revision everywhere.
        let tags: Vec<_> = plane
            .tags
            .iter()
            .filter(|it| *it != DEFAULT_REVISION || plane.revision != DEFAULT_REVISION)
            .map(String::as_str)
            .collect();
        let tags = match tags.as_slice() {
            [] => String::new(),
            [one] => format!(", tag {one}"),
            several => format!(", tags {}", enumerate(several)),
        };
        let version = plane.version.as_deref().unwrap_or("of unknown version");
        let pods = count(usize::try_from(plane.replicas).unwrap_or_default(), "pod");
        lines.push(format!(
            "istiod {version} in {}, {pods}{revision}{tags}",
            plane.namespace
        ));
    }
    lines.extend(outcome.installers.iter().map(installer));
    let pods = |it: &[crate::outcome::ProxyCount]| it.iter().map(|it| it.pods).sum::<u32>();
    let (sidecars, gateways) = (pods(&inventory.proxies), pods(&inventory.gateway_proxies));
    if sidecars + gateways > 0 {
        let number = |it: u32, word: &str| count(usize::try_from(it).unwrap_or_default(), word);
        lines.push(format!(
            "{}, {}",
            number(sidecars, "sidecar"),
            number(gateways, "gateway proxy").replace("proxys", "proxies")
        ));
    }
    if let Some(server) = &inventory.kubernetes.server {
        lines.push(format!("Kubernetes {server}"));
    }
    lines.push(format!("profile {}", outcome.target.profile));
    if outcome.hops.len() > 2 {
        lines.push(format!("the way: {}", outcome.hops.join(" → ")));
    }
    lines
}

/// `1.27.9 → 1.28.10, Kubernetes 1.29 to 1.33, then restart 4 pods of 1.27.9`.
pub(super) fn hop(hop: &Hop) -> String {
    let mut words = format!("{} → {}", hop.from, hop.to);
    if let Some(range) = &hop.kubernetes {
        words = format!("{words}, Kubernetes {} to {}", range.minimum, range.maximum);
    }
    let pods = |(version, pods): (&String, &u32)| {
        let pods = count(usize::try_from(*pods).unwrap_or_default(), "pod");
        format!("{pods} of {version}")
    };
    let renewed: Vec<_> = hop.restart.iter().map(pods).collect();
    if !renewed.is_empty() {
        words = format!("{words}, then restart {}", enumerate(&renewed));
    }
    words
}

/// `Base and Pilot installed by istioctl`.
fn installer(installer: &Installer) -> String {
    let name = match installer.kind {
        InstallerKind::Istioctl => "istioctl",
        InstallerKind::Helm => "Helm",
        InstallerKind::Operator => "the in-cluster operator",
        InstallerKind::Sail => "the Sail operator",
        InstallerKind::Managed => "a managed mesh's provider",
        InstallerKind::Manifests => "plain manifests",
        InstallerKind::Argocd => "Argo CD",
        InstallerKind::Flux => "Flux",
        InstallerKind::Other => installer.name.as_deref().unwrap_or("somebody else"),
        InstallerKind::Unknown => "an unknown installer",
    };
    if installer.covers.is_empty() {
        return format!("installed by {name}");
    }
    format!("{} installed by {name}", enumerate(&installer.covers))
}

/// The word for a level.
pub(crate) fn level(level: Level) -> &'static str {
    match level {
        Level::Block => "block",
        Level::Unknown => "unknown",
        Level::Warn => "warn",
        Level::Info => "info",
    }
}

/// What was, or is to be, in a place that may be empty.
pub(super) fn side(side: Option<&Value>) -> String {
    side.map_or_else(|| "(absent)".to_owned(), value)
}

/// `340 lines differ`, for a difference of two texts.
pub(super) fn difference(difference: &str) -> String {
    let lines = difference
        .lines()
        .filter(|it| it.starts_with(['+', '-']))
        .count();
    format!(
        "{} differ{}",
        count(lines, "line"),
        if lines == 1 { "s" } else { "" }
    )
}

/// The sign before an object of `changes`.
pub(super) fn sign(class: ChangeClass) -> &'static str {
    match class {
        ChangeClass::Create => "+",
        ChangeClass::Change => "~",
        ChangeClass::Replace => "±",
        ChangeClass::TakeOver => "!",
        ChangeClass::Delete => "-",
        ChangeClass::Orphan => "?",
        ChangeClass::Unchanged => " ",
    }
}

/// The word for what happens to an object.
pub(super) fn class(class: ChangeClass) -> &'static str {
    match class {
        ChangeClass::Create => "created",
        ChangeClass::Change => "changed",
        ChangeClass::Replace => "deleted and created again",
        ChangeClass::TakeOver => "taken over from others",
        ChangeClass::Delete => "deleted",
        ChangeClass::Orphan => "left behind",
        ChangeClass::Unchanged => "unchanged",
    }
}

/// `5 workloads, 14 pods`.
pub(super) fn workloads(restarts: &[Restart]) -> String {
    let pods: u32 = restarts.iter().map(|it| it.pods).sum();
    let pods = usize::try_from(pods).unwrap_or_default();
    format!(
        "{}, {}",
        count(restarts.len(), "workload"),
        count(pods, "pod")
    )
}

/// How a workload is restarted.
pub(super) fn how(how: RestartHow) -> &'static str {
    match how {
        RestartHow::Rollout => "rollout restart",
        RestartHow::DeletePods => "delete its pods",
        RestartHow::Evict => "evict its pods",
        RestartHow::Auto => "by itself",
        RestartHow::None => "not restarted",
    }
}

/// `14 of 1.29.6, 1 of 1.28.10`.
pub(super) fn proxies(restart: &Restart) -> String {
    let parts: Vec<_> = restart
        .proxies
        .iter()
        .map(|(version, pods)| format!("{pods} of {version}"))
        .collect();
    parts.join(", ")
}
