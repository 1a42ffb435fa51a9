//! What a rollback would do, object by object and field by field, before it is asked for.

use istio_planner::credentials;
use istio_planner::outcome::Ref;
use istio_planner::plan::Plan;
use serde_json::Value;

use super::former::{difference, untouched};
use super::{Restoration, has_objects, touched};
use crate::cluster::{self, Cluster, Write};
use crate::fields::{self, Author, Difference};
use crate::journal::Record;
use crate::journal::copy::MANAGER;

/// The longest value that is shown whole.
const SHOWN: usize = 80;

/// What becomes of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The object.
    pub object: Ref,
    /// What becomes of it.
    pub fate: Fate,
    /// What is written for it; nothing where nothing is, or where it is deleted.
    write: Option<Value>,
    /// It is there.
    exists: bool,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is as it is to be.
    Kept,
    /// The plan made it: it is deleted, with what others changed in it since.
    Deleted,
    /// The plan made the CRD, and there are objects of its kind: it stays.
    Stays,
    /// The plan deleted it: it is made again.
    Made,
    /// Fields of it go back.
    Changed {
        /// What goes back, from what it is now.
        back: Vec<Difference>,
        /// What others changed since, and stays.
        kept: Vec<Theirs>,
        /// What others changed since over what the plan wrote: it is lost.
        lost: Vec<Theirs>,
    },
    /// The journal does not hold it.
    Unknown,
}

/// A change that others made.
#[derive(Debug, Clone, PartialEq)]
pub struct Theirs {
    /// What.
    pub difference: Difference,
    /// Who, where that is known.
    pub author: Option<Author>,
}

/// Looks at every object that a plan touched, and says what becomes of it.
pub(crate) async fn preview(
    cluster: &Cluster,
    plan: &Plan,
    records: &[Record],
) -> Result<Vec<Preview>, cluster::Error> {
    let mut found = Vec::new();
    for it in touched(plan, records).iter().rev() {
        let live = cluster.get(&it.object).await?;
        let (fate, write) = fate(cluster, it, live.as_ref()).await?;
        found.push(Preview {
            object: it.object.clone(),
            fate,
            write,
            exists: live.is_some(),
        });
    }
    Ok(found)
}

async fn fate(
    cluster: &Cluster,
    it: &Restoration,
    live: Option<&Value>,
) -> Result<(Fate, Option<Value>), cluster::Error> {
    if it.omitted {
        return Ok((Fate::Unknown, None));
    }
    if !it.ended && untouched(it.former.as_ref(), live, None) {
        return Ok((Fate::Kept, None));
    }
    let before = it.before(live);
    let (Some(before), Some(live)) = (&before, live) else {
        return Ok(match (before, live) {
            (None, Some(live))
                if it.object.kind == "CustomResourceDefinition"
                    && has_objects(cluster, live).await? =>
            {
                (Fate::Stays, None)
            }
            (None, Some(_)) => (Fate::Deleted, None),
            (None, None) => (Fate::Kept, None),
            (Some(before), _) => (Fate::Made, Some(before.values(None))),
        });
    };
    if difference(Some(before), Some(live)).is_none() {
        return Ok((Fate::Kept, None));
    }
    let theirs = |found: Vec<Difference>| -> Vec<Theirs> {
        found
            .into_iter()
            .map(|difference| Theirs {
                author: fields::author(live, &difference.path),
                difference,
            })
            .collect()
    };
    let mut write = before.values(Some(live));
    write["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    let fate = Fate::Changed {
        back: before.back(live),
        kept: theirs(before.kept(live)),
        lost: theirs(before.lost(live)),
    };
    Ok((fate, Some(write)))
}

impl Preview {
    /// Returns what becomes of the object, in lines for people; none where nothing does.
    pub fn lines(&self) -> Vec<String> {
        let name = cluster::name(&self.object);
        match &self.fate {
            Fate::Kept => Vec::new(),
            Fate::Deleted => vec![format!("- {name} is deleted: the upgrade made it")],
            Fate::Stays => vec![format!(
                "  {name} stays: deleting it would delete its objects"
            )],
            Fate::Made => vec![format!("+ {name} is made again: the upgrade deleted it")],
            Fate::Unknown => vec![format!(
                "! {name} cannot be put back: this journal does not hold it; use the machine that ran the upgrade"
            )],
            Fate::Changed { back, kept, lost } => {
                let mut lines = vec![format!("~ {name}")];
                if back.is_empty() {
                    lines.push("    its fields are owned as before again".to_owned());
                }
                lines.extend(back.iter().map(|it| {
                    let path = fields::path(&it.path);
                    let (from, to) = (shown(&path, it.from.as_ref()), shown(&path, it.to.as_ref()));
                    format!("    {path}: {from} → {to}")
                }));
                lines.extend(kept.iter().map(|it| {
                    let path = fields::path(&it.difference.path);
                    let it_is = shown(&path, it.difference.to.as_ref());
                    format!("    kept: {path} is {it_is}{}", by(it.author.as_ref()))
                }));
                lines.extend(lost.iter().map(|it| {
                    let path = fields::path(&it.difference.path);
                    let it_is = shown(&path, it.difference.to.as_ref());
                    format!(
                        "    lost: {path}, now {it_is}{}: the upgrade had written this field",
                        by(it.author.as_ref())
                    )
                }));
                lines
            }
        }
    }

    /// Asks the API server what it says to it; returns its words where it refuses.
    pub(crate) async fn rehearse(
        &self,
        cluster: &Cluster,
    ) -> Result<Option<String>, cluster::Error> {
        let asked = match (&self.fate, &self.write) {
            (Fate::Deleted, _) => cluster.dry_delete(&self.object).await,
            (_, Some(manifest)) if self.exists => {
                let write = Write::Replace {
                    manifest,
                    manager: MANAGER,
                };
                cluster.dry_run(&self.object, &write).await.map(|_| ())
            }
            (_, Some(manifest)) => {
                let write = Write::Create {
                    manifest,
                    manager: MANAGER,
                };
                cluster.dry_run(&self.object, &write).await.map(|_| ())
            }
            (_, None) => Ok(()),
        };
        match asked {
            Ok(()) => Ok(None),
            Err(cluster::Error::Api { message, .. }) => Ok(Some(message)),
            Err(error) => Err(error),
        }
    }
}

/// Who changed it, as far as that is known.
pub(crate) fn by(author: Option<&Author>) -> String {
    match author {
        Some(Author {
            manager,
            time: Some(time),
        }) => format!(" ({manager}, {time})"),
        Some(Author {
            manager,
            time: None,
        }) => format!(" ({manager})"),
        None => String::new(),
    }
}

/// The value of a field without credentials, cut where it is long.
pub(crate) fn shown(path: &str, value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let mut value = value.clone();
    credentials::hide(path, &mut value, &mut |_| {});
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    let start: String = text.chars().take(SHOWN).collect();
    format!("{start}…")
}
