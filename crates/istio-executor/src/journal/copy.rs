//! The journal's copy in the cluster: a ConfigMap beside istiod.

use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use istio_planner::outcome::Ref;
use istio_planner::plan::Plan;
use serde_json::{Value, json};

use super::{Event, Record};
use crate::cluster::{self, Cluster, Write as Kind};

/// The name of the ConfigMap of upgrades.
pub const NAME: &str = "refit-journal";

/// The name of the ConfigMap of restarts: those must not take the place of the upgrade that can still be put back.
pub const RESTARTS: &str = "refit-journal-restart";

/// Plans that were given up for another, which a copy holds at most.
const PREDECESSORS: usize = 4;

/// A ConfigMap holds 1 MiB; base64 takes a third more.
const LIMIT: usize = 700 << 10;

/// No journal that fits a ConfigMap unpacks to more.
const UNPACKED: u64 = 256 << 20;

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
                .map(|(plan, records)| (pack_plan(plan), pack(lines(records))))
                .collect(),
        }
    }

    /// Reads what stands where this copy is going to stand.
    pub async fn present(&self, cluster: &Cluster) -> Result<Option<Found>, Error> {
        read(cluster, &self.object).await
    }

    /// Writes the copy. What would make it too large is left out: the former CRDs first, then all former objects.
    pub async fn store(&self, cluster: &Cluster, records: &[Record]) -> Result<(), cluster::Error> {
        let manifest = self.manifest(records);
        let write = Kind::Apply {
            manifest: &manifest,
            manager: MANAGER,
            force: true,
        };
        cluster.write(&self.object, &write, false).await.map(|_| ())
    }

    fn manifest(&self, records: &[Record]) -> Value {
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
        let (packed, complete) = fit(records, room);
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
                "annotations": { "refit/plan": self.plan, "refit/complete": complete.to_string() },
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

async fn read(cluster: &Cluster, object: &Ref) -> Result<Option<Found>, Error> {
    let Some(live) = cluster.get(object).await? else {
        return Ok(None);
    };
    found(&live).map(Some).map_err(|reason| Error::Unreadable {
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
        reason,
    })
}

/// Unpacks a copy; the error says what is wrong with it.
fn found(object: &Value) -> Result<Found, String> {
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
                .map(serde_json::from_str)
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
    let name = &object["metadata"]["annotations"]["refit/plan"];
    Ok(Found {
        plan_id: name.as_str().ok_or("it names no plan")?.to_owned(),
        plan: plan("plan.json.gz")?.filter(|it| Some(it.id.as_str()) == name.as_str()),
        records: records("journal.jsonl.gz")?.ok_or("it holds no journal")?,
        predecessors,
    })
}

fn pack_plan(plan: &Plan) -> Vec<u8> {
    pack(std::iter::once(
        serde_json::to_vec(plan).unwrap_or_default(),
    ))
}

/// Returns the packed records, and whether nothing had to be left out.
fn fit(records: &[Record], limit: usize) -> (Vec<u8>, bool) {
    let whole = pack(lines(records));
    if whole.len() <= limit {
        return (whole, true);
    }
    let without = |leave_out: &dyn Fn(&Value) -> bool| {
        let mut records = records.to_vec();
        for record in &mut records {
            if let Event::ActionBegan {
                former, omitted, ..
            } = &mut record.event
                && former.as_ref().is_some_and(leave_out)
            {
                (*former, *omitted) = (None, true);
            }
        }
        pack(lines(&records))
    };
    let lighter = without(&|it| it["kind"] == "CustomResourceDefinition");
    if lighter.len() <= limit {
        (lighter, false)
    } else {
        (without(&|_| true), false)
    }
}

/// A record is plain data, so it can always be written.
fn lines(records: &[Record]) -> impl Iterator<Item = Vec<u8>> {
    records
        .iter()
        .map(|it| serde_json::to_vec(it).unwrap_or_default())
}

fn pack(lines: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for line in lines {
        // Writing to memory cannot fail.
        let _ = encoder
            .write_all(&line)
            .and_then(|()| encoder.write_all(b"\n"));
    }
    encoder.finish().unwrap_or_default()
}

fn unpack(packed: &[u8]) -> io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(packed)
        .take(UNPACKED)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
