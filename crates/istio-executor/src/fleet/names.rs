//! Names of the objects that a fleet's clusters stand in the management cluster by.

use std::fmt::Write as _;

use istio_planner::fleet::Fleet;
use sha2::{Digest, Sha256};

use crate::cluster::is_label;

/// The longest name of a cluster in the name of an object.
const LONGEST: usize = 40;

/// Returns a name that objects and labels may have: the cluster's own where it is one already, else what is left of it
/// with a digest behind, by which two such names differ.
pub fn slug(cluster: &str) -> String {
    if is_label(cluster) && cluster.len() <= LONGEST {
        return cluster.to_owned();
    }
    let plain = |it: char| {
        let it = it.to_ascii_lowercase();
        if it.is_ascii_alphanumeric() { it } else { '-' }
    };
    let all: String = cluster.chars().map(plain).collect();
    let digest = hex(cluster.as_bytes(), 4);
    let cut = all.trim_matches('-');
    let cut = cut.get(..LONGEST - 9).unwrap_or(cut).trim_end_matches('-');
    if cut.is_empty() {
        return format!("c-{digest}");
    }
    format!("{cut}-{digest}")
}

/// Returns the name of a fleet, by its clusters and their plans: the same folder always has the same.
pub fn id(fleet: &Fleet) -> String {
    let mut text = String::new();
    for it in &fleet.clusters {
        let plan = it.summary.as_ref().and_then(|it| it.plan.as_deref());
        // Writing to a string cannot fail.
        let _ = write!(text, "{}\0{}\0", it.name, plan.unwrap_or_default());
    }
    hex(text.as_bytes(), 5)
}

fn hex(bytes: &[u8], length: usize) -> String {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .take(length)
        .fold(String::new(), |mut text, it| {
            let _ = write!(text, "{it:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_objects_cannot_have_are_made_ones_that_differ() {
        assert_eq!(slug("eu-1"), "eu-1");
        let long = "a".repeat(80);
        let odd = [
            "EU/1",
            "EU-1",
            "eu_1",
            "arn:aws:eks:eu-west-1:1234:cluster/prod",
            "日本",
            "",
            "---",
            &long,
        ];
        let mut names: Vec<String> = odd.iter().map(|it| slug(it)).collect();
        for it in &names {
            assert!(is_label(it) && it.len() <= LONGEST, "{it}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), odd.len());
    }
}
