//! Restarts as steps: one for each wave of [`dataplane::waves`], so that a bad proxy stops before it is everywhere.

use crate::dataplane;
use crate::outcome::{Restart, RestartHow};
use crate::plan::{Action, Step, Wait};
use crate::snapshot::Snapshot;

/// Returns one step for each wave.
pub(super) fn steps(snapshot: &Snapshot, restarts: &[Restart], target: &str) -> Vec<Step> {
    dataplane::waves(snapshot, restarts)
        .into_iter()
        .enumerate()
        .map(|(index, wave)| Step {
            id: format!("restart-{}", index + 1),
            title: format!("Renew the proxies of {} to {target}", wave.name),
            component: None,
            actions: wave.restarts.iter().map(action).collect(),
            waits: wave.restarts.iter().filter_map(wait).collect(),
        })
        .collect()
}

fn action(restart: &Restart) -> Action {
    Action::Restart {
        object: restart.object.clone(),
        how: restart.how,
        pods: restart.pods,
        to: restart.to.clone(),
    }
}

fn wait(restart: &Restart) -> Option<Wait> {
    let object = restart.object.clone();
    match (restart.how, object.kind.as_str()) {
        (RestartHow::Rollout | RestartHow::DeletePods, "Deployment") => {
            Some(Wait::Deployment { object })
        }
        (RestartHow::Rollout | RestartHow::DeletePods, "DaemonSet") => {
            Some(Wait::DaemonSet { object })
        }
        (RestartHow::Rollout | RestartHow::DeletePods, "StatefulSet") => {
            Some(Wait::StatefulSet { object })
        }
        _ => None,
    }
}
