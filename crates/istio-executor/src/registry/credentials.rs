//! Credentials of registries, from a file that the user names.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

/// Why a file of credentials cannot be read. What stands in it is never repeated.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// It is no such file.
    #[error(
        "{path} is no file of registries' credentials (a config.json of docker) at line {line}, column {column}"
    )]
    Content {
        /// The file.
        path: String,
        /// Where.
        line: usize,
        /// Where in it.
        column: usize,
    },
}

/// Who to be at which registry: `user:password` in base64, by host.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, String>);

/// What `docker login` writes, and what an image pull Secret holds.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    /// Reads a `config.json` of docker, or the `.dockerconfigjson` of a Secret. Helpers that it names are not run.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| ReadError::Read {
            path: name.clone(),
            source,
        })?;
        let file: File = serde_json::from_str(&text).map_err(|it| ReadError::Content {
            path: name,
            line: it.line(),
            column: it.column(),
        })?;
        let known = file.auths.into_iter().filter_map(|(host, entry)| {
            let pair = entry.username.zip(entry.password);
            let pair = pair.map(|(user, word)| BASE64_STANDARD.encode(format!("{user}:{word}")));
            let secret = entry.auth.filter(|it| !it.is_empty()).or(pair)?;
            Some((host_of(&host).to_owned(), secret))
        });
        Ok(Self(known.collect()))
    }

    /// Returns `user:password` in base64 for a registry.
    pub(super) fn of(&self, host: &str) -> Option<&str> {
        self.0.get(host).map(String::as_str)
    }
}

/// Secrets are not for logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The host of an entry: docker writes Docker Hub's with scheme and path.
fn host_of(entry: &str) -> &str {
    let entry = entry.split_once("://").map_or(entry, |it| it.1);
    let host = entry.split('/').next().unwrap_or_default();
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}
