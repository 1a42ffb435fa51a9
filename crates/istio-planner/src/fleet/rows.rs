//! The table of a fleet, as text, Markdown and HTML show it.

use super::{Cluster, Fleet, Headline, Mesh, weight};
use crate::outcome::{Level, Verdict};
use crate::words::count;

/// Says how long ago something was, for example `3 hours ago`: who prints has a clock.
pub type Age<'a> = &'a dyn Fn(&str) -> String;

/// The columns.
pub(super) const HEAD: [&str; 10] = [
    "CLUSTER", "FROM", "TO", "VERDICT", "DECIDE", "LOST", "HAND", "CHANGES", "RESTART", "EXPORTED",
];

/// A line for each cluster.
pub(super) fn rows(fleet: &Fleet, age: Age) -> Vec<[String; 10]> {
    fleet.clusters.iter().map(|it| row(it, age)).collect()
}

fn row(cluster: &Cluster, age: Age) -> [String; 10] {
    let exported = cluster.exported.as_deref().map(age).unwrap_or_default();
    let verdict = weight(cluster.verdict()).1.to_owned();
    let name = cluster.name.clone();
    let Some(it) = &cluster.summary else {
        let none = String::new;
        return [
            name,
            none(),
            none(),
            verdict,
            none(),
            none(),
            none(),
            none(),
            none(),
            exported,
        ];
    };
    let version = |it: &Option<String>| it.clone().unwrap_or_else(|| "unknown".to_owned());
    let restart = match it.workloads {
        0 => "0".to_owned(),
        some => format!("{some} ({})", count(it.pods as usize, "pod")),
    };
    [
        name,
        version(&it.source),
        version(&it.target),
        verdict,
        it.decide.to_string(),
        it.lost.to_string(),
        it.by_hand.to_string(),
        it.changes.to_string(),
        restart,
        exported,
    ]
}

/// What stands against a cluster's plan; what is unknown and hides nothing is not told of a clear one.
pub(super) fn against(cluster: &Cluster) -> Vec<&Headline> {
    let summary = cluster.summary.iter();
    let stands = summary.filter(|it| it.verdict != Verdict::Clear);
    let weighs =
        |it: &&Headline| matches!(it.level, Level::Block | Level::Unknown) && it.accepted.is_none();
    stands.flat_map(|it| &it.findings).filter(weighs).collect()
}

/// `mesh1: east and west, then edge`.
pub(super) fn mesh(mesh: &Mesh) -> String {
    let waves: Vec<String> = mesh.order.iter().map(|it| it.join(", ")).collect();
    let name = mesh.id.as_deref().unwrap_or("A mesh without id");
    format!("{name}: {}", waves.join(", then "))
}

/// `12 clusters → 1.30.3: 2 blocked, 10 clear`.
pub(super) fn headline(fleet: &Fleet) -> String {
    let clusters = count(fleet.clusters.len(), "cluster");
    format!("{clusters} → {}: {}", fleet.target, fleet.tally())
}
