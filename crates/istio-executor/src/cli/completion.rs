//! `refit completion`: what a shell offers while somebody types.
//!
//! A shell asks the program itself: the script that is printed here only hands the line over (`REFIT_COMPLETE`), so that
//! contexts, namespaces and workloads are those of now. `kubectl` asks in its own protocol, by the executable
//! `kubectl_complete-refit` or by `refit __complete`.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use clap::{Args as ClapArgs, Command};
use clap_complete::Shell;
use clap_complete::engine::complete;
use clap_complete::env::Shells;

use super::{Error, Exit};
use crate::output;

mod offer;

/// By this variable a shell says that it asks, and which one it is.
const VARIABLE: &str = "REFIT_COMPLETE";

/// The verb by which kubectl, like every program made with cobra, asks.
const COBRA: &str = "__complete";

/// `ShellCompDirectiveNoFileComp` of cobra: what is offered is all; and the same with `ShellCompDirectiveNoSpace`: the
/// word goes on.
const NO_FILES: [&str; 2] = [":4", ":6"];

/// zsh loads a file of `fpath` with the first question about its command, and wants that one answered too.
const AUTOLOADED: &str =
    "[ \"$funcstack[1]\" = \"_refit\" ] && _clap_dynamic_completer_refit \"$@\"\n";

/// The arguments of `refit completion`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The shell to complete for
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let mut script = Vec::new();
    let name = args.shell.to_string();
    let shells = Shells::builtins();
    let shell = shells
        .completer(&name)
        .ok_or_else(|| Error::usage(format!("{name} is no shell that is known")))?;
    shell.write_registration(VARIABLE, "refit", "refit", "refit", &mut script)?;
    if args.shell == Shell::Zsh {
        script.extend_from_slice(AUTOLOADED.as_bytes());
    }
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Answers a shell, or kubectl, that asks what may come next; returns whether one did.
pub(super) fn answered(args: &[OsString], command: impl FnOnce() -> Command) -> bool {
    if let Some(name) = env::var_os(VARIABLE).filter(|it| !it.is_empty()) {
        let words: Vec<OsString> = args
            .iter()
            .skip_while(|it| *it != "--")
            .skip(1)
            .cloned()
            .collect();
        let shells = Shells::builtins();
        let shell = name.to_str().and_then(|it| shells.completer(it));
        let (Some(shell), false) = (shell, words.is_empty()) else {
            return false;
        };
        let mut command = offer::offering(command(), &words);
        let mut answer = Vec::new();
        let here = env::current_dir().ok();
        // A shell that asks wants an answer or none, never an error.
        if shell
            .write_complete(&mut command, words, here.as_deref(), &mut answer)
            .is_ok()
        {
            let _ = output::data(&String::from_utf8_lossy(&answer));
        }
        return true;
    }
    let Some(words) = asked_by_kubectl(args) else {
        return false;
    };
    let mut all = vec![OsString::from("refit")];
    all.extend_from_slice(words);
    if all.len() == 1 {
        all.push(OsString::new());
    }
    let mut command = offer::offering(command(), &all);
    let here = env::current_dir().ok();
    let at = all.len() - 1;
    let (mut answer, mut goes_on) = (String::new(), false);
    for it in complete(&mut command, all, at, here.as_deref()).unwrap_or_default() {
        if it.is_hide_set() {
            continue;
        }
        let value = it.get_value().to_string_lossy();
        goes_on |= value.ends_with(['/', '=', '.']);
        answer.push_str(&value);
        if let Some(help) = it.get_help() {
            let help = help.to_string();
            answer.push('\t');
            answer.push_str(help.lines().next().unwrap_or_default());
        }
        answer.push('\n');
    }
    answer.push_str(NO_FILES[usize::from(goes_on)]);
    let _ = output::print(&answer);
    true
}

/// The words that kubectl wants completed, if it is kubectl that asks.
fn asked_by_kubectl(args: &[OsString]) -> Option<&[OsString]> {
    let (program, rest) = args.split_first()?;
    let name = Path::new(program).file_name()?.to_string_lossy();
    if name.starts_with("kubectl_complete-") {
        return Some(rest);
    }
    let (first, rest) = rest.split_first()?;
    (first == COBRA).then_some(rest)
}
