//! What changes the cluster. Nobody has it who does not hold the lease.

use std::ops::Deref;
use std::sync::Arc;

use istio_planner::outcome::Ref;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube_core::Request;
use serde_json::{Value, json};

use super::{Cluster, Error, Write, built, name, reference, text};
use crate::journal::copy::MANAGER;
use crate::lease::Held;

/// A cluster that is written to, for as long as the lease is held. It reads too.
///
/// Only the lease makes one: it takes what only the lease has ([`Held`]).
#[derive(Clone)]
pub struct Writer {
    cluster: Arc<Cluster>,
    held: Arc<Held>,
}

impl Deref for Writer {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Writer {
    /// Lets whoever holds the lease write.
    pub(crate) fn new(cluster: Arc<Cluster>, held: Arc<Held>) -> Self {
        Self { cluster, held }
    }

    /// Writes an object and returns it as stored.
    pub async fn write(&self, object: &Ref, write: &Write<'_>) -> Result<Value, Error> {
        let stored = self.cluster.put(object, write, Some(&self.held)).await?;
        #[cfg(feature = "crash-points")]
        crate::journal::crash::written();
        Ok(stored)
    }

    /// The same for what is refit's own and no journal tells of: no point at which a test ends the program.
    pub(crate) async fn write_quietly(
        &self,
        object: &Ref,
        write: &Write<'_>,
    ) -> Result<Value, Error> {
        let what = format!("cannot write {}", name(object));
        let request = self.request(&what, object, write, false).await?;
        self.exchange(&what, request, Some(&self.held)).await
    }

    /// Deletes what is refit's own, as [`Self::write_quietly`] writes it.
    pub(crate) async fn delete_quietly(
        &self,
        object: &Ref,
        uid: Option<&str>,
    ) -> Result<bool, Error> {
        let what = format!("cannot delete {}", name(object));
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: None,
        });
        let request = Request::new(self.path(object).await?)
            .delete(&object.name, &params)
            .map_err(|it| built(&what, &it))?;
        deleted(self.exchange(&what, request, Some(&self.held)).await)
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
        let what = format!("cannot delete {}", name(object));
        let request = Request::new(self.path(object).await?)
            .delete(&object.name, &params.preconditions(preconditions))
            .map_err(|it| built(&what, &it))?;
        let deleted = deleted(self.exchange(&what, request, Some(&self.held)).await)?;
        #[cfg(feature = "crash-points")]
        crate::journal::crash::written();
        Ok(deleted)
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
        match self.exchange(&what, request, Some(&self.held)).await {
            Err(Error::Api { code: 429, .. }) => Ok(false),
            // Gone, or another one of the same name by now.
            Ok(_)
            | Err(Error::Api {
                code: 404 | 409, ..
            }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Writes the lease itself, and nothing else: it is what the right to write comes from.
pub(crate) struct LeaseWriter<'a> {
    cluster: &'a Cluster,
    object: &'a Ref,
}

impl<'a> LeaseWriter<'a> {
    /// # Panics
    ///
    /// Where `object` is no Lease.
    pub(crate) fn new(cluster: &'a Cluster, object: &'a Ref) -> Self {
        assert_eq!(object.kind, "Lease", "only a Lease is written without one");
        Self { cluster, object }
    }

    /// Writes it.
    pub(crate) async fn write(&self, write: &Write<'_>) -> Result<Value, Error> {
        let what = format!("cannot write {}", name(self.object));
        let request = self
            .cluster
            .request(&what, self.object, write, false)
            .await?;
        self.cluster.exchange(&what, request, None).await
    }

    /// Deletes it at once, if nobody wrote it since it was read. True if it was there.
    pub(crate) async fn delete_unchanged(&self, live: &Value) -> Result<bool, Error> {
        let field = |name: &str| live["metadata"][name].as_str().map(str::to_owned);
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: field("uid"),
            resource_version: field("resourceVersion"),
        });
        let what = format!("cannot delete {}", name(self.object));
        let request = Request::new(self.cluster.path(self.object).await?)
            .delete(&self.object.name, &params)
            .map_err(|it| built(&what, &it))?;
        deleted(self.cluster.exchange(&what, request, None).await)
    }
}

/// Writes Jobs in the cluster that manages a fleet, and nothing else: they take no lease, for what runs in them takes that
/// of its own cluster.
pub(crate) struct JobWriter<'a>(&'a Cluster);

impl<'a> JobWriter<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        Self(cluster)
    }

    /// Merges a patch into a Job that is there, and returns it as stored.
    pub(crate) async fn patch(&self, job: &Ref, patch: &Value) -> Result<Value, Error> {
        self.write(
            job,
            &Write::Merge {
                patch,
                manager: MANAGER,
            },
        )
        .await
    }

    /// Makes a Job.
    pub(crate) async fn create(&self, job: &Value) -> Result<Value, Error> {
        let write = Write::Create {
            manifest: job,
            manager: MANAGER,
        };
        self.write(&reference(job), &write).await
    }

    async fn write(&self, job: &Ref, write: &Write<'_>) -> Result<Value, Error> {
        let what = Self::what("write", job);
        let request = self.0.request(&what, job, write, false).await?;
        self.0.exchange(&what, request, None).await
    }

    /// Deletes a Job that has ended, and then its pods, if it still is the one with this uid.
    pub(crate) async fn delete(&self, job: &Ref, uid: Option<&str>) -> Result<bool, Error> {
        let what = Self::what("delete", job);
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: None,
        });
        let request = Request::new(self.0.path(job).await?)
            .delete(&job.name, &params)
            .map_err(|it| built(&what, &it))?;
        deleted(self.0.exchange(&what, request, None).await)
    }

    /// # Panics
    ///
    /// Where it is no Job.
    fn what(does: &str, job: &Ref) -> String {
        assert_eq!(job.kind, "Job", "only Jobs are written without a lease");
        format!("cannot {does} {}", name(job))
    }
}

/// Whether what was to be deleted was there.
fn deleted(answer: Result<Value, Error>) -> Result<bool, Error> {
    match answer {
        Ok(_) => Ok(true),
        Err(Error::Api { code: 404, .. }) => Ok(false),
        // Its successor has the name already: the answer to an earlier attempt was lost, or others were faster.
        Err(Error::Api {
            code: 409, message, ..
        }) if ["UID in precondition", "UID in the precondition"]
            .iter()
            .any(|it| message.contains(it)) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
