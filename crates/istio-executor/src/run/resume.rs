//! What was begun on a cluster and is neither done nor put back.

use std::path::Path;

use istio_planner::plan::Plan;

use super::store::kept_plan;
use super::{Predecessors, restarts};
use crate::apply;
use crate::cluster::{self, Cluster};
use crate::error::Error;
use crate::journal::copy::{self, Found};
use crate::journal::seal::{self, Seal};
use crate::journal::{Event, Journal, Reconciled, Record, progress, reconcile, to_the_second};

/// The name that stands for whatever was begun: for a Job that is made again.
pub(crate) const ANY: &str = "any";

/// A plan that was begun and is neither done nor put back.
pub(crate) struct Begun {
    pub(crate) plan: Plan,
    pub(crate) records: Vec<Record>,
    pub(crate) predecessors: Predecessors,
}

/// Says what was begun, by whom, when, and how far it came.
pub(crate) fn told(begun: &Begun, cluster: &Cluster) -> String {
    let (plan, progress) = (&begun.plan, progress(&begun.records));
    let (by, at) = progress.began.unwrap_or(("somebody", "some time ago"));
    let on = progress
        .cluster
        .or(cluster.name())
        .unwrap_or("this cluster");
    let failure = progress
        .failure
        .map(|it| format!("; it stopped: {}", it.lines().next().unwrap_or_default()))
        .unwrap_or_default();
    format!(
        "upgrade {} of {on}, {} → {}, begun by {by} at {}: {} of {} steps are done{failure}",
        copy::short(&plan.id),
        plan.source.as_deref().unwrap_or("unknown"),
        plan.target,
        to_the_second(at),
        progress.ended.len(),
        plan.steps.len()
    )
}

/// Returns the upgrade that was begun on this cluster and is neither done nor put back.
pub(crate) async fn unfinished(
    cluster: &Cluster,
    namespace: &str,
    folder: &Path,
) -> Result<Option<Begun>, Error> {
    begun(copy::load(cluster, namespace).await?, namespace, folder)
}

/// Returns the restart that was begun on this cluster and is not done.
pub(crate) async fn unfinished_restart(
    cluster: &Cluster,
    namespace: &str,
    folder: &Path,
) -> Result<Option<Begun>, Error> {
    begun(
        copy::load_restart(cluster, namespace).await?,
        namespace,
        folder,
    )
}

fn begun(found: Option<Found>, namespace: &str, folder: &Path) -> Result<Option<Begun>, Error> {
    let Some(mut found) = found else {
        return Ok(None);
    };
    // The end of a run may stand in the file only: its copy failed, or the machine was lost in between.
    let file = Journal::peek(folder, &found.plan_id)?;
    if matches!(
        reconcile(&file, found.records.clone()),
        Some(Reconciled::Behind)
    ) {
        found.records = file;
    }
    if !progress(&found.records).is_open() {
        return Ok(None);
    }
    sealed(&found, namespace)?;
    let plan = plan_of(&found, folder)?;
    belongs(&plan, &found.records)?;
    Ok(Some(Begun {
        plan,
        records: found.records,
        predecessors: found.predecessors,
    }))
}

/// Returns the plan of a copy: as the copy holds it, else as this machine kept it.
pub(crate) fn plan_of(found: &Found, folder: &Path) -> Result<Plan, Error> {
    let plan = match &found.plan {
        Some(plan) => plan.clone(),
        None => kept_plan(folder, &found.plan_id)?,
    };
    genuine(plan)
}

/// Refuses a journal in the cluster that refit did not write: whoever may write a `ConfigMap` must not be able to say what
/// is written, or put back.
pub(crate) fn sealed(found: &Found, namespace: &str) -> Result<(), Error> {
    let name = &found.name;
    match found.seal {
        Seal::Genuine => Ok(()),
        Seal::Broken => Err(Error::refused(format!(
            "the journal in ConfigMap {namespace}/{name} is not as refit wrote it (its seal does not fit), so nothing that it says \
             is done: find out who changed it; where that upgrade is settled, delete it"
        ))),
        Seal::Unknown => Err(Error::refused(format!(
            "the journal in ConfigMap {namespace}/{name} cannot be checked: Secret {namespace}/{} may not be read (`refit rbac` \
             grants it)",
            seal::SECRET
        ))),
    }
}

