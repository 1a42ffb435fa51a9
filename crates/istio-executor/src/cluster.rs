//! The cluster as the executor sees it: objects as plain JSON, by reference.
//!
//! Everything that `kube` knows stays in here. Requests that fail for a passing reason are tried again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use futures::{Stream, StreamExt};
use istio_planner::outcome::Ref;
use kube::api::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchEvent,
    WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use kube_core::Request;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// How often a request that fails for a passing reason is tried.
const ATTEMPTS: u32 = 8;

/// Objects of one page of a list.
const PAGE: u32 = 500;

/// Which cluster is meant.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `--kubeconfig`; else `KUBECONFIG`, `~/.kube/config`, the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; else the current one.
    pub context: Option<String>,
}

/// Why a request to the cluster failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no usable configuration.
    #[error("no cluster: {reason}")]
    Config {
        /// In the words of `kube`.
        reason: String,
    },
    /// The API server refused.
    #[error("{what}: {message}")]
    Api {
        /// What was tried.
        what: String,
        /// The HTTP status.
        code: u16,
        /// In the server's words.
        message: String,
    },
    /// The API server was not reached, or said something unreadable.
    #[error("{what}: {reason}")]
    Transport {
        /// What was tried.
        what: String,
        /// In the words of `kube`.
        reason: String,
    },
    /// The kind is unknown to the API server.
    #[error("the cluster does not serve {kind} in {api_version}")]
    Kind {
        /// The kind.
        kind: String,
        /// The version asked for.
        api_version: String,
    },
}

impl Error {
    /// Returns the HTTP status that the server answered with.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Api { code, .. } => Some(*code),
            Self::Config { .. } | Self::Transport { .. } | Self::Kind { .. } => None,
        }
    }
}

/// A kind that the API server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// For example `deployments`.
    pub plural: String,
    /// Whether its objects stand in namespaces.
    pub namespaced: bool,
    /// What can be done, for example `list`.
    pub verbs: Vec<String>,
}

impl Kind {
    /// The path of its objects, in one namespace or in all.
    fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') {
            "/apis"
        } else {
            "/api"
        };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!(
                "{root}/{}/namespaces/{namespace}/{}",
                self.api_version, self.plural
            ),
            None => format!("{root}/{}/{}", self.api_version, self.plural),
        }
    }
}

/// A connection to one cluster.
pub struct Cluster {
    client: Client,
    kinds: Mutex<BTreeMap<String, Vec<Kind>>>,
}

/// How an object is written. The names are those of the API.
#[derive(Debug, Clone)]
pub enum Write<'a> {
    /// Server-side apply.
    Apply {
        /// The object.
        manifest: &'a Value,
        /// The field manager.
        manager: &'a str,
        /// Take over fields that others own.
        force: bool,
    },
    /// JSON merge patch.
    Merge {
        /// The patch.
        patch: &'a Value,
        /// The field manager.
        manager: &'a str,
    },
    /// A new object.
    Create {
        /// The object.
        manifest: &'a Value,
        /// The field manager.
        manager: &'a str,
    },
    /// The whole object anew.
    Replace {
        /// The object, with its resourceVersion if it must not have changed.
        manifest: &'a Value,
        /// The field manager.
        manager: &'a str,
    },
}

