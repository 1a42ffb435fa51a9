//! What a user asks for, as istioctl takes it: `-f`, `--set`.

use std::fs;
use std::io::{self, Read};

use anyhow::Context;
use clap::Args as ClapArgs;
use istio_render::OperatorFile;

use istio_planner::Acceptance;

use super::Error;
use super::connection::AnyControlPlane;
use super::settings::Settings;

/// `-f` and `--set`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Request {
    /// IstioOperator file; later ones win; - is standard input, and only as the last one
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    filenames: Vec<String>,

    /// Sets one value of the IstioOperator, for example values.global.hub=example.com/istio
    #[arg(short = 's', long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
}

/// Which control plane is meant.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Meant {
    #[command(flatten)]
    pub(super) plane: AnyControlPlane,

    /// The revision that is asked for
    #[arg(short, long)]
    pub(super) revision: Option<String>,
}

impl Request {
    /// The same flags again, for a shell.
    pub(super) fn flags(&self) -> Vec<String> {
        let files = self.filenames.iter().map(|it| format!("-f {}", quoted(it)));
        let sets = self.sets.iter().map(|it| format!("--set {}", quoted(it)));
        files.chain(sets).collect()
    }

    /// The same flags with a word in the place of another.
    pub(super) fn replaced(&self, placeholder: &str, word: &str) -> Self {
        let all = |list: &[String]| {
            list.iter()
                .map(|it| it.replace(placeholder, word))
                .collect()
        };
        Self {
            filenames: all(&self.filenames),
            sets: all(&self.sets),
        }
    }

    /// Whether nothing is asked for beside the defaults.
    pub(super) fn is_empty(&self) -> bool {
        self.filenames.is_empty() && self.sets.is_empty()
    }

    /// Whether the request is read from standard input.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.filenames.iter().any(|it| it.trim() == "-")
    }

    /// Reads the files. Standard input can only be the last of them, as for istioctl (domain §1.2).
    pub(super) fn files(&self) -> Result<Vec<OperatorFile>, Error> {
        let names: Vec<&str> = self.filenames.iter().map(|it| it.trim()).collect();
        if names.iter().rev().skip(1).any(|it| *it == "-") {
            return Err(Error::usage(
                "standard input (-) is read to its end, so it has to be the last file of -f",
            ));
        }
        names.into_iter().map(read).collect()
    }
}

/// Reads one file; `-` is standard input.
pub(super) fn read(name: &str) -> Result<OperatorFile, Error> {
    if name.is_empty() {
        return Err(Error::usage("a file of -f has no name"));
    }
    if name.starts_with('-') && name != "-" {
        return Err(Error::usage(format!(
            "-f needs the name of a file, not {name}; write ./{name} for a file of this name"
        )));
    }
    let bytes = if name == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        read.context("cannot read standard input").map(|_| bytes)
    } else {
        fs::read(name).with_context(|| format!("cannot read {name}"))
    };
    operator_file(name, bytes.map_err(Error::Usage)?)
}

fn operator_file(name: &str, bytes: Vec<u8>) -> Result<OperatorFile, Error> {
    let bytes = from_utf16(&bytes).map_or(bytes, String::into_bytes);
    let text = String::from_utf8(bytes).map_err(|it| {
        let valid = String::from_utf8_lossy(&it.as_bytes()[..it.utf8_error().valid_up_to()]);
        let line = valid.matches('\n').count() + 1;
        Error::usage(format!("{name}:{line}: not UTF-8"))
    })?;
    Ok(OperatorFile {
        name: name.to_owned(),
        text,
    })
}

/// Text in UTF-16 with its mark, which `>` of Windows PowerShell writes.
fn from_utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes.get(2..)?.chunks_exact(2);
    let units: Option<Vec<u16>> = units.map(|it| Some(unit(it.try_into().ok()?))).collect();
    String::from_utf16(&units?).ok()
}

/// A word for a shell, in quotes where it needs some.
fn quoted(word: &str) -> String {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_./=:,@+%".contains(&it);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

impl Request {
    /// The files as the planner takes them.
    pub(super) fn planner_files(&self) -> Result<Vec<istio_planner::RequestFile>, Error> {
        let files = self.files()?;
        Ok(files
            .into_iter()
            .map(|it| istio_planner::RequestFile {
                name: it.name,
                text: it.text,
            })
            .collect())
    }
}

/// Findings that somebody has decided on.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Accept {
    /// Accepts findings of a code, or those about one object; they stay, and no longer decide the verdict
    #[arg(
        long = "accept",
        value_name = "CODE[=KIND/[NAMESPACE/]NAME]",
        requires = "reason"
    )]
    accepted: Vec<String>,

    /// Why they are accepted
    #[arg(long, value_name = "TEXT", requires = "accepted")]
    reason: Option<String>,
}

impl Accept {
    /// Those of the command line, then those of `.refit.yaml`.
    pub(super) fn all(&self) -> Result<Vec<Acceptance>, Error> {
        let reason = self.reason.clone().unwrap_or_default();
        let typed = self.accepted.iter().map(|it| {
            let (code, object) = match it.split_once('=') {
                Some((code, object)) => (code, Some(object.to_owned())),
                None => (it.as_str(), None),
            };
            Acceptance {
                code: code.to_lowercase(),
                object,
                reason: reason.clone(),
                until: None,
            }
        });
        let mut all: Vec<Acceptance> = typed.collect();
        all.extend(Settings::read()?.acceptances()?);
        Ok(all)
    }
}

/// What is deleted, of the objects that the target does not render any more.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Prune {
    /// Deletes an object that the plan would leave behind, for example Service/istio-system/istio-egressgateway
    #[arg(long = "prune", value_name = "KIND/[NAMESPACE/]NAME")]
    pub(super) named: Vec<String>,

    /// Deletes every object that the plan would leave behind, but load balancers, gateways and definitions
    #[arg(long = "prune-orphans")]
    pub(super) orphans: bool,
}
