//! Flags that are given otherwise than on the command line: by the environment (`REFIT_RELEASES` for `--releases`), and
//! for a team in `.refit.yaml`. `refit config` shows them.
//!
//! What is typed wins over the environment, which wins over the file. What writes without a question, hides a block or
//! deletes has to be typed.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Args as ClapArgs, Command};
use istio_planner::Acceptance;
use serde::Serialize;
use serde_json::Value;

use super::format::{self, Format};
use super::{Error, Exit};

/// The file of a team, in the working folder.
const FILE: &str = ".refit.yaml";

/// The key of decisions on findings, which have more to say than a flag has.
const ACCEPT: &str = "accept";

/// Flags that have to be typed each time.
const TYPED: [&str; 14] = [
    "accept",
    "all",
    "force",
    "help",
    "prune",
    "prune-orphans",
    "registry-config",
    "reason",
    "resume-from-cluster",
    "sample",
    "skip-confirmation",
    "token",
    "version",
    "without-gates",
];

/// Flags of a file: for every verb that has them, and by verb.
#[derive(Debug, Default)]
pub(super) struct Settings {
    path: Option<PathBuf>,
    values: BTreeMap<String, Value>,
}

impl Settings {
    /// Reads the file of the working folder, or the one that `REFIT_CONFIG` names.
    pub(super) fn read() -> Result<Self, Error> {
        let named = env::var_os("REFIT_CONFIG").map(PathBuf::from);
        let path = match named {
            Some(path) if path.as_os_str().is_empty() => return Ok(Self::default()),
            Some(path) => path,
            None if Path::new(FILE).is_file() => PathBuf::from(FILE),
            None => return Ok(Self::default()),
        };
        let name = path.display();
        let text = std::fs::read_to_string(&path)
            .map_err(|it| Error::usage(format!("cannot read {name}: {it}")))?;
        let value =
            kube_yaml::from_str(&text).map_err(|it| Error::usage(format!("{name}:{it}")))?;
        let values = match value {
            Value::Object(map) => map.into_iter().collect(),
            Value::Null => BTreeMap::new(),
            _ => {
                return Err(Error::usage(format!(
                    "{name} holds no flags\nhint: write `releases: /opt/istio`, or `plan: {{output: markdown}}` for one verb"
                )));
            }
        };
        Ok(Self {
            path: Some(path),
            values,
        })
    }

    /// Gives a command's flags what the environment and the file say.
    pub(super) fn given(&self, mut command: Command) -> Result<Command, Error> {
        // Most of the time nothing is given, and nothing has to be taken apart for it.
        let is_set = |(name, _): (OsString, _)| name.to_string_lossy().starts_with("REFIT_");
        if self.values.is_empty() && !env::vars_os().any(is_set) {
            return Ok(command);
        }
        self.check(&command)?;
        let verbs: Vec<String> = command
            .get_subcommands()
            .map(|it| it.get_name().to_owned())
            .collect();
        for verb in verbs {
            command = command.mut_subcommand(&verb, |it| it.mut_args(|arg| self.arg(&verb, arg)));
        }
        Ok(command)
    }

    fn arg(&self, verb: &str, arg: Arg) -> Arg {
        let Some(long) = settable(&arg) else {
            return arg;
        };
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        let arg = if is_switch {
            arg.value_parser(FalseyValueParser::new())
        } else {
            arg
        };
        let arg = arg.env(leaked(variable(&long))).hide_env(true);
        match self.value(verb, &long) {
            // A value that a verb requires is given by the file as well.
            Some(Value::Array(list)) => arg.required(false).default_values(list.iter().map(word)),
            Some(value) => arg.required(false).default_value(word(value)),
            None => arg,
        }
    }

    /// Findings that a team has decided on: a list of `code`, `object`, `reason` and `until` under `accept`.
    pub(super) fn acceptances(&self) -> Result<Vec<Acceptance>, Error> {
        let Some(list) = self.values.get(ACCEPT) else {
            return Ok(Vec::new());
        };
        serde_json::from_value(list.clone()).map_err(|it| {
            let name = self.path.as_deref().unwrap_or(Path::new(FILE)).display();
            Error::usage(format!(
                "{name}: accept: {it}\nhint: write `accept: [{{code: CODE, reason: TEXT, until: YYYY-MM-DD}}]`"
            ))
        })
    }

