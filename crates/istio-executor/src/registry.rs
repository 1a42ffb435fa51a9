//! Asks registries whether an image is there, as a node will before it pulls: one HEAD of the manifest, by the API of the
//! OCI distribution specification.
//!
//! # Invariants
//!
//! - Nothing but the manifest's head is asked for: of Docker Hub's limits that costs nothing.
//! - No credentials but those of a file that the user names; they go to that registry and its own token service, never
//!   without TLS but on loopback.
//! - What cannot be told is [`Answer::Unreachable`], never "there".
//!
//! `oci-client` would bring a second HTTP client with a TLS of its own, and drops the headers of a refusal, which tell how
//! many pulls remain; so this asks by the client that downloads releases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http_auth::ChallengeRef;
use istio_planner::images::Reference;
use serde::Serialize;
use serde_json::Value;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body};

use crate::http;

mod credentials;
#[cfg(test)]
mod tests;

pub use credentials::{Credentials, ReadError};

/// Every kind of manifest that an image may have (OCI image specification, and Docker's second schema).
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// No token service says more.
const LIMIT: u64 = 1 << 20;

/// What a registry says to one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It can be pulled.
    There {
        /// How many pulls remain, in the registry's words, where it counts them.
        #[serde(skip_serializing_if = "Option::is_none")]
        remaining: Option<String>,
    },
    /// The registry does not have it.
    Missing,
    /// The registry answers no more for now.
    RateLimited {
        /// How many pulls remain, in the registry's words.
        #[serde(skip_serializing_if = "Option::is_none")]
        remaining: Option<String>,
        /// When to ask again, in the registry's words: seconds or a date.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// The registry wants credentials, or other ones; Docker Hub says so of repositories that do not exist, too.
    Unauthorised,
    /// It could not be asked, or its answer says nothing.
    Unreachable {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::There { remaining: None } => write!(f, "there"),
            Self::There {
                remaining: Some(count),
            } => write!(f, "there (pulls that remain: {count})"),
            Self::Missing => write!(f, "missing"),
            Self::RateLimited { remaining, after } => {
                write!(f, "not told: the registry limits how often it is asked")?;
                if let Some(count) = remaining {
                    write!(f, ", pulls that remain: {count}")?;
                }
                match after {
                    Some(after) if after.bytes().all(|it| it.is_ascii_digit()) => {
                        write!(f, ", again after {after} s")
                    }
                    Some(after) => write!(f, ", again after {after}"),
                    None => Ok(()),
                }
            }
            Self::Unauthorised => write!(f, "not told: the registry wants other credentials"),
            Self::Unreachable { why } => write!(f, "not told: {why}"),
        }
    }
}

/// The registries, as this machine reaches them.
#[derive(Debug)]
pub struct Registries {
    secure: Agent,
    plain: Agent,
    /// Hosts that are asked without TLS, beside those on loopback.
    plain_hosts: BTreeSet<String>,
    credentials: Credentials,
    /// What a registry wanted the last time, by host and repository.
    authorizations: BTreeMap<(String, String), String>,
}

impl Registries {
    /// Makes ready to ask; `plain_hosts` are asked without TLS.
    pub fn new(plain_hosts: impl IntoIterator<Item = String>, credentials: Credentials) -> Self {
        Self {
            secure: agent(true),
            plain: agent(false),
            plain_hosts: plain_hosts.into_iter().collect(),
            credentials,
            authorizations: BTreeMap::new(),
        }
    }

    /// Asks the registry of an image whether it has it.
    pub fn ask(&mut self, image: &str) -> Answer {
        match self.head(&Reference::read(image)) {
            Ok(response) => answer(&response),
            Err(why) => Answer::Unreachable { why },
        }
    }

    fn head(&mut self, image: &Reference) -> Result<Response<Body>, String> {
        let response = self.request(image)?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.authorization(image, response.headers())? {
            Granted::Header(header) => {
                let key = (image.host.clone(), image.repository.clone());
                self.authorizations.insert(key, header);
                self.request(image)
            }
            Granted::Refused(answer) => Ok(answer),
            Granted::Nothing => Ok(response),
        }
    }

    fn request(&self, image: &Reference) -> Result<Response<Body>, String> {
        let (agent, scheme) = if self.is_plain(&image.host) {
            (&self.plain, "http")
        } else {
            (&self.secure, "https")
        };
        // Docker Hub's name in references is not that of its registry.
        let host = if image.is_docker_hub() {
            "registry-1.docker.io"
        } else {
            &image.host
        };
        let url = format!(
            "{scheme}://{host}/v2/{}/manifests/{}",
            image.repository, image.manifest
        );
        let mut request = agent.head(&url).header("accept", MANIFESTS);
        let key = (image.host.clone(), image.repository.clone());
        if let Some(header) = self.authorizations.get(&key) {
            request = request.header("authorization", header);
        }
        request.call().map_err(|it| crate::output::chain(&it))
    }

