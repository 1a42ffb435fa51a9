//! Plans on this machine, each beside its journal.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use istio_planner::plan::Plan;

use super::resume::genuine;
use crate::clock;
use crate::error::Error;
use crate::journal::{Journal, progress};

/// Journals that are kept at least.
const KEPT: usize = 50;

/// How long one is kept.
const AGE: Duration = Duration::from_hours(365 * 24);

/// Keeps the plan beside its journal, whole or not at all.
pub(crate) fn save(folder: &Path, plan: &Plan) -> Result<(), Error> {
    let path = folder.join(format!("{}.plan.json", plan.id));
    if path.exists() {
        return Ok(());
    }
    let failed = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(&serde_json::to_vec(plan)?)
        .and_then(|()| file.as_file().sync_all())
        .with_context(failed)?;
    file.persist(&path).with_context(failed)?;
    Ok(())
}

/// Deletes journals with their plans that are old, or more than enough: never one that is not done.
pub(crate) fn prune(folder: &Path) -> io::Result<()> {
    let mut journals: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|it| it.path())
        .filter(|it| it.extension().is_some_and(|it| it == "jsonl"))
        .filter_map(|it| Some((fs::metadata(&it).ok()?.modified().ok()?, it)))
        .collect();
    journals.sort();
    journals.reverse();
    for (number, (modified, path)) in journals.iter().enumerate() {
        let old = clock::since(*modified).is_some_and(|it| it > AGE);
        if number < KEPT && !old {
            continue;
        }
        let Some(id) = path.file_stem().and_then(|it| it.to_str()) else {
            continue;
        };
        // One that cannot be read is kept: somebody may want to know why.
        let is_settled = Journal::peek(folder, id).is_ok_and(|it| !progress(&it).is_open());
        if is_settled {
            fs::remove_file(path)?;
            let _ = fs::remove_file(folder.join(format!("{id}.plan.json")));
            let _ = fs::remove_file(path.with_extension("jsonl.superseded"));
        }
    }
    Ok(())
}

/// Reads the plan that this machine kept, by its id or the first digits of it.
pub(crate) fn kept_plan(folder: &Path, id: &str) -> Result<Plan, Error> {
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if id.is_empty() || !id.chars().all(is_name) {
        return Err(Error::usage(format!("{id:?} is no plan's id")));
    }
    let mut path = folder.join(format!("{id}.plan.json"));
    if !path.exists()
        && let Some(only) = beginning_with(folder, id)
    {
        path = only;
    }
    let text = fs::read_to_string(&path)
        .with_context(|| format!("the plan {id} is not in the cluster, and not on this machine"))?;
    let plan =
        serde_json::from_str(&text).with_context(|| format!("{} is no plan", path.display()))?;
    genuine(plan)
}

/// The one plan of a folder whose id begins so.
fn beginning_with(folder: &Path, id: &str) -> Option<PathBuf> {
    let mut found = fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .filter(|it| {
            let name = it.file_name();
            let name = name.to_str().unwrap_or_default();
            name.starts_with(id) && name.ends_with(".plan.json")
        });
    let first = found.next()?;
    found.next().is_none().then(|| first.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Event;

    #[test]
    fn the_oldest_journals_go_and_one_that_is_not_done_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for number in 0..KEPT + 3 {
            let mut journal = Journal::open(path, &format!("p{number}")).unwrap();
            let step = "s".to_owned();
            journal.append(Event::StepBegan { step }).unwrap();
            if number != 1 {
                journal.append(Event::Finished).unwrap();
            }
            let file = fs::File::options()
                .append(true)
                .open(journal.path())
                .unwrap();
            let time = clock::system() - Duration::from_mins(100 - u64::try_from(number).unwrap());
            file.set_modified(time).unwrap();
        }
        prune(path).unwrap();
        let left = |number: usize| path.join(format!("p{number}.jsonl")).exists();
        assert!(!left(0) && left(1) && !left(2) && left(3), "p1 is not done");
        assert!(left(KEPT + 2));
    }
}
