//! The journal's copy in the cluster: a ConfigMap beside istiod.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use istio_planner::outcome::Ref;
use istio_planner::plan::Plan;
use serde_json::{Value, json};

use super::Record;
use super::seal::{Key, Seal};
use crate::cluster::{self, Cluster, Selection, Write as Kind, Writer};

use packing::{Packing, lines, pack, unpack};

mod packing;

/// The name of the ConfigMap of upgrades.
pub const NAME: &str = "refit-journal";

/// The name of the ConfigMap of restarts: those must not take the place of the upgrade that can still be put back.
pub const RESTARTS: &str = "refit-journal-restart";

/// Upgrades before the last one that are kept: as many as Helm keeps of a release.
pub const HISTORY: usize = 10;

/// The annotation that names the plan.
const PLAN: &str = "refit/plan";

/// The annotation that says whether the journal is complete.
const COMPLETE: &str = "refit/complete";

/// The annotation that holds the seal.
const SEAL: &str = "refit/seal";

/// Plans that were given up for another, which a copy holds at most.
const PREDECESSORS: usize = 4;

/// A ConfigMap holds 1 MiB; base64 takes a third more.
const LIMIT: usize = 700 << 10;

/// Digits of a plan's id that people get to see.
const SHORT: usize = 12;

/// What everything of refit's own is labelled with.
const LABEL: &str = "app.kubernetes.io/managed-by=refit";

/// The field manager of everything that is refit's own.
pub const MANAGER: &str = "refit";

/// Returns the reference of the copy.
pub fn reference(namespace: &str) -> Ref {
    named(namespace, NAME)
}

fn named(namespace: &str, name: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// Why a copy is not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// It is there and no longer what was written. It must not be taken for none: that would plan over it.
    #[error(
        "ConfigMap {namespace}/{name} cannot be read ({reason}): go on where its journal is, or delete it if that upgrade is settled"
    )]
    Unreadable {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// What of a plan and its journal is kept in the cluster.
#[derive(Debug, Clone)]
pub struct Copy {
    object: Ref,
    plan: String,
    packed_plan: Vec<u8>,
    /// Plans that were given up for this one, newest first: packed plan, packed journal.
    predecessors: Vec<(Vec<u8>, Vec<u8>)>,
    journal: Packing,
}

/// A copy as it was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The plan's id.
    pub plan_id: String,
    /// The plan, if there was room for it.
    pub plan: Option<Plan>,
    /// The records, oldest first.
    pub records: Vec<Record>,
    /// Plans that were given up for this one, newest first, each with its records.
    pub predecessors: Vec<(Plan, Vec<Record>)>,
    /// Whether refit wrote it.
    pub seal: Seal,
    /// The name of its ConfigMap.
    pub name: String,
    /// The ConfigMap itself.
    object: Value,
}

impl Copy {
    /// Prepares the copy of a plan that was made after `predecessors` were given up (newest first).
    pub fn new(plan: &Plan, predecessors: &[(Plan, Vec<Record>)]) -> Self {
        let name = if plan.is_restart() { RESTARTS } else { NAME };
        Self {
            object: named(&plan.namespace, name),
            plan: plan.id.clone(),
            packed_plan: pack_plan(plan),
            predecessors: predecessors
                .iter()
                .take(PREDECESSORS)
                .map(|(plan, records)| (pack_plan(plan), pack(&lines(records))))
                .collect(),
            journal: Packing::default(),
        }
    }

    /// Reads what stands where this copy is going to stand.
    pub async fn present(&self, cluster: &Cluster) -> Result<Option<Found>, Error> {
        read(cluster, &self.object).await
    }

    /// Writes the copy, sealed. What would make it too large is left out, the former CRDs first (see [`Packing`]).
    /// `records` are those of the call before and what came since.
    pub async fn store(
        &mut self,
        writer: &Writer,
        records: &[Record],
        key: &Key,
    ) -> Result<(), cluster::Error> {
        let mut manifest = self.manifest(records);
        let seal = key.seal(&sealed(&manifest));
        manifest["metadata"]["annotations"][SEAL] = seal.into();
        let write = Kind::Apply {
            manifest: &manifest,
            manager: MANAGER,
            force: true,
        };
        writer.write(&self.object, &write).await.map(|_| ())
    }

