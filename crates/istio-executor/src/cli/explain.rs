//! `refit explain`: what a finding means, why it matters, how to settle it.

use std::fmt::Write as _;

use clap::Args as ClapArgs;
use clap::builder::PossibleValue;
use istio_planner::explain::{self, Explanation, Weight};
use istio_planner::fleet;
use serde::Serialize;

use super::format::{Format, written};
use super::guide::Guide;
use super::suggest::{anything, nearest};
use super::{Error, Exit};
use crate::output;

/// The arguments of `refit explain`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The finding's code, for example version-skew, or words to look for. Without it, all codes are listed
    #[arg(value_parser = anything(codes), hide_possible_values = true)]
    code: Option<String>,

    /// Explains every code at length
    #[arg(long, conflicts_with = "code")]
    all: bool,

    #[command(flatten)]
    guide: Guide,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// A code with what it means.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) code: &'static str,
    pub(super) level: Weight,
    pub(super) words: Explanation,
}

/// A code in a line, for programs.
#[derive(Serialize)]
struct Line {
    code: &'static str,
    level: Weight,
    title: &'static str,
}

/// A code at length, for programs.
#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    line: Line,
    why: &'static str,
    settle: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'static str>,
}

impl Known {
    fn line(&self) -> Line {
        Line {
            code: self.code,
            level: self.level,
            title: self.words.meaning,
        }
    }

    fn page(&self) -> Page {
        Page {
            line: self.line(),
            why: self.words.why,
            settle: self.words.settle,
            source: self.words.source,
            link: self.words.link,
        }
    }
}

/// Every code: of findings, of notes, of findings across clusters.
pub(super) fn all() -> Vec<Known> {
    let of_plans = explain::catalogue().into_iter().filter_map(|it| {
        Some(Known {
            code: it.code.as_str(),
            level: it.level,
            words: explain::explain(it.code)?,
        })
    });
    let of_fleets = fleet::Code::ALL.iter().map(|code| Known {
        code: code.as_str(),
        level: code.usual_level().into(),
        words: code.explanation(),
    });
    of_plans.chain(of_fleets).collect()
}

/// The codes, for completion.
pub(super) fn codes() -> Vec<PossibleValue> {
    let all = all();
    all.iter().map(|it| PossibleValue::new(it.code)).collect()
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let catalogue = all();
    let Some(asked) = &args.code else {
        let text = if args.all {
            explained(&catalogue, args)?
        } else {
            listed(&catalogue, args.output)?
        };
        output::pager::print(&text, args.output == Format::Text)?;
        return Ok(Exit::Done);
    };
    let code = asked.trim().to_lowercase().replace(['_', ' '], "-");
    if let Some(found) = catalogue.iter().find(|it| it.code == code) {
        output::data(&explained(std::slice::from_ref(found), args)?)?;
        return Ok(Exit::Done);
    }
    let words = asked.to_lowercase();
    let has =
        |it: &&Known| it.code.contains(&code) || it.words.meaning.to_lowercase().contains(&words);
    let found: Vec<Known> = catalogue.iter().filter(has).cloned().collect();
    if found.is_empty() {
        let nearest = nearest(&code, catalogue.iter().map(|it| it.code));
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
fn listed(all: &[Known], format: Format) -> Result<String, Error> {
    let lines: Vec<Line> = all.iter().map(Known::line).collect();
    if let Some(data) = written(&lines, format)? {
        return Ok(data);
    }
    let width = lines.iter().map(|it| it.code.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for it in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<width$}  {:<7}  {}", it.code, it.level, it.title);
    }
    Ok(text)
}

/// A page for each code.
fn explained(all: &[Known], args: &Args) -> Result<String, Error> {
    let pages: Vec<Page> = all.iter().map(Known::page).collect();
    let data = match pages.as_slice() {
        [one] => written(one, args.output)?,
        pages => written(&pages, args.output)?,
    };
    if let Some(data) = data {
        return Ok(data);
    }
    let page = |it: &Known| {
        let words = match all {
            [_] => it.words.to_string(),
            _ => format!("{} ({})\n\n{}", it.code, it.level, it.words),
        };
        match args.guide.page(it.code) {
            Some(page) => format!("{}\n{page}\n", words.trim_end_matches('\n')),
            None => words,
        }
    };
    Ok(all.iter().map(page).collect::<Vec<_>>().join("\n\n"))
}
