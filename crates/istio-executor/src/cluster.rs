//! The cluster as the executor sees it: objects as plain JSON, by reference.
//!
//! Everything that `kube` knows stays in here. Requests that fail for a passing reason are tried again.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use istio_planner::outcome::Ref;
use kube::Client;
use kube::api::{
    DeleteParams, GetParams, ListParams, LogParams, Patch, PatchParams, PostParams, Preconditions,
};
use kube_core::Request;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::lease::Held;

mod changes;
mod connection;
mod error;
mod kinds;
mod request;

pub use changes::Changes;
pub use connection::Connection;
pub use error::Error;
pub use kinds::Kind;

/// Objects of one page of a list.
const PAGE: u32 = 500;

/// How often a write is tried that does not care for the version that it meets.
const CONFLICTS: u32 = 5;

/// How long a pod's log may take: it only makes a message better.
const LOG: Duration = Duration::from_secs(5);

/// A connection to one cluster.
pub struct Cluster {
    client: Client,
    /// The context and the address, where they are known.
    name: Option<String>,
    kinds: Mutex<BTreeMap<String, Vec<Kind>>>,
    /// The server was there at least once.
    answered: AtomicBool,
    /// When it was not there for the last time.
    away: Lock<Option<Instant>>,
    /// The right to write, where one is needed.
    held: Lock<Option<Arc<Held>>>,
    /// When requests are not repeated any more.
    deadline: Lock<Option<Instant>>,
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
        let (mut config, name) = connection.find().await?;
        // Requests are repeated here, where it is known what they are for.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|it| Error::Config {
            reason: it.to_string(),
        })?;
        Ok(Self {
            name: Some(name),
            ..Self::new(client)
        })
    }

    /// Returns what a person knows the cluster by: its context, where there is one, and its address.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Wraps a client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            name: None,
            kinds: Mutex::default(),
            answered: AtomicBool::new(false),
            away: Lock::default(),
            held: Lock::default(),
            deadline: Lock::default(),
        }
    }

    /// Returns the same connection without the lease: for the lease itself.
    #[must_use]
    pub(crate) fn unfenced(&self) -> Self {
        Self::new(self.client.clone())
    }

    /// From now on nothing is written without this lease; with `None`, everything may be.
    pub(crate) fn fence(&self, held: Option<Arc<Held>>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    fn held(&self) -> Option<Arc<Held>> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note_outage(&self) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the server was not there at some moment of the last so long.
    fn was_away(&self, within: Duration) -> bool {
        let away = *self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.is_some_and(|it| it.elapsed() < within)
    }

    /// From now on no request is repeated after `deadline`.
    pub fn until(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the server's version, as `kubectl version -o json` prints it below `serverVersion`.
    pub async fn version(&self) -> Result<Value, Error> {
        self.send("cannot read the server's version", get("/version")?)
            .await
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
        let (Write::Apply {
            manifest: content, ..
        }
        | Write::Merge { patch: content, .. }
        | Write::Create {
            manifest: content, ..
        }
        | Write::Replace {
            manifest: content, ..
        }) = write;
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
        let request = built_request.map_err(|it| built(&what, &it))?;
        let guarded = content["metadata"]["resourceVersion"].is_string();
        for _ in 1..CONFLICTS {
            match self.send(&what, request.clone()).await {
                // Nobody asked for this very version: the server lost against others, and may well win now.
                Err(error) if error.is_stale() && !guarded => {}
                answer => return answer,
            }
        }
        self.send(&what, request).await
    }

    /// Deletes an object, if it still is the one with this uid. True if it was there.
    ///
    /// A workload goes after its pods (foreground, as istioctl prunes); what has none goes at once, whether or not the
    /// garbage collector knows its kind by now.
    pub async fn delete(&self, object: &Ref, uid: Option<&str>) -> Result<bool, Error> {
        let preconditions = Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: None,
        };
        let params = if object.api_version.starts_with("apps/") {
            DeleteParams::foreground()
        } else {
            DeleteParams::background()
        };
        self.delete_with(object, &params.preconditions(preconditions))
            .await
    }

    /// Deletes an object at once, if nobody wrote it since it was read. True if it was there.
    pub async fn delete_unchanged(&self, object: &Ref, live: &Value) -> Result<bool, Error> {
        let field = |name: &str| live["metadata"][name].as_str().map(str::to_owned);
        let preconditions = Preconditions {
            uid: field("uid"),
            resource_version: field("resourceVersion"),
        };
        self.delete_with(
            object,
            &DeleteParams::background().preconditions(preconditions),
        )
        .await
    }

    async fn delete_with(&self, object: &Ref, params: &DeleteParams) -> Result<bool, Error> {
        let what = format!("cannot delete {}", name(object));
        let request = Request::new(self.path(object).await?).delete(&object.name, params);
        match self
            .send(&what, request.map_err(|it| built(&what, &it))?)
            .await
        {
            Ok(_) => Ok(true),
            Err(Error::Api { code: 404, .. }) => Ok(false),
            // Its successor has the name already: the answer to an earlier attempt was lost, or others were faster.
            Err(Error::Api {
                code: 409, message, ..
            }) if message.contains("UID in precondition") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for the eviction of a pod. False if a disruption budget does not allow it now.
    pub async fn evict(&self, pod: &Value) -> Result<bool, Error> {
        let (namespace, pod_name) = (
            text(&pod["metadata"]["namespace"]),
            text(&pod["metadata"]["name"]),
        );
        let what = format!("cannot evict pod {namespace}/{pod_name}");
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "namespace": namespace, "name": pod_name },
            "deleteOptions": { "preconditions": { "uid": pod["metadata"]["uid"] } },
        });
        let request = Request::new(path)
            .create_subresource(
                "eviction",
                &pod_name,
                &PostParams::default(),
                body.to_string().into_bytes(),
            )
            .map_err(|it| built(&what, &it))?;
        match self.send(&what, request).await {
            Err(Error::Api { code: 429, .. }) => Ok(false),
            // Gone, or another one of the same name by now.
            Ok(_)
            | Err(Error::Api {
                code: 404 | 409, ..
            }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Returns the last lines that a container wrote, of its run before this one if there was one; nothing where the
    /// log cannot be had.
    pub async fn log(&self, pod: &Value, container: &str, lines: i64) -> Option<String> {
        let (namespace, pod_name) = (
            text(&pod["metadata"]["namespace"]),
            text(&pod["metadata"]["name"]),
        );
        for previous in [true, false] {
            let params = LogParams {
                container: Some(container.to_owned()),
                tail_lines: Some(lines),
                previous,
                ..LogParams::default()
            };
            let request = Request::new(format!("/api/v1/namespaces/{namespace}/pods"))
                .logs(&pod_name, &params)
                .ok()?;
            if let Ok(Ok(log)) = timeout(LOG, self.client.request_text(request)).await
                && !log.trim().is_empty()
            {
                return Some(log);
            }
        }
        None
    }

    /// Lists objects, page by page; each carries its `apiVersion` and `kind`. `progress` hears how many there are.
    ///
    /// `metadata_only` reads no more than `metadata`, so that the content of Secrets never leaves the cluster.
    pub async fn list(
        &self,
        kind: &Kind,
        selection: &Selection<'_>,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Vec<Value>, Error> {
        let what = format!("cannot list {}", kind.plural);
        let request = Request::new(kind.path(selection.namespace));
        let (mut all, mut token): (Vec<Value>, Option<String>) = (Vec::new(), None);
        loop {
            let params = ListParams {
                label_selector: selection.labels.map(str::to_owned),
                limit: Some(PAGE),
                continue_token: token.take(),
                ..ListParams::default()
            };
            let begins = params.continue_token.is_none();
            let built_request = if selection.metadata_only {
                request.list_metadata(&params)
            } else {
                request.list(&params)
            };
            let page = self
                .send(&what, built_request.map_err(|it| built(&what, &it))?)
                .await;
            let mut page = match page {
                // The pages took longer than the server remembers: once more from the start.
                Err(Error::Api { code: 410, .. }) if !begins => {
                    all.clear();
                    continue;
                }
                page => page?,
            };
            let Value::Array(items) = page["items"].take() else {
                return Ok(all);
            };
            for mut item in items {
                item["apiVersion"] = Value::from(kind.api_version.as_str());
                item["kind"] = Value::from(kind.kind.as_str());
                all.push(item);
            }
            progress(all.len());
            token = page["metadata"]["continue"]
                .as_str()
                .filter(|it| !it.is_empty())
                .map(str::to_owned);
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// Lists objects without telling how it goes.
    pub async fn list_all(
        &self,
        kind: &Kind,
        selection: &Selection<'_>,
    ) -> Result<Vec<Value>, Error> {
        self.list(kind, selection, &mut |_| {}).await
    }

    async fn path(&self, object: &Ref) -> Result<String, Error> {
        let kind = self.kind(&object.api_version, &object.kind).await?;
        Ok(kind.path(object.namespace.as_deref()))
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

fn built(what: &str, error: &impl std::fmt::Display) -> Error {
    Error::Transport {
        what: what.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
