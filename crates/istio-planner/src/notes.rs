//! Behaviour facts of releases that apply to this cluster.
//!
//! Every [`Fact`] is data: since which patch of which branch, what changed, what to do about it, and a trigger that
//! names the objects it speaks of. Nothing is said of a fact whose trigger finds nothing.
//!
//! Facts come from upstream's release notes (`releasenotes/notes/*.yaml`), from the files of compatibility versions and
//! from the code (domain §9); each links to its source.

use istio_catalog::{Catalog, Minor, Version};
use serde_json::Value;

use crate::outcome::{self, Code, Finding, Level, Subject};
use crate::rules::Explanation;
use crate::snapshot::Snapshot;
use cluster::Cluster;

mod ambient;
mod cluster;
mod destination;
mod gateways;
mod hosts;
mod install;
mod listeners;
mod minors;
mod patches;
mod references;
mod routing;
mod security;
mod sidecars;
mod telemetry;
mod variables;

/// Where facts are looked for, beside the snapshot.
pub(crate) struct Context<'a> {
    /// The namespace of the control plane.
    pub(crate) namespace: &'a str,
    /// The compatibility version that the request asks for.
    pub(crate) compatibility_version: Option<Minor>,
    /// Tells whether the request sets a path, for example `values.pilot.env.ENABLE_AUTO_SNI`.
    pub(crate) pinned: &'a dyn Fn(&str) -> bool,
    /// Names where the request, or the installation as it was recovered, says a path.
    pub(crate) said: &'a dyn Fn(&str) -> Vec<Subject>,
}

/// A change of behaviour.
struct Fact {
    /// The finding's code.
    code: Code,
    /// The first patch of each branch that has it, as minor and patch, oldest first. Minors after the last have it,
    /// other minors do not.
    since: &'static [(u32, u32)],
    /// The first patch of each branch that has it no more, as `since`; empty where it has no end.
    until: &'static [(u32, u32)],
    /// How much it weighs where it applies.
    level: Level,
    /// What behaves otherwise.
    affects: Affects,
    /// The new behaviour, one sentence without full stop.
    title: &'static str,
    /// What was before, and what may break.
    detail: &'static str,
    /// What to do.
    fix: &'static str,
    /// The setting that chooses between old and new behaviour.
    setting: Option<Setting>,
    /// The source: a path in upstream's repository, on the branch of the release.
    source: &'static str,
    /// Whether going back to a release without it is worth a word.
    reverses: bool,
    /// Finds what it speaks of.
    evidence: fn(&Cluster) -> Vec<Subject>,
}

/// What of a mesh behaves otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affects {
    /// What istiod computes for every proxy.
    ControlPlane,
    /// Sidecars.
    Sidecars,
    /// Gateways.
    Gateways,
    /// ztunnel, waypoints and the CNI agent.
    Ambient,
    /// Metrics, traces and logs.
    Telemetry,
    /// The installation itself.
    Installation,
}

/// A setting that chooses between old and new behaviour.
#[derive(Debug, Clone, Copy)]
struct Setting {
    /// Its path under `values`, for example `pilot.env.ENABLE_AUTO_SNI`.
    path: &'static str,
    /// The value of the old behaviour; empty where none brings it back.
    old: &'static str,
}

/// How a fact stands between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The target has it, the source has not.
    Gained,
    /// The source has it, the target has not.
    Lost,
    /// It is new in a minor on the way, but a patch brought it to the source before.
    Already,
}

/// Returns the facts that apply to this cluster between two versions, as findings, sorted.
///
/// A fact is silent where the request, the compatibility version it asks for, or istiod's own environment has decided
/// on its setting already. Going back, the same facts stand reversed at level info.
pub(crate) fn notes(
    snapshot: &Snapshot,
    source: &Version,
    target: &Version,
    context: &Context,
) -> Vec<Finding> {
    let mut cluster = Cluster::new(snapshot, context.namespace);
    cluster.said = context.said;
    let mut findings: Vec<Finding> = facts()
        .filter_map(|it| it.apply(&cluster, source, target, context))
        .collect();
    findings.extend(variables::findings(&cluster, source, target, context));
    outcome::sort(&mut findings);
    findings
}

/// Returns what the code of a note means; `None` for that of a rule.
pub(crate) fn explanation(code: Code) -> Option<Explanation> {
    if code == variables::CODE {
        return Some(variables::EXPLANATION);
    }
    let fact = facts().find(|it| it.code == code)?;
    Some(Explanation {
        meaning: fact.title,
        why: fact.detail,
        settle: fact.fix,
        source: fact.source,
        link: None,
    })
}

/// Returns every fact.
fn facts() -> impl Iterator<Item = &'static Fact> {
    [
        ambient::FACTS,
        destination::FACTS,
        gateways::FACTS,
        hosts::FACTS,
        install::FACTS,
        minors::FACTS,
        patches::FACTS,
        routing::FACTS,
        security::FACTS,
        sidecars::FACTS,
        telemetry::FACTS,
    ]
    .into_iter()
    .flatten()
}

