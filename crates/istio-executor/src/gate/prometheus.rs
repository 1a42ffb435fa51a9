//! The way to Prometheus: by its address, or through the API server.
//!
//! # Invariants
//!
//! - It is only ever asked for the value of a query.
//! - A token goes nowhere without TLS but on loopback, and follows no redirect.
//! - What it says is read up to a limit, and shown as one line.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use http::Uri;

use super::answer::{self, Vector};
use crate::cluster::{Cluster, is_segment};
use crate::output;

/// How long one query may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Queries at the same time.
const WIDTH: usize = 8;

/// No answer that means something is longer.
const LIMIT: u64 = 1 << 20;

/// Where Prometheus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `https://prometheus.example.org/path`.
    Url(String),
    /// A Service of the cluster, reached as the API server reaches it.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name, with a port and a scheme as paths of the API have them: `https:prometheus:9090`.
        name: String,
    },
}

impl Address {
    /// Reads `http://…`, `https://…` or `svc/NAMESPACE/NAME[:PORT]`.
    ///
    /// # Errors
    ///
    /// Where it is another thing.
    pub fn new(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("svc/") {
            let parts: Vec<&str> = rest.split('/').collect();
            let [namespace, name] = parts.as_slice() else {
                return Err("expected svc/NAMESPACE/NAME[:PORT]".to_owned());
            };
            let mut all = name.split(':').chain([*namespace]);
            if !all.all(is_segment) || name.split(':').count() > 3 {
                return Err("expected svc/NAMESPACE/NAME[:PORT]".to_owned());
            }
            return Ok(Self::Service {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            });
        }
        let parsed: Uri = text.parse().map_err(|_| "it is no URL".to_owned())?;
        let web = matches!(parsed.scheme_str(), Some("http" | "https"));
        let Some(host) = parsed.host().filter(|_| web) else {
            return Err(
                "expected a URL that begins with https:// or http://, or svc/NAMESPACE/NAME[:PORT]"
                    .to_owned(),
            );
        };
        if parsed
            .authority()
            .is_some_and(|it| it.as_str().contains('@'))
        {
            return Err(
                "no password belongs into it: a token comes from --prometheus-token".to_owned(),
            );
        }
        if parsed.query().is_some() || host.is_empty() {
            return Err(
                "expected an address without a question: https://HOST[:PORT][/PATH]".to_owned(),
            );
        }
        Ok(Self::Url(text.trim_end_matches('/').to_owned()))
    }

    /// Whether what is sent there is safe from others on the way.
    fn is_safe(&self) -> bool {
        let Self::Url(url) = self else { return true };
        let parsed: Option<Uri> = url.parse().ok();
        parsed.is_some_and(|it| {
            let host = it.host().unwrap_or_default().trim_matches(['[', ']']);
            let here = host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback());
            it.scheme_str() == Some("https") || here
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "{url}"),
            Self::Service { namespace, name } => write!(f, "svc/{namespace}/{name}"),
        }
    }
}

/// A Prometheus, and what it is asked with.
#[derive(Debug, Clone)]
pub(super) struct Prometheus {
    pub(super) address: Address,
    /// The file that holds the token; read again each time, as one that a cluster renews is.
    token: Option<PathBuf>,
    agent: ureq::Agent,
}

impl Prometheus {
    /// Makes ready to ask.
    pub(super) fn new(address: Address, token: Option<PathBuf>) -> Result<Self, String> {
        if token.is_some() && matches!(address, Address::Service { .. }) {
            return Err("--prometheus-token goes with a URL: through the API server the cluster's own credentials go".to_owned());
        }
        if token.is_some() && !address.is_safe() {
            return Err(
                "--prometheus-token goes nowhere without TLS: name Prometheus by https://"
                    .to_owned(),
            );
        }
        let prometheus = Self {
            address,
            token,
            agent: crate::http::agent(|it| {
                it.http_status_as_error(false)
                    .max_redirects(0)
                    .max_redirects_will_error(false)
                    .timeout_global(Some(PATIENCE))
            }),
        };
        prometheus.authorization()?;
        Ok(prometheus)
    }