/// Refuses a journal whose records name other objects than the plan's actions.
pub(crate) fn belongs(plan: &Plan, records: &[Record]) -> Result<(), Error> {
    for record in records {
        let Event::ActionBegan {
            step,
            action,
            object,
            former,
            ..
        } = &record.event
        else {
            continue;
        };
        let planned = plan
            .steps
            .iter()
            .find(|it| it.id == *step)
            .and_then(|it| it.actions.get(*action))
            .map(apply::object);
        let was = former.as_ref().map(cluster::reference);
        if planned.as_ref() != Some(object) || was.is_some_and(|it| it != *object) {
            return Err(Error::refused(format!(
                "this is not the journal of plan {}: it names {}, and the plan does not, in step {step}",
                copy::short(&plan.id),
                cluster::name(object)
            )));
        }
    }
    Ok(())
}

/// Refuses a plan that was made for another cluster.
pub(crate) async fn is_meant(cluster: &Cluster, plan: &Plan) -> Result<(), Error> {
    let Some(meant) = &plan.cluster else {
        return Ok(());
    };
    match cluster.id().await? {
        Some(id) if id != *meant => Err(Error::refused(format!(
            "the plan was made for another cluster: its kube-system has the uid {meant}, and that of {} is {id}",
            cluster.name().unwrap_or("this cluster")
        ))),
        _ => Ok(()),
    }
}

/// Refuses to go on unasked with what another machine began, or to put it back, unless it is named.
pub(crate) fn may_adopt(folder: &Path, id: &str, named: Option<&str>) -> Result<(), Error> {
    let is_own = !Journal::peek(folder, id)?.is_empty();
    if is_own || named.is_some_and(|it| it == ANY || !it.is_empty() && id.starts_with(it)) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "this machine has no journal of the upgrade {0}: another one began it. Look at it (`refit history`, `refit status`), then \
         say so with --resume-from-cluster {0}",
        copy::short(id)
    )))
}

/// Refuses a plan that was changed after it was made: what it expects would not be what was looked at.
pub(crate) fn genuine(plan: Plan) -> Result<Plan, Error> {
    if plan.is_sealed() || restarts::is_sealed(&plan) {
        return Ok(plan);
    }
    Err(Error::refused(format!(
        "the plan {} was changed after it was made: its id does not fit its content; plan again",
        plan.id
    )))
}

#[cfg(test)]
mod tests {
    use istio_planner::outcome::Ref;
    use istio_planner::plan::{Action, Expected, Step};
    use serde_json::json;

    use super::*;

    fn object(kind: &str) -> Ref {
        Ref {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("n".to_owned()),
            name: "o".to_owned(),
        }
    }

    fn plan() -> Plan {
        let action = Action::Delete {
            object: object("ConfigMap"),
            expected: Expected::default(),
        };
        Plan {
            id: "0123456789abcdef".to_owned(),
            source: None,
            target: "1.30.3".to_owned(),
            direction: None,
            cluster: None,
            namespace: "n".to_owned(),
            forced: false,
            freeze: Vec::new(),
            steps: vec![Step {
                id: "s".to_owned(),
                title: String::new(),
                component: None,
                actions: vec![action],
                waits: Vec::new(),
                pause: 0,
            }],
        }
    }

    #[test]
    fn a_record_that_names_another_object_than_the_plan_is_not_its() {
        let began = |step: &str, named: &str, former: &str| {
            let event = Event::ActionBegan {
                step: step.to_owned(),
                action: 0,
                object: object(named),
                former: Some(json!({
                    "apiVersion": "v1",
                    "kind": former,
                    "metadata": { "namespace": "n", "name": "o" },
                })),
                omitted: false,
                mark: None,
                pods: Vec::new(),
            };
            [Record::new("p", String::new(), event)]
        };
        assert!(belongs(&plan(), &began("s", "ConfigMap", "ConfigMap")).is_ok());
        for (step, named, former) in [
            ("s", "Secret", "Secret"),
            ("s", "ConfigMap", "Secret"),
            ("other", "ConfigMap", "ConfigMap"),
        ] {
            let error = belongs(&plan(), &began(step, named, former));
            assert!(matches!(error, Err(Error::Refused(_))), "{step} {named}");
        }
    }

    #[test]
    fn what_this_machine_did_not_begin_is_named_or_left() {
        let folder = tempfile::tempdir().unwrap();
        let id = plan().id;
        let may = |named: Option<&str>| may_adopt(folder.path(), &id, named).is_ok();
        assert!(!may(None) && !may(Some("")) && !may(Some("ffff")));
        assert!(may(Some("0123456789ab")) && may(Some(ANY)));
        let mut journal = Journal::open(folder.path(), &id).unwrap();
        journal.append(Event::Finished).unwrap();
        assert!(may(None));
    }
}
