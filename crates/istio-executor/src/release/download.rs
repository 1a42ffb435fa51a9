//! The official archive of a release, checked against the checksum that is published beside it.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use sha2::{Digest, Sha256};

use crate::http;
use crate::output;
use crate::output::progress::Progress;

/// Where Istio publishes its releases.
const OFFICIAL: &str = "https://github.com/istio/istio/releases/download";

/// More than any archive of Istio; an endless answer must not fill the memory.
const LIMIT: u64 = 512 << 20;

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server could not be reached, or refused.
    #[error("cannot get {url}")]
    Get {
        /// What was asked for, without user, password and query.
        url: String,
        /// The cause.
        source: Box<ureq::Error>,
    },
    /// The connection broke.
    #[error("cannot read {url}")]
    Read {
        /// What was asked for, without user, password and query.
        url: String,
        /// The cause.
        source: io::Error,
    },
    /// The archive is not the published one.
    #[error("{url} has the checksum {got}, published is {published}")]
    Checksum {
        /// What was asked for, without user, password and query.
        url: String,
        /// SHA-256 of what came.
        got: String,
        /// What the `.sha256` file beside it says.
        published: String,
    },
}

/// Returns the address of the mirror (`REFIT_RELEASE_URL`), else Istio's own.
pub fn base() -> String {
    env::var("REFIT_RELEASE_URL")
        .ok()
        .filter(|it| !it.is_empty())
        .unwrap_or_else(|| OFFICIAL.to_owned())
}

/// Returns the same without what may be a secret in it.
pub fn base_shown() -> String {
    shown(&base())
}

/// An address without user, password and query.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// Downloads `BASE/VERSION/istio-VERSION-linux-amd64.tar.gz`, checks it and keeps it in `cache`.
pub fn download(version: &str, base: &str, cache: Option<&Path>) -> Result<Vec<u8>, Error> {
    let base = base.trim_end_matches('/');
    let url = format!("{base}/{version}/istio-{version}-linux-amd64.tar.gz");
    let agent = agent();
    let sums = format!("{url}.sha256");
    let published = String::from_utf8_lossy(&get(&agent, &sums, None)?)
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let archive = get(&agent, &url, Some(version))?;
    let got = sha256(&archive);
    if got != published {
        return Err(Error::Checksum {
            url: shown(&url),
            got,
            published,
        });
    }
    if let Some(cache) = cache
        && let Err(error) = keep(cache, version, &archive)
    {
        output::warning(&format!(
            "cannot keep the archive in {}: {error}",
            cache.display()
        ));
    }
    Ok(archive)
}

/// SHA-256 in lower-case hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn agent() -> ureq::Agent {
    http::agent(|it| {
        it.timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_mins(1)))
    })
}

/// Reads a whole answer; shows the progress of the archive of `version`.
fn get(agent: &ureq::Agent, url: &str, version: Option<&str>) -> Result<Vec<u8>, Error> {
    let mut answer = agent.get(url).call().map_err(|source| Error::Get {
        url: shown(url),
        source: Box::new(source),
    })?;
    let bar = bar(version, answer.body().content_length());
    let mut bytes = Vec::new();
    let read = bar
        .wrap(answer.body_mut().as_reader())
        .take(LIMIT)
        .read_to_end(&mut bytes);
    bar.end();
    read.map_err(|source| Error::Read {
        url: shown(url),
        source,
    })?;
    Ok(bytes)
}

fn bar(version: Option<&str>, length: Option<u64>) -> Progress {
    let Some(version) = version else {
        return Progress::hidden();
    };
    let words = format!("downloading Istio {version}");
    if !output::watched() {
        output::note(&words);
        return Progress::hidden();
    }
    Progress::bytes(&words, length)
}

/// Writes beside and renames, so that a broken write never looks like an archive.
fn keep(cache: &Path, version: &str, archive: &[u8]) -> io::Result<()> {
    fs::create_dir_all(cache)?;
    let file = tempfile::NamedTempFile::new_in(cache)?;
    fs::write(file.path(), archive)?;
    file.persist(cache.join(format!("istio-{version}.tar.gz")))
        .map_err(|it| it.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
