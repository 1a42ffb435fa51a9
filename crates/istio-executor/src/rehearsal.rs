//! What the API server would say to each write of a plan: server-side dry-run, before anything is written.

use std::collections::BTreeMap;

use istio_planner::digest::relevant;
use istio_planner::outcome::{Outcome, Ref};
use istio_planner::plan::{Action, FIELD_MANAGER, Plan};
use serde_json::Value;

use crate::apply;
use crate::cluster::{self, Cluster, Write};
use crate::journal::copy::MANAGER;

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rehearsal {
    /// Writes that the server would do as planned.
    pub accepted: usize,
    /// Writes that it would refuse, in its words: a webhook, a quota, missing rights, an immutable field.
    pub refused: Vec<(Ref, String)>,
    /// Objects that would be stored otherwise than the plan says.
    pub otherwise: Vec<Ref>,
    /// Objects that cannot be asked about: their kind or their namespace comes with the plan.
    pub unasked: Vec<Ref>,
    /// Nothing could be asked: whoever asks may only read.
    pub forbidden: bool,
}

impl Rehearsal {
    /// Returns a line for each thing that is worth one.
    pub fn lines(&self) -> Vec<String> {
        let refused = self
            .refused
            .iter()
            .map(|(object, why)| format!("{} would be refused: {why}", cluster::name(object)));
        let otherwise = self.otherwise.iter().map(|it| {
            format!(
                "{} would be stored otherwise than the plan says: something changes what is written (a webhook)",
                cluster::name(it)
            )
        });
        let unasked = self.unasked.iter().map(|it| {
            format!(
                "{} cannot be asked about: its kind or its namespace comes with the plan",
                cluster::name(it)
            )
        });
        refused.chain(otherwise).chain(unasked).collect()
    }
}

/// Asks the API server about every write of a plan. `outcome` tells what should be stored, where it was asked to.
pub async fn rehearse(
    cluster: &Cluster,
    plan: &Plan,
    outcome: Option<&Outcome>,
) -> Result<Rehearsal, cluster::Error> {
    let predicted: BTreeMap<&Ref, &Value> = outcome
        .into_iter()
        .flat_map(|it| &it.changes)
        .filter_map(|it| Some((&it.object, it.predicted.as_ref()?)))
        .collect();
    let mut rehearsal = Rehearsal::default();
    let mut seen: Vec<Ref> = Vec::new();
    let made = made(plan);
    for action in plan.steps.iter().flat_map(|it| &it.actions) {
        let object = apply::object(action);
        let Some(write) = write(action) else { continue };
        // The second write to an object finds what the first has made of it.
        if seen.contains(&object) {
            continue;
        }
        seen.push(object.clone());
        let live = cluster.get(&object).await?;
        if let Err(drift) = apply::check(action, live.as_ref()) {
            rehearsal.refused.push((object, drift.to_string()));
            continue;
        }
        match cluster.dry_run(&object, &write).await {
            Ok(stored) => {
                rehearsal.accepted += 1;
                // Without what istiod, controllers and autoscalers write by themselves, and what the plan leaves to them.
                let differs =
                    |it: &&Value| live.is_some() && relevant(it, None) != relevant(&stored, None);
                if predicted.get(&object).is_some_and(differs) {
                    rehearsal.otherwise.push(object);
                }
            }
            Err(cluster::Error::Kind { .. }) => rehearsal.unasked.push(object),
            Err(cluster::Error::Api { code: 404, .. })
                if object
                    .namespace
                    .as_ref()
                    .is_some_and(|it| made.contains(it)) =>
            {
                rehearsal.unasked.push(object);
            }
            // The server says who may not (an admission webhook has words of its own).
            Err(cluster::Error::Api {
                code: 403, message, ..
            }) if message.contains("cannot patch resource") && rehearsal.accepted == 0 => {
                rehearsal.forbidden = true;
                return Ok(rehearsal);
            }
            Err(cluster::Error::Api { message, .. }) => rehearsal.refused.push((object, message)),
            Err(error) => return Err(error),
        }
    }
    Ok(rehearsal)
}

/// The namespaces that a plan makes.
fn made(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .flat_map(|it| &it.actions)
        .filter_map(|it| match it {
            Action::Ensure { manifest } => Some(cluster::reference(manifest).name),
            _ => None,
        })
        .collect()
}

/// The write of an action, as far as it can be asked about: a replacement's immutable fields would be refused now.
fn write(action: &Action) -> Option<Write<'_>> {
    match action {
        Action::Apply {
            manifest, force, ..
        } => Some(Write::Apply {
            manifest,
            manager: FIELD_MANAGER,
            force: *force,
        }),
        Action::Patch { patch, .. } => Some(Write::Merge {
            patch,
            manager: MANAGER,
        }),
        Action::Ensure { .. }
        | Action::Replace { .. }
        | Action::Delete { .. }
        | Action::Restart { .. } => None,
    }
}
