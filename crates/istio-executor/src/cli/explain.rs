//! `refit explain`: what a finding means, why it matters, how to settle it.

use std::fmt::Write as _;

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;
use istio_planner::explain::{self, Entry, Explained, Explanation};

use super::format::{Format, written};
use super::suggest::{anything, nearest};
use super::{Error, Exit};
use crate::output;

/// The arguments of `refit explain`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The finding's code, for example version-skew, or words to look for. Without it, all codes are listed
    #[arg(value_parser = anything(codes()), hide_possible_values = true)]
    code: Option<String>,

    /// Explains every code at length
    #[arg(long, conflicts_with = "code")]
    all: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// The codes, for completion.
pub(super) fn codes() -> PossibleValuesParser {
    let codes: Vec<&'static str> = explain::catalogue()
        .iter()
        .map(|it| it.code.as_str())
        .collect();
    PossibleValuesParser::new(codes)
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let catalogue = explain::catalogue();
    let Some(asked) = &args.code else {
        let text = if args.all {
            explained(catalogue, args.output)?
        } else {
            listed(&catalogue, args.output)?
        };
        output::pager::print(&text, args.output == Format::Text)?;
        return Ok(Exit::Done);
    };
    let code = asked.trim().to_lowercase().replace(['_', ' '], "-");
    if let Some(entry) = catalogue.iter().find(|it| it.code.as_str() == code) {
        output::data(&explained(vec![entry.clone()], args.output)?)?;
        return Ok(Exit::Done);
    }
    let words = asked.to_lowercase();
    let has =
        |it: &&Entry| it.code.as_str().contains(&code) || it.title.to_lowercase().contains(&words);
    let found: Vec<Entry> = catalogue.iter().filter(has).cloned().collect();
    if found.is_empty() {
        let nearest = nearest(&code, catalogue.iter().map(|it| it.code.as_str()));
        let hint = match nearest {
            Some(it) => format!("did you mean {it}?"),
            None => "refit explain lists all codes".to_owned(),
        };
        return Err(Error::usage(format!("{asked:?} is no code\nhint: {hint}")));
    }
    output::data(&listed(&found, args.output)?)?;
    Ok(Exit::Done)
}

/// A line for each code.
fn listed(entries: &[Entry], format: Format) -> Result<String, Error> {
    if let Some(data) = written(&entries, format)? {
        return Ok(data);
    }
    let width = entries
        .iter()
        .map(|it| it.code.as_str().len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for it in entries {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<width$}  {:<7}  {}", it.code, it.level, it.title);
    }
    Ok(text)
}

/// A code as programs and as people read it.
fn both(entry: Entry) -> Option<(Explained, Explanation)> {
    let words = explain::explain(entry.code)?;
    Some((Explained::of(entry)?, words))
}

/// A page for each code.
fn explained(entries: Vec<Entry>, format: Format) -> Result<String, Error> {
    let single = entries.len() == 1;
    let all: Vec<(Explained, Explanation)> = entries.into_iter().filter_map(both).collect();
    let documents: Vec<&Explained> = all.iter().map(|it| &it.0).collect();
    let data = match documents.as_slice() {
        [one] if single => written(one, format)?,
        all => written(&all, format)?,
    };
    if let Some(data) = data {
        return Ok(data);
    }
    let page = |(it, words): &(Explained, Explanation)| {
        if single {
            words.to_string()
        } else {
            format!("{} ({})\n\n{words}", it.entry.code, it.entry.level)
        }
    };
    Ok(all.iter().map(page).collect::<Vec<_>>().join("\n\n"))
}