    /// What the file says of a flag: under the verb, else for all.
    fn value(&self, verb: &str, long: &str) -> Option<&Value> {
        let of_verb = self.values.get(verb).and_then(|it| it.get(long));
        of_verb
            .or_else(|| self.values.get(long))
            .filter(|it| !it.is_null() && !it.is_object())
    }

    /// A name that is no flag is a slip, which would else do nothing.
    fn check(&self, command: &Command) -> Result<(), Error> {
        let name = self.path.as_deref().unwrap_or(Path::new(FILE)).display();
        let has = |verb: &Command, key: &str| {
            verb.get_arguments()
                .filter_map(settable)
                .any(|it| it == key)
        };
        let wrong = |key: &str, verb: &str| {
            let typed = TYPED.contains(&key);
            let why = if typed {
                "has to be typed each time".to_owned()
            } else {
                format!("is no flag of {verb}")
            };
            Err(Error::usage(format!(
                "{name}: {key} {why}\nhint: keys are long flags without dashes, or verbs with such below them"
            )))
        };
        for (key, value) in self.values.iter().filter(|it| it.0 != ACCEPT) {
            match (value, command.find_subcommand(key)) {
                (Value::Object(flags), Some(verb)) => {
                    for flag in flags.keys().filter(|it| !has(verb, it)) {
                        wrong(flag, key)?;
                    }
                }
                _ if command.get_subcommands().any(|it| has(it, key)) => {}
                _ => wrong(key, "any verb")?,
            }
        }
        Ok(())
    }
}

/// The long name of a flag that can be given otherwise than typed.
fn settable(arg: &Arg) -> Option<String> {
    let long = arg.get_long()?;
    let takes = matches!(
        arg.get_action(),
        ArgAction::Set | ArgAction::Append | ArgAction::SetTrue
    );
    (takes && !TYPED.contains(&long)).then(|| long.to_owned())
}

/// `REFIT_ISTIO_NAMESPACE` for `istio-namespace`.
fn variable(long: &str) -> String {
    format!("REFIT_{}", long.to_uppercase().replace('-', "_"))
}

fn word(value: &Value) -> &'static str {
    leaked(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

/// The command line keeps its words as long as the process lives.
fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The arguments of `refit config`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// A flag that is given otherwise than typed.
#[derive(Debug, Serialize)]
struct Given {
    flag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<String>,
    value: Value,
    from: String,
}

/// Prints which flags are given by the environment and the file.
pub(super) fn run(args: &Args, command: &Command) -> Result<Exit, Error> {
    let settings = Settings::read()?;
    settings.check(command)?;
    let mut longs: Vec<String> = command
        .get_subcommands()
        .flat_map(|it| it.get_arguments().filter_map(settable))
        .collect();
    longs.sort();
    longs.dedup();
    let from_environment = |long: &String| {
        let name = variable(long);
        let value: OsString = env::var_os(&name)?;
        Some(Given {
            flag: long.clone(),
            verb: None,
            value: Value::from(value.to_string_lossy().into_owned()),
            from: name,
        })
    };
    let mut given: Vec<Given> = longs.iter().filter_map(from_environment).collect();
    let file = settings.path.as_deref().map(|it| it.display().to_string());
    for (key, value) in settings.values {
        let one = |flag: String, verb: Option<String>, value: Value| Given {
            flag,
            verb,
            value,
            from: file.clone().unwrap_or_default(),
        };
        match value {
            Value::Object(flags) => given.extend(
                flags
                    .into_iter()
                    .map(|it| one(it.0, Some(key.clone()), it.1)),
            ),
            value => given.push(one(key, None, value)),
        }
    }
    format::data(&given, args.output, || text(&given))?;
    Ok(Exit::Done)
}

fn text(given: &[Given]) -> String {
    if given.is_empty() {
        return format!(
            "No flag is given by the environment, and there is no {FILE} here. --releases would be REFIT_RELEASES, or `releases: DIR` in {FILE}."
        );
    }
    let line = |it: &Given| {
        let verb = it
            .verb
            .as_deref()
            .map(|it| format!(" of {it}"))
            .unwrap_or_default();
        let line = format!("--{}{verb} = {} ({})", it.flag, word(&it.value), it.from);
        istio_planner::report::shown(&line).into_owned()
    };
    given.iter().map(line).collect::<Vec<_>>().join("\n")
}