    /// Whether a registry is asked without TLS: on loopback, as container runtimes do, and where the user says so.
    fn is_plain(&self, host: &str) -> bool {
        is_loopback(host) || self.plain_hosts.contains(host)
    }

    /// What a registry wants that says 401: basic credentials, or a token of its service.
    fn authorization(&self, image: &Reference, headers: &HeaderMap) -> Result<Granted, String> {
        let secret = self.credentials.of(&image.host);
        for header in headers.get_all("www-authenticate") {
            let text = header.to_str().unwrap_or_default();
            for challenge in http_auth::parse_challenges(text).unwrap_or_default() {
                if challenge.scheme.eq_ignore_ascii_case("bearer") {
                    return self.token(image, &challenge, secret);
                }
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    return Ok(secret.map_or(Granted::Nothing, |it| {
                        Granted::Header(format!("Basic {it}"))
                    }));
                }
            }
        }
        Ok(Granted::Nothing)
    }

    /// Asks the token service, anonymously where the user named no credentials
    /// (distribution.github.io/distribution/spec/auth/token).
    fn token(
        &self,
        image: &Reference,
        challenge: &ChallengeRef<'_>,
        secret: Option<&str>,
    ) -> Result<Granted, String> {
        let parameter = |name: &str| {
            let mut all = challenge.params.iter();
            let found = all.find(|(it, _)| it.eq_ignore_ascii_case(name));
            found.map(|(_, it)| it.to_unescaped())
        };
        let realm = parameter("realm").ok_or("the registry names no token service")?;
        let (_, rest) = realm
            .split_once("://")
            .ok_or_else(|| format!("the token service {realm} is no address"))?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_plain = realm.starts_with("http://");
        if is_plain && !self.is_plain(host) {
            return Err(format!("the token service {realm} is without TLS"));
        }
        let agent = if is_plain { &self.plain } else { &self.secure };
        let scope =
            parameter("scope").unwrap_or_else(|| format!("repository:{}:pull", image.repository));
        let mut request = agent.get(&realm).query("scope", scope);
        if let Some(service) = parameter("service") {
            request = request.query("service", service);
        }
        if let Some(secret) = secret {
            request = request.header("authorization", format!("Basic {secret}"));
        }
        let mut response = request
            .call()
            .map_err(|it| format!("the token service: {}", crate::output::chain(&it)))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                return Ok(Granted::Refused(response));
            }
            status => return Err(format!("the token service answers {status}")),
        }
        let body: Value = response
            .body_mut()
            .with_config()
            .limit(LIMIT)
            .read_to_string()
            .ok()
            .and_then(|it| serde_json::from_str(&it).ok())
            .unwrap_or_default();
        let token = ["token", "access_token"]
            .iter()
            .find_map(|it| body.get(it)?.as_str());
        match token {
            Some(token) => Ok(Granted::Header(format!("Bearer {token}"))),
            None => Err("the token service gives no token".to_owned()),
        }
    }
}

/// What became of asking for authorization.
enum Granted {
    /// What to ask with.
    Header(String),
    /// The token service says no, or not now.
    Refused(Response<Body>),
    /// There is nothing to ask with.
    Nothing,
}

/// Reads what a registry said last.
fn answer(response: &Response<Body>) -> Answer {
    let header = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(crate::output::line(value))
    };
    // Docker Hub's words; others use the ones of draft-ietf-httpapi-ratelimit-headers.
    let remaining = header("ratelimit-remaining").or_else(|| header("x-ratelimit-remaining"));
    match response.status() {
        StatusCode::OK => Answer::There { remaining },
        StatusCode::NOT_FOUND => Answer::Missing,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Answer::Unauthorised,
        StatusCode::TOO_MANY_REQUESTS => Answer::RateLimited {
            remaining,
            after: header("retry-after"),
        },
        status => Answer::Unreachable {
            why: format!("the registry answers {status}"),
        },
    }
}

/// Whether a host, with or without a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |it| it.0),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn agent(secure: bool) -> Agent {
    http::agent(|it| {
        it.https_only(secure)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_mins(1)))
            .timeout_recv_body(Some(Duration::from_mins(1)))
    })
}
