//! `refit facts`: what is known of releases, and how old it is.

use clap::Args as ClapArgs;
use istio_catalog::{Catalog, Facts, Minor, days_between};

use super::format::{self, Format};
use super::target::Known;
use super::{Error, Exit};
use crate::{output, planning};

/// Facts older than this are worth a warning: a minor release comes every quarter.
const OLD: i64 = 120;

/// The arguments of `refit facts`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    known: Known,

    /// Today
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = super::plan::day)]
    as_of: Option<String>,

    /// How to print it; json is what --facts reads
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let facts = args.known.facts();
    let today = args.as_of.clone().unwrap_or_else(planning::today);
    let age = days_between(facts.newest_day(), &today);
    if let Some(age) = age.filter(|it| *it > OLD) {
        output::warning(&format!(
            "the newest fact is {age} days old: releases and bulletins since {} are not known; bring newer facts with \
             --facts, or use a newer build",
            facts.newest_day()
        ));
    }
    format::data(facts, args.output, || text(facts, age))?;
    Ok(Exit::Done)
}

fn text(facts: &Facts, age: Option<i64>) -> String {
    let catalog = Catalog::embedded();
    let age = age.map_or_else(String::new, |it| format!(", {it} days old"));
    let mut lines = vec![
        format!("The newest fact is of {}{age}", facts.newest_day()),
        format!(
            "{} releases, {} bulletins; charts of {} releases",
            facts.releases.len(),
            facts.bulletins.len(),
            catalog.patches().count()
        ),
        String::new(),
        format!(
            "{:<6} {:<9} {:<11} {:<11} {:<11} {:<11} {}",
            "minor", "newest", "released", "charts of", "support to", "Kubernetes", "registry"
        ),
    ];
    for minor in facts.support.keys().rev() {
        lines.push(line(facts, *minor));
    }
    let ends = facts.registries.iter().filter_map(|it| {
        let ends = it.ends.as_ref()?;
        Some(format!(
            "{} ends between {} and {}",
            it.place, ends.from, ends.by
        ))
    });
    lines.push(String::new());
    lines.extend(ends);
    for outage in &facts.outages {
        lines.push(format!(
            "switched off from {} to {}: {}",
            outage.start,
            outage.end,
            outage.places.join(", ")
        ));
    }
    lines.join("\n")
}

fn line(facts: &Facts, minor: Minor) -> String {
    let catalog = Catalog::embedded();
    let newest = facts.newest_patch(minor, None);
    let (version, day) =
        newest.map_or_else(|| ("-".to_owned(), "-"), |(it, day)| (it.to_string(), day));
    let charts = newest
        .and_then(|(it, _)| catalog.nearest(it))
        .map_or_else(|| "-".to_owned(), ToString::to_string);
    let hub = newest.and_then(|(it, _)| facts.hub(it)).unwrap_or("-");
    let end = facts.end_of_life(minor).map(|it| it.date);
    let bounds = facts.kubernetes(minor);
    let range = bounds
        .minimum
        .zip(bounds.maximum)
        .map_or_else(|| "-".to_owned(), |(from, to)| format!("{from}-{to}"));
    format!(
        "{:<6} {version:<9} {day:<11} {charts:<11} {:<11} {range:<11} {hub}",
        minor.to_string(),
        end.as_deref().unwrap_or("not known")
    )
}
