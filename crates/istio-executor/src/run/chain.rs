//! Putting a plan back, then the plan that was given up for it, and so on.

use istio_planner::plan::Plan;

use super::back::{self, Rollback};
use super::{Work, store};
use crate::cluster;
use crate::error::Error;
use crate::journal::{Journal, Record, progress};
use crate::output;

/// Puts a plan back, then the plan that was given up for it, and so on.
pub(crate) async fn put_back(
    work: Work<'_>,
    predecessors: &[(Plan, Vec<Record>)],
) -> Result<(), Error> {
    let session = work.session;
    let mut different = one(work).await?;
    for (number, (plan, records)) in predecessors.iter().enumerate() {
        let folder = &session.options.folder;
        let mut journal = Journal::open(folder, &plan.id)?;
        store::save(folder, plan)?;
        journal.adopt(records.clone())?;
        let rest = predecessors.get(number + 1..).unwrap_or_default();
        different.extend(one(Work::new(session, plan, journal, rest)).await?);
    }
    if different.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!(
        "everything was rolled back, and these are not as they were:\n{}",
        different.join("\n")
    )))
}

async fn one(mut work: Work<'_>) -> Result<Vec<String>, Error> {
    if progress(work.journal.records()).rolled_back {
        return Ok(Vec::new());
    }
    let left = Rollback { work: &mut work }
        .run()
        .await
        .map_err(|error| match error {
            back::Error::Interrupted => Error::Interrupted(error.into()),
            error => Error::Failed(error.into()),
        })?;
    for object in &left.stays {
        output::note(&format!(
            "{} stays: deleting it would delete its objects",
            cluster::name(object)
        ));
    }
    Ok(left
        .different
        .iter()
        .map(|(object, reason)| format!("  {}: {reason}", cluster::name(object)))
        .collect())
}
