//! Several clusters side by side: what each one's plan comes to, and what only their exports together show.
//!
//! Each cluster is planned for itself ([`crate::plan`]); of its export and its outcome a [`Member`] keeps the little that
//! the fleet is told by, so that any number of clusters needs the memory of those that are planned at once.

use std::collections::BTreeMap;

use istio_catalog::Version;
use serde::{Deserialize, Serialize};

use crate::input::Input;
use crate::outcome::{Direction, Level, Outcome, Subject, Verdict};
use crate::report;

mod html;
mod identity;
mod junit;
mod markdown;
mod mesh;
mod rows;
mod rules;
mod text;

pub use html::html;
pub use identity::Role;
pub use junit::junit;
pub use markdown::markdown;
pub use rows::Age;
pub use rules::Code;
pub use text::Text;

use identity::Identity;
use mesh::Group;

/// The value of [`Fleet::schema`].
pub const SCHEMA: &str = "refit.fleet/v1";

/// What a plan of several clusters says; each cluster's outcome is a document of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The version that is asked for.
    pub target: String,
    /// The heaviest of the clusters' verdicts and of the findings across clusters; a cluster that could not be read is
    /// unknown.
    pub verdict: Verdict,
    /// In the order in which they were named.
    pub clusters: Vec<Cluster>,
    /// Meshes of several clusters, in the order of their first cluster.
    pub meshes: Vec<Mesh>,
    /// What the exports show together, most severe first.
    pub findings: Vec<Finding>,
}

/// One cluster of a fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// What the user calls it: a folder, an archive or a context.
    pub name: String,
    /// When the export was written, in UTC as `YYYY-MM-DDTHH:MM:SSZ`; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub exported: Option<String>,
    /// The file that holds its outcome, beside this document, where one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub file: Option<String>,
    /// Why it could not be planned; then there is no summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub error: Option<String>,
    /// What its plan comes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub summary: Option<Summary>,
}

/// What one cluster's plan comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Whether its request can be carried out in place.
    pub verdict: Verdict,
    /// Where the request leads.
    pub direction: Option<Direction>,
    /// What runs; `null` where no evidence gives it.
    pub source: Option<String>,
    /// What is asked for.
    pub target: Option<String>,
    /// The plan's id; `null` where there is none.
    pub plan: Option<String>,
    /// Findings that stand against it, or are worth a decision.
    pub decide: usize,
    /// Findings about what would be gone afterwards.
    pub lost: usize,
    /// Findings about what no plan does.
    pub by_hand: usize,
    /// Objects that change in more than the release's name.
    pub changes: usize,
    /// Workloads to restart.
    pub workloads: usize,
    /// Their pods.
    pub pods: u32,
    /// Whether its control plane runs in it.
    pub role: Role,
    /// Its name in the mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub cluster: Option<String>,
    /// Its network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub network: Option<String>,
    /// Its findings in a line each, in the outcome's order.
    pub findings: Vec<Headline>,
}

/// A finding of one cluster in a line; its outcome says the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Headline {
    /// Stable, kebab-case.
    pub code: crate::outcome::Code,
    /// How much it weighs.
    pub level: Level,
    /// One sentence without full stop.
    pub title: String,
    /// Why somebody has decided to go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub accepted: Option<String>,
}

/// Clusters of one mesh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Mesh {
    /// Its id, where the clusters were given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub id: Option<String>,
    /// What is upgraded first, and what after it: primary clusters, external control planes, then the remote clusters that
    /// they serve. How many of a place go at once is for waves to say.
    pub order: Vec<Vec<String>>,
}

/// Something that the exports of several clusters show together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable; `refit explain` knows it.
    pub code: Code,
    /// How much it weighs.
    pub level: Level,
    /// One sentence without full stop.
    pub title: String,
    /// Why, in these clusters.
    pub detail: String,
    /// What it is about, cluster by cluster.
    pub subjects: Vec<Evidence>,
    /// What to do.
    pub fix: String,
    /// Where to read more.
    pub link: Option<String>,
}

/// A place in the export of one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The cluster, as [`Cluster::name`] says.
    pub cluster: String,
    /// What it is about.
    pub subject: Subject,
}

impl Evidence {
    fn new(cluster: &str, subject: &Subject) -> Self {
        Self {
            cluster: cluster.to_owned(),
            subject: subject.clone(),
        }
    }
}

/// A cluster as the fleet sees it.
#[derive(Debug, Clone)]
pub struct Member {
    name: String,
    exported: Option<String>,
    file: Option<String>,
    read: Result<Read, String>,
}

/// What is kept of an export and its outcome.
#[derive(Debug, Clone)]
struct Read {
    summary: Summary,
    identity: Identity,
}

impl Member {
    /// A cluster that was planned: `outcome` is what [`crate::plan`] made of `input`.
    pub fn planned(name: &str, input: &Input, outcome: &Outcome) -> Self {
        let identity = Identity::new(&input.snapshot, outcome);
        Self {
            name: name.to_owned(),
            exported: None,
            file: None,
            read: Ok(Read {
                summary: summary(outcome, &identity),
                identity,
            }),
        }
    }