impl Fact {
    fn apply(
        &self,
        cluster: &Cluster,
        source: &Version,
        target: &Version,
        context: &Context,
    ) -> Option<Finding> {
        let step = self.step(source, target)?;
        if step == Step::Lost && !self.reverses {
            return None;
        }
        if step == Step::Gained
            && self
                .setting
                .is_some_and(|it| it.is_decided(cluster, target, context))
        {
            return None;
        }
        let subjects = (self.evidence)(cluster);
        if subjects.is_empty() {
            return None;
        }
        let (level, title, fix) = match step {
            Step::Gained => (
                self.level,
                self.title.to_owned(),
                Some(self.advice(source, target)),
            ),
            Step::Lost => (
                Level::Info,
                format!("No longer so in {}: {}", target.numbers(), self.title),
                None,
            ),
            Step::Already => (
                Level::Info,
                format!("Already so in {}: {}", source.numbers(), self.title),
                None,
            ),
        };
        Some(Finding {
            code: self.code,
            level,
            title,
            detail: format!("{} Affects {}.", self.detail, self.affects.words()),
            subjects,
            fix,
            fixes: Vec::new(),
            instead: None,
            link: Some(self.link()),
            accepted: None,
        })
    }

    fn step(&self, source: &Version, target: &Version) -> Option<Step> {
        let crosses = |it: &(u32, u32)| source.minor < it.0 && it.0 <= target.minor;
        match (self.is_in(source), self.is_in(target)) {
            (false, true) => Some(Step::Gained),
            (true, false) => Some(Step::Lost),
            (true, true) if self.since.last().is_some_and(crosses) => Some(Step::Already),
            _ => None,
        }
    }

    /// Tells whether a version has it.
    fn is_in(&self, version: &Version) -> bool {
        is_after(self.since, version) && !is_after(self.until, version)
    }

    /// Returns what to do, with the one setting that keeps the old behaviour where the target still has one.
    fn advice(&self, source: &Version, target: &Version) -> String {
        let kept = self.setting.and_then(|it| it.keep(source, target));
        kept.map_or_else(
            || self.fix.to_owned(),
            |it| format!("{} To keep the old behaviour: {it}", self.fix),
        )
    }

    fn link(&self) -> String {
        let minor = self.since.last().map_or(0, |it| it.0);
        format!(
            "https://github.com/istio/istio/blob/release-1.{minor}/{}",
            self.source
        )
    }
}

/// Tells whether a version lies at or behind the beginning of its branch; minors after the last branch do, others that
/// are not named do not.
fn is_after(branches: &[(u32, u32)], version: &Version) -> bool {
    let branch = branches.iter().find(|it| it.0 == version.minor);
    let newest = branches.last().map_or(u32::MAX, |it| it.0);
    branch.map_or(version.minor > newest, |it| version.patch >= it.1)
}

impl Affects {
    const fn words(self) -> &'static str {
        match self {
            Self::ControlPlane => "what istiod computes for every proxy",
            Self::Sidecars => "sidecars",
            Self::Gateways => "gateways",
            Self::Ambient => "the ambient data plane",
            Self::Telemetry => "metrics, traces and logs",
            Self::Installation => "the installation",
        }
    }
}

impl Setting {
    /// Tells whether the new behaviour is no surprise: it is chosen, or the old one is.
    fn is_decided(self, cluster: &Cluster, target: &Version, context: &Context) -> bool {
        let kept = context
            .compatibility_version
            .is_some_and(|it| self.is_set_by(target, it));
        let chosen = self
            .variable()
            .and_then(|it| cluster.variable(it))
            .is_some_and(|it| it != self.old);
        kept || chosen || self.places().iter().any(|it| (context.pinned)(it))
    }

    /// Returns the paths at which a request can set it (domain §1.5).
    fn places(self) -> Vec<String> {
        let mut places = vec![format!("values.{}", self.path)];
        if self.path.starts_with("meshConfig.") {
            places.push(self.path.to_owned());
        } else if let Some(stamp) = self.path.strip_prefix("global.").filter(|it| *it == "hub") {
            places.push(stamp.to_owned());
        }
        places
    }

    /// Returns the environment variable of istiod that it is.
    fn variable(self) -> Option<&'static str> {
        self.path.strip_prefix("pilot.env.")
    }

    /// Tells whether a compatibility version of the target sets it.
    fn is_set_by(self, target: &Version, compatibility: Minor) -> bool {
        // The files of compatibility versions write some settings of the CNI chart without its root.
        let pointer = |path: &str| format!("/{}", path.replace('.', "/"));
        let pointers = [
            pointer(self.path),
            pointer(self.path.strip_prefix("cni.").unwrap_or(self.path)),
        ];
        let release = Catalog::embedded().release(target);
        release.is_some_and(|release| {
            let settings = release.compatibility_settings(compatibility);
            let is_read = self.variable().is_none_or(|it| !release.is_unread(it));
            is_read
                && settings.is_some_and(|it: &Value| {
                    pointers.iter().any(|pointer| it.pointer(pointer).is_some())
                })
        })
    }

    /// Returns what keeps the old behaviour in the target.
    fn keep(self, source: &Version, target: &Version) -> Option<String> {
        if self.is_set_by(target, source.minor_release()) {
            return Some(format!(
                "compatibilityVersion: \"{}\"",
                source.minor_release()
            ));
        }
        let gone = self
            .path
            .rsplit('.')
            .next()
            .is_some_and(|it| variables::is_removed(it, target));
        (!gone && !self.old.is_empty()).then(|| format!("values.{}={}", self.path, self.old))
    }
}

#[cfg(test)]
mod tests;