    fn manifest(&mut self, records: &[Record]) -> Value {
        let plan = Some(&self.packed_plan).filter(|it| it.len() <= LIMIT / 2);
        let mut room = LIMIT - plan.map_or(0, Vec::len);
        let mut data = json!({});
        for (number, (plan, journal)) in self.predecessors.iter().enumerate() {
            // The newest journal comes first: at least half of the room is its own.
            if plan.len() + journal.len() <= room.saturating_sub(LIMIT / 4) {
                room -= plan.len() + journal.len();
                data[format!("plan-{}.json.gz", number + 1)] = BASE64_STANDARD.encode(plan).into();
                data[format!("journal-{}.jsonl.gz", number + 1)] =
                    BASE64_STANDARD.encode(journal).into();
            }
        }
        let (packed, complete) = self.journal.fit(records, room);
        data["journal.jsonl.gz"] = BASE64_STANDARD.encode(&packed).into();
        if let Some(plan) = plan {
            data["plan.json.gz"] = BASE64_STANDARD.encode(plan).into();
        }
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "namespace": self.object.namespace,
                "name": self.object.name,
                "labels": { "app.kubernetes.io/managed-by": "refit" },
                "annotations": { PLAN: self.plan, COMPLETE: complete.to_string() },
            },
            "binaryData": data,
        })
    }
}

/// Reads the copy of the last upgrade, if there is one.
pub async fn load(cluster: &Cluster, namespace: &str) -> Result<Option<Found>, Error> {
    read(cluster, &reference(namespace)).await
}

/// Reads the copy of the last restart, if there is one.
pub async fn load_restart(cluster: &Cluster, namespace: &str) -> Result<Option<Found>, Error> {
    read(cluster, &named(namespace, RESTARTS)).await
}

/// Reads the copies of all upgrades that are kept, newest first. One that cannot be read is not listed.
pub async fn history(cluster: &Cluster, namespace: &str) -> Result<Vec<Found>, Error> {
    let key = sealing_key(cluster, namespace).await?;
    let kind = cluster.kind("v1", "ConfigMap").await?;
    let selection = Selection {
        namespace: Some(namespace),
        labels: Some(LABEL),
        metadata_only: false,
    };
    let mut all: Vec<Found> = Vec::new();
    for object in cluster.list_all(&kind, &selection).await? {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if !name.starts_with(NAME) || name == RESTARTS {
            continue;
        }
        let Ok(found) = found(&object, key.as_ref()) else {
            continue;
        };
        match all.iter_mut().find(|it| it.plan_id == found.plan_id) {
            // Kept as history, and gone on with since: the one that knows more counts.
            Some(other) if other.records.len() < found.records.len() => *other = found,
            Some(_) => {}
            None => all.push(found),
        }
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.began().to_owned()));
    Ok(all)
}

/// Keeps the copy of an upgrade, since another one is about to take its place; the oldest ones go.
pub async fn keep(writer: &Writer, namespace: &str, found: &Found) -> Result<(), cluster::Error> {
    let short = found.short().to_lowercase();
    let name = format!("{NAME}-{short}");
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": found.object["metadata"]["labels"],
            "annotations": found.object["metadata"]["annotations"],
        },
        "binaryData": found.object["binaryData"],
    });
    let write = Kind::Apply {
        manifest: &manifest,
        manager: MANAGER,
        force: true,
    };
    writer
        .write_quietly(&named(namespace, &name), &write)
        .await?;
    let Ok(all) = history(writer, namespace).await else {
        return Ok(());
    };
    // The one that stands where the last upgrade stands is the one that was kept just now.
    let kept = all
        .iter()
        .filter(|it| it.name != NAME && it.plan_id != found.plan_id);
    for old in kept.skip(HISTORY - 1) {
        let uid = old.object["metadata"]["uid"].as_str();
        writer
            .delete_quietly(&named(namespace, &old.name), uid)
            .await?;
    }
    Ok(())
}

