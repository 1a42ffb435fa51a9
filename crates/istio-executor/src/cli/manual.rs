//! `refit manual`: the manual as files, for those who package refit: pages for `man`, and the same in Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Arg, Args as ClapArgs, Command};
use clap_mangen::Man;

use super::{Error, Exit, explain};

/// The arguments of `refit manual`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The folder to write pages for man into
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,

    /// The folder to write Markdown into
    #[arg(long, value_name = "DIR")]
    markdown: Option<PathBuf>,
}

/// A page of Markdown.
struct Page {
    name: String,
    text: String,
}

pub(super) fn run(args: &Args, mut command: Command) -> Result<Exit, Error> {
    command.build();
    if let Some(folder) = &args.man {
        make(folder)?;
        // A day would make each build another one.
        let page = |of: &Command, name: &str| -> Result<(), Error> {
            let mut text = Vec::new();
            Man::new(of.clone())
                .title(name.to_uppercase())
                .date("")
                .render(&mut text)?;
            write(&folder.join(format!("{name}.1")), &text)
        };
        page(&command, "refit")?;
        for (name, verb) in verbs(&command) {
            page(verb, &name)?;
        }
    }
    if let Some(folder) = &args.markdown {
        make(folder)?;
        for page in pages(&command) {
            write(&folder.join(page.name), page.text.as_bytes())?;
        }
    }
    Ok(Exit::Done)
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(())
}

fn write(path: &Path, text: &[u8]) -> Result<(), Error> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Verbs that people are shown, each as a page is called: `refit-profile-dump`.
fn verbs(command: &Command) -> Vec<(String, &Command)> {
    let mut all = Vec::new();
    let shown = |it: &&Command| !it.is_hide_set() && it.get_name() != "help";
    for verb in command.get_subcommands().filter(shown) {
        let name = format!("refit-{}", verb.get_name());
        let below: Vec<&Command> = verb.get_subcommands().filter(shown).collect();
        all.push((name.clone(), verb));
        all.extend(
            below
                .iter()
                .map(|it| (format!("{name}-{}", it.get_name()), *it)),
        );
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn pages(command: &Command) -> Vec<Page> {
    let mut index = String::from("# Verbs\n\n| verb | what it does |\n|---|---|\n");
    let mut pages = Vec::new();
    for (name, verb) in verbs(command) {
        let spoken = name.replace('-', " ");
        let spoken = if verb.get_name().contains('-') {
            format!("refit {}", verb.get_name())
        } else {
            spoken
        };
        let about = verb
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(index, "| [`{spoken}`]({name}.md) | {} |", cell(&about));
        pages.push(Page {
            name: format!("{name}.md"),
            text: verb_page(&spoken, verb),
        });
    }
    pages.push(Page {
        name: "verbs.md".to_owned(),
        text: index,
    });
    pages.push(Page {
        name: "codes.md".to_owned(),
        text: codes(),
    });
    pages
}

fn verb_page(name: &str, verb: &Command) -> String {
    let about = verb.get_long_about().or(verb.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = verb.clone().bin_name(name).render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut text = format!("# {name}\n\n{}\n\n```text\n{usage}\n```\n", prose(&about));
    let mut headings: Vec<Option<&str>> = vec![None];
    for arg in verb.get_arguments().filter(|it| !it.is_hide_set()) {
        let heading = arg.get_help_heading();
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        let (mut places, mut flags) = (String::new(), String::new());
        for arg in verb.get_arguments() {
            if arg.is_hide_set() || arg.get_help_heading() != heading || arg.get_id() == "help" {
                continue;
            }
            let list = if arg.is_positional() {
                &mut places
            } else {
                &mut flags
            };
            list.push_str(&item(arg));
        }
        for (title, list) in [("Arguments", places), (heading.unwrap_or("Options"), flags)] {
            if !list.is_empty() {
                let _ = write!(text, "\n## {title}\n\n{list}");
            }
        }
    }
    let after = verb.get_after_long_help().map(ToString::to_string);
    let examples = after
        .as_deref()
        .and_then(|it| it.strip_prefix("Examples:\n"));
    if let Some((examples, _)) = examples.and_then(|it| it.split_once("\n\n")) {
        let lines: Vec<&str> = examples.lines().map(str::trim).collect();
        let _ = write!(text, "\n## Examples\n\n```sh\n{}\n```\n", lines.join("\n"));
    }
    text
}

/// A flag or an argument as an item of a list.
fn item(arg: &Arg) -> String {
    let values: Vec<String> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    let takes = arg.get_action().takes_values();
    let values = if takes {
        values.join(" ")
    } else {
        String::new()
    };
    let mut names: Vec<String> = Vec::new();
    names.extend(arg.get_short().map(|it| format!("-{it}")));
    names.extend(arg.get_long().map(|it| format!("--{it}")));
    let name = format!("{} {values}", names.join(", "));
    let name = name.trim();
    let help = arg.get_long_help().or(arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut text = format!("- `{name}`: {}", prose(&help));
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| takes && !arg.is_hide_possible_values_set())
        .map(|it| format!("`{}`", it.get_name()))
        .collect();
    if !possible.is_empty() {
        let _ = write!(text, " One of {}.", possible.join(", "));
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|it| it.to_string_lossy())
        .collect();
    if takes && !defaults.is_empty() && !defaults.iter().all(|it| it.is_empty()) {
        let _ = write!(text, " By default `{}`.", defaults.join(","));
    }
    text.push('\n');
    text
}

/// Help as a sentence of Markdown.
fn prose(help: &str) -> String {
    let text = help.trim().replace('<', "&lt;");
    let ends = text.ends_with(['.', '`', ':']) || text.is_empty();
    let paragraphs: Vec<&str> = text.split("\n\n").map(str::trim).collect();
    let text = paragraphs.join(if help.contains("\n\n") { ".\n\n" } else { " " });
    if ends { text } else { format!("{text}.") }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Every code at length.
fn codes() -> String {
    let mut text = String::from(
        "# Codes\n\nWhat `refit explain --all` prints: findings of a plan first, then notes, which are facts of releases, then findings across the clusters of a fleet.\n",
    );
    for entry in explain::all() {
        let it = &entry.words;
        let _ = write!(
            text,
            "\n## {} ({})\n\n{}\n\n**Why it matters:** {}\n\n**What to do:** {}\n\nSource: {}\n",
            entry.code,
            entry.level,
            escaped(it.meaning),
            escaped(it.why),
            escaped(it.settle),
            escaped(it.source)
        );
        if let Some(link) = it.link {
            let _ = write!(text, "\n<{link}>\n");
        }
    }
    text
}

/// Text whose `<`, `*` and `_` mean themselves; what stands between backticks stays.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 1 {
            format!("`{part}`")
        } else {
            part.replace('<', "&lt;")
                .replace('*', "\\*")
                .replace('_', "\\_")
        }
    });
    parts.collect()
}
