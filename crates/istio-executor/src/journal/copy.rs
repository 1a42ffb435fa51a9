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

/// The name of the ConfigMap.
pub const NAME: &str = "refit-journal";

/// A ConfigMap holds 1 MiB; base64 takes a third more.
const LIMIT: usize = 700 << 10;

/// No journal that fits a ConfigMap unpacks to more.
const UNPACKED: u64 = 256 << 20;

/// The field manager of everything that is refit's own.
pub const MANAGER: &str = "refit";

/// Returns the reference of the copy.
pub fn reference(namespace: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: NAME.to_owned(),
    }
}

/// What of a plan and its journal is kept in the cluster.
#[derive(Debug, Clone)]
pub struct Copy {
    namespace: String,
    plan: String,
    packed_plan: Vec<u8>,
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
}

impl Copy {
    /// Prepares the copy of a plan.
    pub fn new(plan: &Plan) -> Self {
        let text = serde_json::to_vec(plan).unwrap_or_default();
        Self {
            namespace: plan.namespace.clone(),
            plan: plan.id.clone(),
            packed_plan: pack(std::iter::once(text)),
        }
    }

    /// Writes the copy. What would make it too large is left out: the former CRDs first, then all former objects.
    pub async fn store(&self, cluster: &Cluster, records: &[Record]) -> Result<(), cluster::Error> {
        let plan = Some(&self.packed_plan).filter(|it| it.len() <= LIMIT / 2);
        let (packed, complete) = fit(records, LIMIT - plan.map_or(0, Vec::len));
        let mut data = json!({ "journal.jsonl.gz": BASE64_STANDARD.encode(&packed) });
        if let Some(plan) = plan {
            data["plan.json.gz"] = BASE64_STANDARD.encode(plan).into();
        }
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "namespace": self.namespace,
                "name": NAME,
                "labels": { "app.kubernetes.io/managed-by": "refit" },
                "annotations": { "refit/plan": self.plan, "refit/complete": complete.to_string() },
            },
            "binaryData": data,
        });
        let write = Kind::Apply {
            manifest: &manifest,
            manager: MANAGER,
            force: true,
        };
        cluster
            .write(&reference(&self.namespace), &write, false)
            .await
            .map(|_| ())
    }
}

/// Reads the copy, if there is one and it is readable.
pub async fn load(cluster: &Cluster, namespace: &str) -> Result<Option<Found>, cluster::Error> {
    let Some(object) = cluster.get(&reference(namespace)).await? else {
        return Ok(None);
    };
    let entry = |name: &str| {
        let packed = BASE64_STANDARD
            .decode(object["binaryData"][name].as_str()?)
            .ok()?;
        unpack(&packed).ok()
    };
    let records = entry("journal.jsonl.gz").and_then(|it| {
        it.lines()
            .map(serde_json::from_str)
            .collect::<Result<Vec<Record>, _>>()
            .ok()
    });
    Ok(records.map(|records| Found {
        plan_id: object["metadata"]["annotations"]["refit/plan"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        plan: entry("plan.json.gz").and_then(|it| serde_json::from_str(it.trim()).ok()),
        records,
    }))
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
mod tests {
    use super::*;

    fn read(packed: &[u8]) -> Vec<Record> {
        unpack(packed)
            .unwrap()
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect()
    }

    #[test]
    fn a_copy_is_read_back_as_written() {
        let records = vec![Record::new(
            "p",
            "2026-01-01T00:00:00Z".to_owned(),
            Event::Finished,
        )];
        let (packed, complete) = fit(&records, LIMIT);
        assert!(complete);
        assert_eq!(read(&packed), records);
    }

    #[test]
    fn a_copy_that_would_be_too_large_leaves_out_former_objects() {
        // Digests of a counter do not compress.
        let noise: String = (0..2_000)
            .map(|it| istio_planner::digest::digest(&json!(it)))
            .collect();
        let event = Event::ActionBegan {
            step: "s".to_owned(),
            action: 0,
            object: reference("n"),
            former: Some(json!({ "kind": "ConfigMap", "data": { "noise": noise } })),
            omitted: false,
            mark: None,
        };
        let (packed, complete) = fit(&[Record::new("p", String::new(), event)], 8 << 10);
        assert!(!complete && packed.len() <= 8 << 10);
        assert!(matches!(
            &read(&packed)[0].event,
            Event::ActionBegan {
                former: None,
                omitted: true,
                ..
            }
        ));
    }
}
