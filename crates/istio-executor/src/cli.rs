//! The command line: one file per verb, each with its arguments and its `run`.
//!
//! Results go to standard output, progress and errors to standard error. A reader that goes away is no error.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::output;

mod abandon;
mod apply;
mod bulletins;
mod check_images;
mod check_inject;
mod completion;
mod connection;
mod duration;
mod error;
mod explain;
mod facts;
mod fleet;
mod format;
mod gates;
mod guide;
mod help;
mod history;
mod images;
mod job;
mod manifest;
mod manual;
mod mcp;
mod perform;
mod plan;
mod profile;
mod rbac;
mod recover;
mod request;
mod restart;
mod rollback;
mod schema;
mod serve;
mod settings;
mod snapshot;
mod status;
mod suggest;
mod target;
mod template;
mod upgrade;
mod verify;
mod version;

pub use error::{Error, Exit};

/// Plans and performs in-place upgrades and downgrades of Istio.
#[derive(Debug, Parser)]
#[command(
    name = "refit",
    version,
    // Of a flag given twice the last one counts, as for kubectl and istioctl; flags that are lists take all.
    args_override_self = true,
    max_term_width = 110
)]
pub struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN", alias = "colour", display_order = 1000)]
    color: Colour,

    #[command(subcommand)]
    verb: Verb,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Says what an upgrade would do, from what the cluster exported
    Plan(plan::Args),
    /// Plans many clusters side by side, and has the plans performed by Jobs
    Fleet(fleet::Args),
    /// Takes a snapshot, plans, asks and performs
    Upgrade(upgrade::Args),
    /// Performs a saved plan
    Apply(apply::Args),
    /// Puts back what an upgrade changed
    Rollback(rollback::Args),
    /// Lists the upgrades of a cluster, and what can be rolled back
    History(history::Args),
    /// Gives up an upgrade that was begun, and leaves the cluster as it is
    Abandon(abandon::Args),
    /// Reads from the cluster what a plan needs
    Snapshot(snapshot::Args),
    /// Renders manifests as istioctl does
    Manifest(manifest::Args),
    /// Renders a chart as helm template does
    Template(template::Args),
    /// Lists the security bulletins between two versions
    Bulletins(bulletins::Args),
    /// Says what is known of releases, and how old it is
    Facts(facts::Args),
    /// Lists every image that a plan and its restarts pull
    Images(images::Args),
    /// Says what a finding means
    Explain(explain::Args),
    /// Prints a Job that performs an upgrade inside the cluster
    Job(job::Args),
    /// Lists, shows and compares profiles
    Profile(profile::Args),
    /// Prints the cluster role that the executor needs
    Rbac(rbac::Args),
    /// Restarts the proxies of workloads, in waves
    Restart(restart::Args),
    /// Serves the page on this machine, fed by the cluster
    ///
    /// Nothing is applied that is not confirmed in the terminal.
    Serve(serve::Args),
    /// Shows what runs and how far an upgrade has come
    Status(status::Args),
    /// Says whether the cluster is what the last upgrade left
    Verify(verify::Args),
    /// Says which webhook injects a pod
    CheckInject(check_inject::Args),
    /// Recovers the request that a cluster was installed with
    Recover(recover::Args),
    /// Answers agents and editors by the Model Context Protocol
    ///
    /// On standard input and output, read only: plan, explain, defaults, images, recover and `check_inject`.
    Mcp(mcp::Args),
    /// Prints the JSON Schema of a document
    Schema(schema::Args),
    /// Writes the manual as files, for packages of refit
    #[command(hide = true)]
    Manual(manual::Args),
    /// Prints a completion script
    Completion(completion::Args),
    /// Shows flags that the environment and .refit.yaml give
    Config(settings::Args),
    /// Prints the version
    Version(version::Args),
}

/// Runs the command line and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    std::panic::set_hook(Box::new(output::mistake));
    if completion::answered(&args, || help::dressed(Cli::command())) {
        return Exit::Done.into();
    }
    let mut command = match command() {
        Ok(command) => command,
        Err(error) => return error.report().into(),
    };
    if args.len() < 2 {
        let help = command.render_help();
        let printed = output::styled(&help.ansi().to_string());
        return printed
            .map_or_else(|it| Error::from(it).report(), |()| Exit::Done)
            .into();
    }
    let parsed = command.try_get_matches_from_mut(&args);
    let cli = match parsed.and_then(|it| Cli::from_arg_matches(&it)) {
        Ok(cli) => cli,
        // Help and version are no errors; a terminal that is gone is none either.
        Err(error) if !error.use_stderr() => {
            let _ = output::styled(&error.render().ansi().to_string());
            return Exit::Done.into();
        }
        Err(error) => {
            let verb = args.get(1).and_then(|it| it.to_str());
            let verb = verb.filter(|it| command.find_subcommand(it).is_some());
            output::error(&suggest::told(&error, verb));
            return Exit::Error.into();
        }
    };
    match cli.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    match run(cli.verb) {
        Ok(exit) => exit.into(),
        Err(error) => error.report().into(),
    }
}

/// The command line with its help, and with what the environment and `.refit.yaml` say.
fn command() -> Result<Command, Error> {
    settings::Settings::read()?.given(help::dressed(Cli::command()))
}

fn run(verb: Verb) -> Result<Exit, Error> {
    match verb {
        Verb::Config(args) => settings::run(&args, &Cli::command()),
        Verb::Plan(args) => plan::run(&args),
        Verb::Fleet(args) => fleet::run(&args),
        Verb::Upgrade(args) => upgrade::run(&args),
        Verb::Apply(args) => apply::run(&args),
        Verb::Rollback(args) => rollback::run(&args),
        Verb::History(args) => history::run(&args),
        Verb::Abandon(args) => abandon::run(&args),
        Verb::Snapshot(args) => snapshot::run(&args),
        Verb::Manifest(args) => manifest::run(&args),
        Verb::Template(args) => template::run(&args),
        Verb::Bulletins(args) => bulletins::run(&args),
        Verb::Facts(args) => facts::run(&args),
        Verb::Images(args) => images::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Job(args) => job::run(&args),
        Verb::Profile(args) => profile::run(&args),
        Verb::Rbac(args) => rbac::run(&args),
        Verb::Restart(args) => restart::run(&args),
        Verb::Serve(args) => serve::run(&args),
        Verb::Status(args) => status::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::CheckInject(args) => check_inject::run(&args),
        Verb::Recover(args) => recover::run(&args),
        Verb::Manual(args) => manual::run(&args, help::dressed(Cli::command())),
        Verb::Mcp(args) => mcp::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Completion(args) => completion::run(&args),
        Verb::Version(args) => version::run(&args),
    }
}

#[cfg(test)]
mod tests;