    /// A cluster that could not be planned, and why.
    pub fn failed(name: &str, error: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            exported: None,
            file: None,
            read: Err(error.into()),
        }
    }

    /// Says when the export was written, in UTC as `YYYY-MM-DDTHH:MM:SSZ`.
    #[must_use]
    pub fn exported(mut self, at: Option<String>) -> Self {
        self.exported = at;
        self
    }

    /// Says in which file the outcome stands.
    #[must_use]
    pub fn file(mut self, name: Option<String>) -> Self {
        self.file = name;
        self
    }
}

fn summary(outcome: &Outcome, identity: &Identity) -> Summary {
    let agenda = report::agenda(outcome);
    let acting = || {
        let all = outcome.restarts.iter();
        all.filter(|it| it.how != crate::outcome::RestartHow::None)
    };
    let line = |it: &crate::outcome::Finding| Headline {
        code: it.code,
        level: it.level,
        title: it.title.clone(),
        accepted: it.accepted.clone(),
    };
    Summary {
        verdict: outcome.verdict,
        direction: outcome.direction,
        source: outcome.source.version.clone(),
        target: outcome.target.version.clone(),
        plan: outcome.plan.as_ref().map(|it| it.id.clone()),
        decide: agenda.decide.len(),
        lost: agenda.lost.len(),
        by_hand: agenda.by_hand.len(),
        changes: agenda.real.len(),
        workloads: acting().count(),
        pods: acting().map(|it| it.pods).sum(),
        role: identity.role(),
        cluster: identity.cluster.as_ref().map(|it| it.value.clone()),
        network: identity.network.as_ref().map(|it| it.value.clone()),
        findings: outcome.findings.iter().map(line).collect(),
    }
}

/// Puts clusters side by side. `target` is the version that is asked for.
pub fn fleet(target: &str, members: &[Member]) -> Fleet {
    let groups = mesh::groups(members);
    let to = Version::parse_release(target);
    let findings = rules::findings(&rules::Situation {
        members,
        groups: &groups,
        to: to.as_ref(),
    });
    let several = groups.iter().filter(|it| it.members.len() > 1);
    Fleet {
        schema: SCHEMA.to_owned(),
        target: target.trim_start_matches('v').to_owned(),
        verdict: verdict(members, &findings),
        clusters: members.iter().map(Cluster::new).collect(),
        meshes: several.map(|it| Mesh::new(it, members)).collect(),
        findings,
    }
}

fn verdict(members: &[Member], findings: &[Finding]) -> Verdict {
    let has = |level: Level| findings.iter().any(|it| it.level == level);
    let is = |verdict: Verdict| {
        let mut all = members.iter().filter_map(|it| it.read.as_ref().ok());
        all.any(|it| it.summary.verdict == verdict)
    };
    if is(Verdict::Blocked) || has(Level::Block) {
        Verdict::Blocked
    } else if is(Verdict::Unknown)
        || has(Level::Unknown)
        || members.iter().any(|it| it.read.is_err())
    {
        Verdict::Unknown
    } else {
        Verdict::Clear
    }
}

impl Cluster {
    fn new(member: &Member) -> Self {
        Self {
            name: member.name.clone(),
            exported: member.exported.clone(),
            file: member.file.clone(),
            error: member.read.as_ref().err().cloned(),
            summary: member.read.as_ref().ok().map(|it| it.summary.clone()),
        }
    }

    /// `None`: it could not be read.
    pub fn verdict(&self) -> Option<Verdict> {
        self.summary.as_ref().map(|it| it.verdict)
    }
}

impl Mesh {
    fn new(group: &Group, members: &[Member]) -> Self {
        let member = |at: &usize| members.get(*at);
        let ids = group.members.iter().filter_map(member);
        let mut ids = ids.filter_map(|it| it.read.as_ref().ok()?.identity.mesh.as_ref());
        let names = |wave: Vec<usize>| {
            let all = wave.iter().filter_map(member);
            all.map(|it| it.name.clone()).collect()
        };
        let order = group.order(members);
        Self {
            id: ids.next().map(|it| it.value.clone()),
            order: order.into_iter().map(names).collect(),
        }
    }
}

impl Fleet {
    /// How many clusters stand how, heaviest first: `2 blocked, 1 unreadable, 9 clear`.
    pub fn tally(&self) -> String {
        let mut counts: BTreeMap<(u8, &str), usize> = BTreeMap::new();
        for it in &self.clusters {
            *counts.entry(weight(it.verdict())).or_default() += 1;
        }
        let parts = counts
            .iter()
            .map(|((_, word), number)| format!("{number} {word}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// The place of a verdict among others, and its word.
fn weight(verdict: Option<Verdict>) -> (u8, &'static str) {
    match verdict {
        Some(Verdict::Blocked) => (0, "blocked"),
        None => (1, "unreadable"),
        Some(Verdict::Unknown) => (2, "unknown"),
        Some(Verdict::Clear) => (3, "clear"),
    }
}

#[cfg(test)]
mod tests;
