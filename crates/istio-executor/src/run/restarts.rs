//! Which workloads are to be restarted, and the plan for it: one wish, whether the verb or the page makes it.

use std::time::Duration;

use istio_planner::dataplane::{Grouping, Share};
use istio_planner::order::pacing::{self, Pacing};
use istio_planner::outcome::{Restart, RestartHow};
use istio_planner::plan::Plan;
use istio_planner::snapshot::Snapshot;
use k8s_openapi::jiff::Timestamp;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::release::Places;
use crate::{planning, snapshot};

/// Which workloads are to be restarted, and at which pace.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The namespace of the control plane, where the cluster holds several.
    pub namespace: Option<String>,
    /// Only these: `KIND/NAMESPACE/NAME`, `KIND/NAMESPACE` or a namespace; all where none is named.
    pub workloads: Vec<String>,
    /// Workloads that are restarted at the same time.
    pub wave: Share,
    /// Workloads with the same value of this label are restarted together, instead of those of a namespace.
    pub by_label: Option<String>,
    /// Between two waves.
    pub pause: Duration,
    /// Pods of one workload that may be away at the same time where they are restarted pod by pod.
    pub max_unavailable: Share,
    /// When no wave begins (see [`pacing::Window`]).
    pub freeze: Vec<String>,
}

/// What a restart would touch.
pub struct Stale {
    /// The version that runs.
    version: String,
    snapshot: Snapshot,
    /// The workloads that are to be restarted.
    pub todo: Vec<Restart>,
    /// Those that are chosen and left alone, each with its reason.
    pub left: Vec<Restart>,
}

impl Wish {
    /// The control plane's namespace.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("istio-system")
    }

    /// Finds the workloads whose proxies are older than the control plane.
    pub(crate) async fn find(&self, cluster: &Cluster, places: &Places) -> Result<Stale, Error> {
        let request = istio_planner::Request {
            namespace: self.namespace.clone(),
            ..Default::default()
        };
        let snapshot = snapshot::take(cluster, &istio_planner::required(&request)).await?;
        let first = planning::quietly(request.clone(), snapshot.clone(), places);
        let Some(version) = first.source.version else {
            return Err(Error::refused(
                "no control plane was found whose version is known",
            ));
        };
        // Going to the version that runs already changes nothing but the proxies.
        let request = istio_planner::Request {
            to: version.clone(),
            force: true,
            ..request
        };
        let outcome = planning::plan(request, snapshot.clone(), places, None);
        let (todo, left) = outcome
            .restarts
            .into_iter()
            .filter(|it| self.chooses(it))
            .partition(|it| !matches!(it.how, RestartHow::Auto | RestartHow::None));
        Ok(Stale {
            version,
            snapshot,
            todo,
            left,
        })
    }

    fn chooses(&self, restart: &Restart) -> bool {
        let object = &restart.object;
        let namespace = object.namespace.as_deref().unwrap_or_default();
        self.workloads.is_empty()
            || self.workloads.iter().any(|it| {
                let parts: Vec<&str> = it.split('/').collect();
                match parts.as_slice() {
                    [only] => *only == namespace,
                    [kind, of] => kind.eq_ignore_ascii_case(&object.kind) && *of == namespace,
                    [kind, of, name] => {
                        kind.eq_ignore_ascii_case(&object.kind)
                            && *of == namespace
                            && *name == object.name
                    }
                    _ => false,
                }
            })
    }

    /// Waves of workloads, each waited for before the next.
    pub(crate) fn plan(&self, found: &Stale) -> Plan {
        let pacing = Pacing {
            grouping: match &self.by_label {
                Some(label) => Grouping::Label(label.clone()),
                None => Grouping::Namespace,
            },
            most: Some(self.wave),
            pause: u32::try_from(self.pause.as_secs()).unwrap_or(u32::MAX),
            at_once: Some(self.max_unavailable),
        };
        Plan {
            // Every run is its own: restarting again later is meant.
            id: format!("restart-{}", Timestamp::now().as_millisecond()),
            source: Some(found.version.clone()),
            target: found.version.clone(),
            direction: None,
            cluster: None,
            namespace: self.namespace().to_owned(),
            forced: false,
            freeze: self.freeze.clone(),
            steps: pacing::steps(&found.snapshot, &found.todo, &found.version, &pacing),
        }
    }
}