    fn authorization(&self) -> Result<Option<String>, String> {
        let Some(path) = &self.token else {
            return Ok(None);
        };
        let text = fs::read_to_string(path)
            .map_err(|it| format!("cannot read the token {}: {it}", path.display()))?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(format!("{} holds no token", path.display()));
        }
        Ok(Some(format!("Bearer {token}")))
    }

    /// Asks for the values of queries now, or at a moment (seconds since 1970); the answers are in their order.
    pub(super) async fn ask(
        &self,
        cluster: &Cluster,
        queries: &[String],
        at: Option<i64>,
    ) -> Vec<Result<Vector, String>> {
        let asked = queries.iter().map(|it| self.one(cluster, it.clone(), at));
        stream::iter(asked).buffered(WIDTH).collect().await
    }

    async fn one(
        &self,
        cluster: &Cluster,
        query: String,
        at: Option<i64>,
    ) -> Result<Vector, String> {
        let mut fields = vec![
            ("query", query),
            ("timeout", format!("{}s", PATIENCE.as_secs())),
        ];
        fields.extend(at.map(|it| ("time", it.to_string())));
        let (status, body) = match &self.address {
            Address::Url(url) => {
                let (sender, answer) = tokio::sync::oneshot::channel();
                let (agent, url) = (self.agent.clone(), format!("{url}/api/v1/query"));
                let authorization = self.authorization()?;
                // A request that hangs must not hold up the end of the process.
                std::thread::spawn(move || {
                    sender.send(post(&agent, &url, authorization.as_deref(), &fields))
                });
                answer.await.map_err(|it| it.to_string())??
            }
            Address::Service { namespace, name } => {
                let path = format!(
                    "/api/v1/namespaces/{namespace}/services/{name}/proxy/api/v1/query?{}",
                    encoded(&fields)
                );
                let answer = cluster.through(&path, LIMIT, PATIENCE).await;
                answer.map_err(|it| output::chain(&it))?
            }
        };
        answer::read(status, &body)
    }
}

/// Sends a form, as Prometheus takes long queries.
fn post(
    agent: &ureq::Agent,
    url: &str,
    authorization: Option<&str>,
    fields: &[(&str, String)],
) -> Result<(u16, Vec<u8>), String> {
    let mut request = agent
        .post(url)
        .header("Content-Type", "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let failed = |it: ureq::Error| match it {
        ureq::Error::Timeout(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        it => output::line(&output::chain(&it)),
    };
    let mut response = request.send(encoded(fields)).map_err(failed)?;
    let status = response.status();
    if status.is_redirection() {
        return Err(format!(
            "{status}: it leads elsewhere; name the address itself"
        ));
    }
    let body = response.body_mut().with_config().limit(LIMIT).read_to_vec();
    Ok((status.as_u16(), body.map_err(failed)?))
}

/// `name=value&…`, what is neither a letter nor a digit written as `%XX`.
fn encoded(fields: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                use std::fmt::Write as _;
                // Writing to a string cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_or_a_service() {
        let service = Address::new("svc/monitoring/prometheus:9090").unwrap();
        assert_eq!(service.to_string(), "svc/monitoring/prometheus:9090");
        let url = Address::new("https://prometheus.example.org/team/").unwrap();
        assert_eq!(url.to_string(), "https://prometheus.example.org/team");
        for wrong in [
            "prometheus:9090",
            "ftp://prometheus",
            "svc/monitoring",
            "svc/../prometheus",
            "svc/monitoring/a:b:c:d",
            "https://me:secret@prometheus.example.org",
            "https://prometheus.example.org/?x=1",
        ] {
            assert!(Address::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_goes_nowhere_in_the_clear() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "secret\n").unwrap();
        for (address, goes) in [
            ("https://prometheus.example.org", true),
            ("http://127.0.0.1:9090", true),
            ("http://[::1]:9090", true),
            ("http://prometheus.example.org", false),
            ("svc/monitoring/prometheus", false),
        ] {
            let address = Address::new(address).unwrap();
            let made = Prometheus::new(address.clone(), Some(file.path().to_owned()));
            assert_eq!(made.is_ok(), goes, "{address}");
        }
        fs::write(file.path(), "two\nlines").unwrap();
        let address = Address::new("https://prometheus.example.org").unwrap();
        assert!(Prometheus::new(address, Some(file.path().to_owned())).is_err());
    }

    #[test]
    fn queries_are_written_into_forms() {
        let fields = [
            ("query", "a{b=\"c d\"}+1".to_owned()),
            ("time", "5".to_owned()),
        ];
        assert_eq!(encoded(&fields), "query=a%7Bb%3D%22c%20d%22%7D%2B1&time=5");
    }
}
