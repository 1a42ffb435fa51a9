//! Which API server is meant, and the way to it, as kubectl finds them.

use std::env;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::Error;

#[cfg(test)]
mod tests;

/// Which cluster is meant.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `--kubeconfig`; else `KUBECONFIG`, `~/.kube/config`, the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; else the current one.
    pub context: Option<String>,
}

impl Connection {
    /// Returns what a client needs, and what a person knows the cluster by: its context, where there is one, and its
    /// address.
    pub(super) async fn find(&self) -> Result<(Config, String), Error> {
        let (mut config, context, proxy) = match self.file()? {
            Some(file) => {
                let context = self.context.clone().or(file.current_context.clone());
                let proxy = proxy_of(&file, context.as_deref());
                let options = KubeConfigOptions {
                    context: self.context.clone(),
                    ..KubeConfigOptions::default()
                };
                let config = Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(failed)?;
                (config, context, proxy)
            }
            None if self.context.is_some() => return Err(failed("there is no kubeconfig")),
            None => {
                let config = Config::incluster().map_err(|it| {
                    failed(format!(
                        "there is no kubeconfig, and this is no pod of a cluster: {it}"
                    ))
                })?;
                (config, None, None)
            }
        };
        // The library asks NO_PROXY about the proxy, where kubectl asks it about the server.
        let proxy = proxy.or_else(|| Environment::read().proxy(&config.cluster_url));
        config.proxy_url = proxy.map(|it| address(&it)).transpose()?;
        let address = config.cluster_url.to_string();
        let address = address.trim_end_matches('/');
        let name = match context {
            Some(context) => format!("{context} ({address})"),
            None => address.to_owned(),
        };
        Ok((config, name))
    }

    /// The names of the contexts that the kubeconfig has; none where it cannot be read.
    pub fn contexts(&self) -> Vec<String> {
        let file = self.file().ok().flatten().unwrap_or_default();
        file.contexts.into_iter().map(|it| it.name).collect()
    }

    /// Reads the kubeconfig; none where there is none, or nothing in it.
    fn file(&self) -> Result<Option<Kubeconfig>, Error> {
        if let Some(path) = &self.kubeconfig {
            return read(path).map(Some);
        }
        let given = env::var_os("KUBECONFIG").filter(|it| !it.is_empty());
        let paths: Vec<PathBuf> = match given {
            Some(list) => env::split_paths(&list).collect(),
            None => env::home_dir()
                .map(|it| it.join(".kube/config"))
                .into_iter()
                .collect(),
        };
        merged(&paths)
    }
}

/// Reads one file.
fn read(path: &Path) -> Result<Kubeconfig, Error> {
    Kubeconfig::read_from(path).map_err(|error| match error {
        // The parser quotes the line, and with it the token that may stand there.
        KubeconfigError::Parse(error) => {
            let place = error
                .location()
                .map(|it| format!(":{}:{}", it.line(), it.column()));
            failed(format!(
                "{}{}: this is no kubeconfig, or its YAML is damaged",
                path.display(),
                place.unwrap_or_default()
            ))
        }
        error => failed(error),
    })
}

/// Reads those files that are there; of what several of them name the first counts.
fn merged(paths: &[PathBuf]) -> Result<Option<Kubeconfig>, Error> {
    let is_there = |it: &&PathBuf| !it.as_os_str().is_empty() && Path::exists(it);
    let mut file = Kubeconfig::default();
    for path in paths.iter().filter(is_there) {
        let next = read(path)?;
        file = file.merge(next).map_err(failed)?;
    }
    let is_empty = file.current_context.is_none() && file.contexts.is_empty();
    Ok((!is_empty).then_some(file))
}

/// The proxy that a kubeconfig names for the cluster of a context: it is taken whatever the environment says.
fn proxy_of(file: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = file
        .contexts
        .iter()
        .find(|it| Some(it.name.as_str()) == context)?;
    let name = &context.context.as_ref()?.cluster;
    let cluster = file.clusters.iter().find(|it| it.name == *name)?;
    let proxy = cluster.cluster.as_ref()?.proxy_url.clone()?;
    (!proxy.is_empty()).then_some(proxy)
}

/// What the environment says of proxies.
#[derive(Debug, Default)]
struct Environment {
    http: String,
    https: String,
    no: String,
}

impl Environment {
    fn read() -> Self {
        let first = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|it| env::var(it).ok().filter(|it| !it.is_empty()))
                .unwrap_or_default()
        };
        Self {
            http: first(["HTTP_PROXY", "http_proxy"]),
            https: first(["HTTPS_PROXY", "https_proxy"]),
            no: first(["NO_PROXY", "no_proxy"]),
        }
    }

    /// Returns the proxy for a server; there is none for this very machine (golang.org/x/net/http/httpproxy).
    fn proxy(&self, server: &Uri) -> Option<String> {
        let host = server.host()?.trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback());
        let given = match server.scheme_str() {
            Some("https") => &self.https,
            _ => &self.http,
        };
        if is_here || given.is_empty() {
            return None;
        }
        let rules = Matcher::builder()
            .all("http://proxy")
            .no(self.no.as_str())
            .build();
        rules.intercept(server).map(|_| given.clone())
    }
}

/// Reads a proxy's address; one without a scheme is an HTTP proxy's.
fn address(text: &str) -> Result<Uri, Error> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    whole
        .parse()
        .map_err(|it| failed(format!("the proxy's address cannot be read: {it}")))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Config {
        reason: error.to_string(),
    }
}