impl Cluster {
    /// Connects to the cluster that is meant. No request is sent yet.
    pub async fn connect(connection: &Connection) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Config {
            reason: error.to_string(),
        };
        let options = KubeConfigOptions {
            context: connection.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match &connection.kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(path).map_err(|it| failed(&it))?;
                Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(|it| failed(&it))?
            }
            None if connection.context.is_some() => Config::from_kubeconfig(&options)
                .await
                .map_err(|it| failed(&it))?,
            None => Config::infer().await.map_err(|it| failed(&it))?,
        };
        Ok(Self::new(
            Client::try_from(config).map_err(|it| failed(&it))?,
        ))
    }

    /// Wraps a client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            kinds: Mutex::default(),
        }
    }

    /// Returns the server's version, as `kubectl version -o json` prints it below `serverVersion`.
    pub async fn version(&self) -> Result<Value, Error> {
        self.send("cannot read the server's version", get("/version")?)
            .await
    }

    /// Returns every kind that the server serves, each in the version it prefers.
    pub async fn served(&self) -> Result<Vec<Kind>, Error> {
        let what = "cannot list the API groups";
        let groups: Value = self.send(what, get("/apis")?).await?;
        let mut versions = vec!["v1".to_owned()];
        for group in groups["groups"].as_array().into_iter().flatten() {
            versions.extend(
                group["preferredVersion"]["groupVersion"]
                    .as_str()
                    .map(str::to_owned),
            );
        }
        let mut kinds = Vec::new();
        for version in versions {
            // A group whose server is down (an aggregated API) must not hide all the others.
            match self.kinds_of(&version).await {
                Ok(found) => kinds.extend(found),
                Err(Error::Api {
                    code: 503 | 404, ..
                }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kinds)
    }

    /// Returns the kind of a reference; asks again where a CRD may have been added since.
    pub async fn kind(&self, api_version: &str, kind: &str) -> Result<Kind, Error> {
        for fresh in [false, true] {
            if fresh {
                self.kinds.lock().await.remove(api_version);
            }
            match self.kinds_of(api_version).await {
                Ok(kinds) => {
                    if let Some(found) = kinds.into_iter().find(|it| it.kind == kind) {
                        return Ok(found);
                    }
                }
                Err(Error::Api { code: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Kind {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
        })
    }

    async fn kinds_of(&self, api_version: &str) -> Result<Vec<Kind>, Error> {
        if let Some(kinds) = self.kinds.lock().await.get(api_version) {
            return Ok(kinds.clone());
        }
        let root = if api_version.contains('/') {
            "/apis"
        } else {
            "/api"
        };
        let what = format!("cannot list the kinds of {api_version}");
        let answer: Value = self
            .send(&what, get(&format!("{root}/{api_version}"))?)
            .await?;
        let kinds: Vec<Kind> = answer["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|it| !it["name"].as_str().unwrap_or_default().contains('/'))
            .map(|it| Kind {
                api_version: api_version.to_owned(),
                kind: text(&it["kind"]),
                plural: text(&it["name"]),
                namespaced: it["namespaced"].as_bool().unwrap_or_default(),
                verbs: it["verbs"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(text)
                    .collect(),
            })
            .collect();
        self.kinds
            .lock()
            .await
            .insert(api_version.to_owned(), kinds.clone());
        Ok(kinds)
    }

    /// Returns an object, or nothing if it (or its kind) is not there.
    pub async fn get(&self, object: &Ref) -> Result<Option<Value>, Error> {
        let what = format!("cannot read {}", name(object));
        let path = match self.path(object).await {
            Err(Error::Kind { .. }) => return Ok(None),
            path => path?,
        };
        let request = Request::new(path).get(&object.name, &GetParams::default());
        match self
            .send(&what, request.map_err(|it| built(&what, &it))?)
            .await
        {
            Ok(value) => Ok(Some(value)),
            Err(Error::Api { code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes an object and returns it as stored. A `dry_run` stores nothing and returns what would be stored.
    pub async fn write(
        &self,
        object: &Ref,
        write: &Write<'_>,
        dry_run: bool,
    ) -> Result<Value, Error> {
        let what = format!("cannot write {}", name(object));
        let request = Request::new(self.path(object).await?);
        let body = |value: &Value| value.to_string().into_bytes();
        let post = |manager: &str| PostParams {
            dry_run,
            field_manager: Some(manager.to_owned()),
        };
        let built_request = match write {
            Write::Apply {
                manifest,
                manager,
                force,
            } => {
                let params = PatchParams {
                    force: *force,
                    dry_run,
                    ..PatchParams::apply(manager)
                };
                request.patch(&object.name, &params, &Patch::Apply(manifest))
            }
            Write::Merge { patch, manager } => {
                let params = PatchParams {
                    dry_run,
                    ..PatchParams::apply(manager)
                };
                request.patch(&object.name, &params, &Patch::Merge(patch))
            }
            Write::Create { manifest, manager } => request.create(&post(manager), body(manifest)),
            Write::Replace { manifest, manager } => {
                request.replace(&object.name, &post(manager), body(manifest))
            }
        };
        self.send(&what, built_request.map_err(|it| built(&what, &it))?)
            .await
    }

    /// Deletes an object with foreground propagation, if it still is the one with this uid. True if it was there.
    pub async fn delete(&self, object: &Ref, uid: Option<&str>) -> Result<bool, Error> {
        let what = format!("cannot delete {}", name(object));
        let preconditions = Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: None,
        };
        let params = DeleteParams::foreground().preconditions(preconditions);
        let request = Request::new(self.path(object).await?).delete(&object.name, &params);
        match self
            .send::<Value>(&what, request.map_err(|it| built(&what, &it))?)
            .await
        {
            Ok(_) => Ok(true),
            Err(Error::Api { code: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for the eviction of a pod. False if a disruption budget does not allow it now.
    pub async fn evict(&self, namespace: &str, pod: &str) -> Result<bool, Error> {
        let what = format!("cannot evict pod {namespace}/{pod}");
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "namespace": namespace, "name": pod },
        });
        let request = Request::new(path)
            .create_subresource(
                "eviction",
                pod,
                &PostParams::default(),
                body.to_string().into_bytes(),
            )
            .map_err(|it| built(&what, &it))?;
        match self
            .client
            .request::<Value>(request)
            .await
            .map_err(|it| failed(&what, &it))
        {
            Err(Error::Api { code: 429, .. }) => Ok(false),
            Ok(_) | Err(Error::Api { code: 404, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Lists objects page by page; each page's items carry their `apiVersion` and `kind`.
    ///
    /// `metadata_only` reads no more than `metadata`, so that the content of Secrets never leaves the cluster.
    pub async fn list(
        &self,
        kind: &Kind,
        selection: &Selection<'_>,
        each: &mut dyn FnMut(Vec<Value>),
    ) -> Result<(), Error> {
        let what = format!("cannot list {}", kind.plural);
        let request = Request::new(kind.path(selection.namespace));
        let mut token: Option<String> = None;
        loop {
            let params = ListParams {
                label_selector: selection.labels.map(str::to_owned),
                limit: Some(PAGE),
                continue_token: token.take(),
                ..ListParams::default()
            };
            let built_request = if selection.metadata_only {
                request.list_metadata(&params)
            } else {
                request.list(&params)
            };
            let mut page: Value = self
                .send(&what, built_request.map_err(|it| built(&what, &it))?)
                .await?;
            let mut items = match page["items"].take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            };
            for item in &mut items {
                item["apiVersion"] = Value::from(kind.api_version.as_str());
                item["kind"] = Value::from(kind.kind.as_str());
            }
            each(items);
            token = page["metadata"]["continue"]
                .as_str()
                .filter(|it| !it.is_empty())
                .map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// Lists objects into one list.
    pub async fn list_all(
        &self,
        kind: &Kind,
        selection: &Selection<'_>,
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        self.list(kind, selection, &mut |items| all.extend(items))
            .await?;
        Ok(all)
    }

    /// Reports that an object changed, from a resourceVersion on. The stream ends when the server ends it.
    pub async fn changes(
        &self,
        object: &Ref,
        resource_version: &str,
    ) -> Result<impl Stream<Item = ()> + use<>, Error> {
        let what = format!("cannot watch {}", name(object));
        let params = WatchParams::default()
            .fields(&format!("metadata.name={}", object.name))
            .timeout(60);
        let request = Request::new(self.path(object).await?)
            .watch(&params, resource_version)
            .map_err(|it| built(&what, &it))?;
        let events = self
            .client
            .request_events::<Value>(request)
            .await
            .map_err(|it| failed(&what, &it))?;
        Ok(events.filter_map(|event| async move {
            match event {
                Ok(WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_)) => {
                    Some(())
                }
                Ok(WatchEvent::Bookmark(_) | WatchEvent::Error(_)) | Err(_) => None,
            }
        }))
    }

    async fn path(&self, object: &Ref) -> Result<String, Error> {
        let kind = self.kind(&object.api_version, &object.kind).await?;
        Ok(kind.path(object.namespace.as_deref()))
    }

    /// Sends a request, and again while it fails for a passing reason.
    async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        request: http::Request<Vec<u8>>,
    ) -> Result<T, Error> {
        let mut delay = Duration::from_millis(200);
        for attempt in 1.. {
            let error = match self.client.request::<T>(request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if attempt >= ATTEMPTS || !passing(&error) {
                return Err(failed(what, &error));
            }
            tracing::debug!(%error, what, attempt, "trying again");
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(Duration::from_secs(5));
        }
        unreachable!("the loop ends by returning")
    }
}

/// Which objects of a kind are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Only those in one namespace.
    pub namespace: Option<&'a str>,
    /// Only those with these labels, in the API's own syntax.
    pub labels: Option<&'a str>,
    /// Metadata, and nothing else of them.
    pub metadata_only: bool,
}

/// Returns a short name for people: `Deployment istio-system/istiod`.
pub fn name(object: &Ref) -> String {
    match &object.namespace {
        Some(namespace) => format!("{} {namespace}/{}", object.kind, object.name),
        None => format!("{} {}", object.kind, object.name),
    }
}

/// Returns the reference of an object.
pub fn reference(object: &Value) -> Ref {
    Ref {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
        namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
        name: text(&object["metadata"]["name"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn get(path: &str) -> Result<http::Request<Vec<u8>>, Error> {
    http::Request::get(path)
        .body(Vec::new())
        .map_err(|it| Error::Transport {
            what: format!("cannot ask for {path}"),
            reason: it.to_string(),
        })
}

/// Whether the same request may well succeed a little later.
fn passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 429 | 500 | 502 | 503 | 504),
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        _ => false,
    }
}

fn failed(what: &str, error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => Error::Api {
            what: what.to_owned(),
            code: status.code,
            message: status.message.clone(),
        },
        other => Error::Transport {
            what: what.to_owned(),
            reason: crate::output::chain(other),
        },
    }
}

fn built(what: &str, error: &impl std::fmt::Display) -> Error {
    Error::Transport {
        what: what.to_owned(),
        reason: error.to_string(),
    }
}
