//! The cluster as the executor sees it: objects as plain JSON, by reference.
//!
//! Everything that `kube` knows stays in here. Requests that fail for a passing reason are tried again. A [`Cluster`]
//! reads; only a [`Writer`], which only the lease makes, writes. (The Lease itself, and the Jobs of a fleet in the cluster
//! that manages it, have writers of their own.)

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex as Lock, PoisonError};
use std::time::Duration;

use istio_planner::outcome::Ref;
use kube::Client;
use kube::api::{DeleteParams, GetParams, LogParams, Patch, PatchParams, PostParams};
use kube_core::Request;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::lease::Held;

mod changes;
mod connection;
mod error;
mod kinds;
mod names;
mod pages;
mod request;
mod through;
mod writer;

pub use changes::Changes;
pub use connection::Connection;
pub use error::Error;
pub use kinds::Kind;
pub use names::{is_label, is_segment};
pub use pages::{Items, Page, Turn};
pub use writer::Writer;
pub(crate) use writer::{JobWriter, LeaseWriter};

/// Objects of one page of a list.
const PAGE: u32 = 500;

/// How often a write is tried that does not care for the version that it meets.
const CONFLICTS: u32 = 5;

/// How long a pod's log may take: it only makes a message better.
const LOG: Duration = Duration::from_secs(5);

/// A connection to one cluster: it reads, and asks what writes would do ([`Writer`] does them).
pub struct Cluster {
    client: Client,
    /// The context and the address, where they are known.
    name: Option<String>,
    kinds: Mutex<BTreeMap<String, Vec<Kind>>>,
    /// The server was there at least once.
    answered: AtomicBool,
    /// When it was not there for the last time.
    away: Lock<Option<Instant>>,
    /// When everything has to be over.
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
    /// The whole object again.
    Replace {
        /// The object, with its resourceVersion if it must not have changed.
        manifest: &'a Value,
        /// The field manager.
        manager: &'a str,
    },
}

impl Write<'_> {
    /// What is sent.
    fn content(&self) -> &Value {
        match self {
            Self::Apply { manifest, .. }
            | Self::Create { manifest, .. }
            | Self::Replace { manifest, .. } => manifest,
            Self::Merge { patch, .. } => patch,
        }
    }
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
            deadline: Lock::default(),
        }
    }

    /// Returns another view of the same cluster, with deadlines of its own.
    #[must_use]
    pub(crate) fn beside(&self) -> Self {
        Self {
            name: self.name.clone(),
            ..Self::new(self.client.clone())
        }
    }

    fn note_outage(&self) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the server was not there at some moment of the last so long.
    fn was_away(&self, within: Duration) -> bool {
        let away = *self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.is_some_and(|it| it.elapsed() < within)
    }

    /// From now on no request begins, goes on or is repeated after `deadline`.
    pub fn until(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// When everything has to be over.
    pub fn deadline(&self) -> Option<Instant> {
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

    /// Returns what the server would store, and stores nothing (a server-side dry run).
    pub async fn dry_run(&self, object: &Ref, write: &Write<'_>) -> Result<Value, Error> {
        self.put(object, write, None).await
    }

    /// Asks whether an object may be deleted, and deletes nothing (a server-side dry run).
    pub async fn dry_delete(&self, object: &Ref) -> Result<(), Error> {
        let what = format!("cannot ask what deleting {} does", name(object));
        let params = DeleteParams {
            dry_run: true,
            ..DeleteParams::default()
        };
        let request = Request::new(self.path(object).await?)
            .delete(&object.name, &params)
            .map_err(|it| built(&what, &it))?;
        self.exchange(&what, request, None).await.map(|_| ())
    }

    /// Returns what tells this cluster from all others: the uid of its namespace `kube-system`; nothing where that may not
    /// be read.
    pub async fn id(&self) -> Result<Option<String>, Error> {
        let object = Ref {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name: "kube-system".to_owned(),
        };
        match self.get(&object).await {
            Ok(found) => Ok(found.and_then(|it| it["metadata"]["uid"].as_str().map(str::to_owned))),
            Err(Error::Api { code: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes while the lease is held; without one it is a dry run.
    async fn put(
        &self,
        object: &Ref,
        write: &Write<'_>,
        held: Option<&Held>,
    ) -> Result<Value, Error> {
        let what = match held {
            Some(_) => format!("cannot write {}", name(object)),
            None => format!("cannot ask what a write of {} does", name(object)),
        };
        let request = self.request(&what, object, write, held.is_none()).await?;
        let guarded = write.content()["metadata"]["resourceVersion"].is_string();
        for _ in 1..CONFLICTS {
            match self.exchange(&what, request.clone(), held).await {
                // Nobody asked for this very version: the server lost against others, and may well win now.
                Err(error) if error.is_stale() && !guarded => {}
                answer => return answer,
            }
        }
        self.exchange(&what, request, held).await
    }

    /// The request of a write.
    async fn request(
        &self,
        what: &str,
        object: &Ref,
        write: &Write<'_>,
        dry_run: bool,
    ) -> Result<http::Request<Vec<u8>>, Error> {
        let request = Request::new(self.path(object).await?);
        let body = |value: &Value| value.to_string().into_bytes();
        let post = |manager: &str| PostParams {
            dry_run,
            field_manager: Some(manager.to_owned()),
        };
        let patch = |manager: &str, force: bool| PatchParams {
            force,
            dry_run,
            ..PatchParams::apply(manager)
        };
        let request = match write {
            Write::Apply {
                manifest,
                manager,
                force,
            } => {
                let params = patch(manager, *force);
                request.patch(&object.name, &params, &Patch::Apply(manifest))
            }
            Write::Merge {
                patch: content,
                manager,
            } => {
                let params = patch(manager, false);
                request.patch(&object.name, &params, &Patch::Merge(content))
            }
            Write::Create { manifest, manager } => request.create(&post(manager), body(manifest)),
            Write::Replace { manifest, manager } => {
                request.replace(&object.name, &post(manager), body(manifest))
            }
        };
        request.map_err(|it| built(what, &it))
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

    /// Lists objects; each carries its `apiVersion` and `kind`. What may be many is read by [`Self::page`].
    ///
    /// `metadata_only` reads no more than `metadata`, so that the content of Secrets never leaves the cluster.
    pub async fn list_all(
        &self,
        kind: &Kind,
        selection: &Selection<'_>,
    ) -> Result<Vec<Value>, Error> {
        let (mut all, mut turn): (Vec<Value>, _) = (Vec::new(), Turn::default());
        loop {
            let page = match self.page(kind, selection, &turn).await {
                // The pages took longer than the server remembers: once more from the start.
                Err(error) if error.is_expired() && !turn.begins() => {
                    all.clear();
                    turn = Turn::default();
                    continue;
                }
                page => page?,
            };
            let next = page.next();
            all.extend(page.objects());
            match next {
                Some(next) => turn = next,
                None => return Ok(all),
            }
        }
    }

    /// The path of an object's kind. What a plan, a record or an export names may not leave its place in an address.
    async fn path(&self, object: &Ref) -> Result<String, Error> {
        let mut parts = object
            .api_version
            .split('/')
            .chain([&*object.name])
            .chain(object.namespace.as_deref());
        if !parts.all(is_segment) {
            return Err(Error::Name {
                object: crate::output::line(&name(object)),
            });
        }
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

/// Whether an object was asked to be deleted and is still there: a finalizer, or its grace period, holds it.
pub fn is_going(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
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
