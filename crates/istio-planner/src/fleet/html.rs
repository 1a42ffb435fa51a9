//! A fleet as one HTML file: everything is in it, nothing in it runs, and it asks for nothing.

use maud::{Markup, html as markup};

use super::rows::{self, Age};
use super::{Cluster, Finding, Fleet, weight};
use crate::outcome::Verdict;
use crate::report::html::{file, label, spoken, table};
use crate::report::{shown, words};

/// Writes a fleet as a self-contained HTML file.
pub fn html(fleet: &Fleet, age: Age) -> String {
    let headline = rows::headline(fleet);
    let state = match fleet.verdict {
        Verdict::Clear => "clear",
        Verdict::Blocked => "blocked",
        Verdict::Unknown => "unknown",
    };
    let all = rows::rows(fleet, age);
    let cells = all.iter().zip(&fleet.clusters).map(|(row, cluster)| {
        let mut cells: Vec<Markup> = row.iter().map(|it| markup! { (shown(it)) }).collect();
        if let (Some(first), true) = (cells.first_mut(), has_more(cluster)) {
            *first = markup! { a href={ "#" (anchor(fleet, cluster)) } { (shown(&cluster.name)) } };
        }
        cells
    });
    let body = markup! {
        main {
            header class={ "verdict " (state) } { h1 { (shown(&headline)) } }
            section id="clusters" {
                h2 { "Clusters " small { (fleet.clusters.len()) } }
                (table(&rows::HEAD, cells))
            }
            @if !fleet.meshes.is_empty() {
                section id="meshes" {
                    h2 { "Meshes, in the order of upgrading" }
                    ul { @for it in &fleet.meshes { li { (shown(&rows::mesh(it))) } } }
                }
            }
            @if !fleet.findings.is_empty() {
                section id="findings" {
                    h2 { "Across clusters " small { (fleet.findings.len()) } }
                    @for it in &fleet.findings { (finding(it)) }
                }
            }
            @for it in fleet.clusters.iter().filter(|it| has_more(it)) {
                section id=(anchor(fleet, it)) { h2 { (shown(&it.name)) } (more(it)) }
            }
        }
    };
    file(&headline, &body)
}

/// Whether there is more to say of a cluster than its line.
fn has_more(cluster: &Cluster) -> bool {
    let findings = cluster.summary.as_ref().map_or(0, |it| it.findings.len());
    cluster.error.is_some() || findings > 0
}

/// The place of a cluster in the file: its number, since names may hold anything.
fn anchor(fleet: &Fleet, cluster: &Cluster) -> String {
    let at = fleet
        .clusters
        .iter()
        .position(|it| std::ptr::eq(it, cluster));
    format!("cluster-{}", at.unwrap_or_default())
}

/// The findings of one cluster in a line each.
fn more(cluster: &Cluster) -> Markup {
    let findings = cluster.summary.iter().flat_map(|it| &it.findings);
    markup! {
        p class="soft" { (weight(cluster.verdict()).1) }
        @if let Some(error) = &cluster.error { p { (shown(error)) } }
        ul {
            @for it in findings {
                li {
                    b { (label(it.level)) ": " } (spoken(&it.title)) " " code { (it.code) }
                    @if let Some(reason) = &it.accepted { " " span class="soft" { "accepted: " (shown(reason)) } }
                }
            }
        }
    }
}

fn finding(it: &Finding) -> Markup {
    markup! {
        article class=(words::level(it.level)) {
            h3 { b { (label(it.level)) ": " } (spoken(&it.title)) " " code { (it.code.as_str()) } }
            p { (spoken(&it.detail)) }
            ul class="evidence" {
                @for it in &it.subjects {
                    li { b { (shown(&it.cluster)) } " " code { (shown(&crate::words::subject(&it.subject))) } }
                }
            }
            p class="fix" { b { "Fix: " } (spoken(&it.fix)) }
            @if let Some(link) = &it.link { p class="soft" { (link) } }
        }
    }
}