async fn read(cluster: &Cluster, object: &Ref) -> Result<Option<Found>, Error> {
    let Some(live) = cluster.get(object).await? else {
        return Ok(None);
    };
    let namespace = object.namespace.clone().unwrap_or_default();
    let key = sealing_key(cluster, &namespace).await?;
    found(&live, key.as_ref())
        .map(Some)
        .map_err(|reason| Error::Unreadable {
            namespace,
            name: object.name.clone(),
            reason,
        })
}

/// The key of a namespace: nothing inside where there is none, nothing at all where it may not be read.
async fn sealing_key(
    cluster: &Cluster,
    namespace: &str,
) -> Result<Option<Option<Key>>, cluster::Error> {
    match Key::load(cluster, namespace).await {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.code() == Some(403) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a seal is of: everything that is read.
fn sealed(object: &Value) -> String {
    let metadata = &object["metadata"];
    let named = &metadata["annotations"];
    json!([
        metadata["namespace"],
        named[PLAN],
        named[COMPLETE],
        object["binaryData"]
    ])
    .to_string()
}

/// Unpacks a copy; the error says what is wrong with it.
fn found(object: &Value, key: Option<&Option<Key>>) -> Result<Found, String> {
    let entry = |name: &str| -> Result<Option<String>, String> {
        let Some(text) = object["binaryData"][name].as_str() else {
            return Ok(None);
        };
        let packed = BASE64_STANDARD
            .decode(text)
            .map_err(|it| format!("{name}: {it}"))?;
        unpack(&packed)
            .map(Some)
            .map_err(|it| format!("{name}: {it}"))
    };
    let plan = |name: &str| -> Result<Option<Plan>, String> {
        let parse =
            |it: String| serde_json::from_str(it.trim()).map_err(|it| format!("{name}: {it}"));
        entry(name)?.map(parse).transpose()
    };
    let records = |name: &str| -> Result<Option<Vec<Record>>, String> {
        let parse = |it: String| {
            it.lines()
                .map(|it| Record::parse(it.as_bytes()))
                .collect::<Result<Vec<Record>, _>>()
                .map_err(|it| format!("{name}: {it}"))
        };
        entry(name)?.map(parse).transpose()
    };
    let mut predecessors = Vec::new();
    for number in 1..=PREDECESSORS {
        if let (Some(plan), Some(records)) = (
            plan(&format!("plan-{number}.json.gz"))?,
            records(&format!("journal-{number}.jsonl.gz"))?,
        ) {
            predecessors.push((plan, records));
        }
    }
    let name = &object["metadata"]["annotations"][PLAN];
    Ok(Found {
        plan_id: name.as_str().ok_or("it names no plan")?.to_owned(),
        plan: plan("plan.json.gz")?.filter(|it| Some(it.id.as_str()) == name.as_str()),
        records: records("journal.jsonl.gz")?.ok_or("it holds no journal")?,
        predecessors,
        seal: match (key, object["metadata"]["annotations"][SEAL].as_str()) {
            (None, _) => Seal::Unknown,
            (Some(Some(key)), Some(seal)) if key.fits(&sealed(object), seal) => Seal::Genuine,
            (Some(_), _) => Seal::Broken,
        },
        name: object["metadata"]["name"]
            .as_str()
            .unwrap_or(NAME)
            .to_owned(),
        object: object.clone(),
    })
}

impl Found {
    /// The first digits of the plan's id, by which people name it.
    pub fn short(&self) -> &str {
        short(&self.plan_id)
    }

    /// When it began, in RFC 3339; empty where it never did.
    pub fn began(&self) -> &str {
        self.records.first().map_or("", |it| &it.at)
    }
}

/// The first digits of a plan's id, by which people name it.
pub fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

fn pack_plan(plan: &Plan) -> Vec<u8> {
    pack(&serde_json::to_vec(plan).unwrap_or_default())
}

#[cfg(test)]
mod tests;
