//! Which workloads are to be restarted, and the plan for it: one wish, whether the verb or the page makes it.

use std::time::Duration;

use istio_planner::dataplane::{Grouping, Share};
use istio_planner::order::pacing::{self, Pacing};
use istio_planner::outcome::{Restart, RestartHow};
use istio_planner::plan::Plan;
use istio_planner::snapshot::Snapshot;

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
        let first = planning::quietly(request.clone(), snapshot, places);
        let Some(version) = istio_planner::plan(&first).source.version else {
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
        let input = planning::input(request, first.snapshot, places, None);
        let outcome = istio_planner::plan(&input);
        let (todo, left) = outcome
            .restarts
            .into_iter()
            .filter(|it| self.chooses(it))
            .partition(|it| !matches!(it.how, RestartHow::Auto | RestartHow::None));
        Ok(Stale {
            version,
            snapshot: input.snapshot,
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
        sealed(Plan {
            // Every run is its own: restarting again later is meant.
            id: format!("{PREFIX}{}", crate::clock::now().as_millisecond()),
            source: Some(found.version.clone()),
            target: found.version.clone(),
            direction: None,
            cluster: None,
            namespace: self.namespace().to_owned(),
            forced: false,
            freeze: self.freeze.clone(),
            steps: pacing::steps(&found.snapshot, &found.todo, &found.version, &pacing),
        })
    }
}

/// What the ids of restarts begin with.
const PREFIX: &str = "restart-";

/// Digits of the content's name in an id.
const SEAL: usize = 16;

/// Adds to the id of a plan of restarts, which is a time, a name that is made from its content.
fn sealed(plan: Plan) -> Plan {
    let id = format!("{}-{}", plan.id, seal(&plan));
    Plan { id, ..plan }
}

fn seal(plan: &Plan) -> String {
    let mut seal = plan.clone().sealed().id;
    seal.truncate(SEAL);
    seal
}

/// Whether a plan of restarts still is what it was when it was made.
pub(crate) fn is_sealed(plan: &Plan) -> bool {
    let named = plan.id.rsplit_once('-').map(|it| it.1);
    plan.is_restart() && plan.id.starts_with(PREFIX) && named == Some(seal(plan).as_str())
}

#[cfg(test)]
mod tests {
    use istio_planner::outcome::Ref;
    use istio_planner::plan::{Action, Step};

    use super::*;

    #[test]
    fn a_plan_of_restarts_that_was_changed_is_told() {
        let action = Action::Restart {
            object: Ref {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: Some("n".to_owned()),
                name: "o".to_owned(),
            },
            how: RestartHow::Rollout,
            pods: 1,
            to: None,
            at_once: None,
        };
        let plan = sealed(Plan {
            id: format!("{PREFIX}1"),
            source: None,
            target: "1.30.3".to_owned(),
            direction: None,
            cluster: None,
            namespace: "n".to_owned(),
            forced: false,
            freeze: Vec::new(),
            steps: vec![Step {
                id: "restart-1".to_owned(),
                title: String::new(),
                component: None,
                actions: vec![action],
                waits: Vec::new(),
                pause: 0,
            }],
        });
        assert!(plan.id.starts_with("restart-1-") && is_sealed(&plan));
        let changed = Plan {
            namespace: "other".to_owned(),
            ..plan
        };
        assert!(!is_sealed(&changed));
    }
}
