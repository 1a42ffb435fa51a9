//! No input, however damaged, makes the planner panic, and nothing of a Secret's data reaches an outcome.

use istio_planner::snapshot::{ReadError, SnapshotReader};
use istio_planner::{Input, Outcome, Request, plan, report};
use proptest::prelude::{Strategy, any, prop, prop_assume, prop_oneof, proptest};
use proptest::test_runner::Config;

use crate::suite::data::istio_data;

/// What a Secret holds here, plain and as the API server would show it.
const CANARIES: [&str; 2] = ["canary-of-a-secret", "Y2FuYXJ5LW9mLWEtc2VjcmV0"];

const CLUSTER: &str = include_str!("../golden/clear-upgrade/export/cluster.yaml");
const OPERATOR: &str = include_str!("../golden/clear-upgrade/request/operator.yaml");

/// One thing that happens to a file on its way; places are parts of its length.
#[derive(Debug, Clone)]
enum Damage {
    Flip { at: f64, to: u8 },
    Cut { from: f64, length: usize },
    Double { from: f64, length: usize },
    End { at: f64 },
}

impl Damage {
    fn strategy() -> impl Strategy<Value = Self> {
        prop_oneof![
            (0.0..1.0, any::<u8>()).prop_map(|(at, to)| Self::Flip { at, to }),
            (0.0..1.0, 1..200_usize).prop_map(|(from, length)| Self::Cut { from, length }),
            (0.0..1.0, 1..200_usize).prop_map(|(from, length)| Self::Double { from, length }),
            (0.0..1.0).prop_map(|at| Self::End { at }),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place somewhere in the file, wherever"
        )]
        let place = |part: f64| (bytes.len() as f64 * part) as usize;
        match *self {
            Self::Flip { at, to } => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = to;
                }
            }
            Self::Cut { from, length } => {
                let from = place(from);
                bytes.drain(from..(from + length).min(bytes.len()));
            }
            Self::Double { from, length } => {
                let from = place(from);
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                bytes.splice(from..from, piece);
            }
            Self::End { at } => bytes.truncate(place(at)),
        }
    }
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec(Damage::strategy(), 1..4)
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn damaged_yaml_never_panics(damages in damages()) {
        check(CLUSTER.as_bytes(), OPERATOR.as_bytes(), &damages, &[]);
    }

    #[test]
    fn damaged_json_never_panics(damages in damages()) {
        check(json_export().as_bytes(), OPERATOR.as_bytes(), &damages, &[]);
    }

    #[test]
    fn damaged_requests_never_panic(damages in damages()) {
        check(CLUSTER.as_bytes(), OPERATOR.as_bytes(), &[], &damages);
    }

    #[test]
    fn damaged_settings_never_panic(set in "[a-zA-Z0-9.=\\[\\]{}:,\\\\\" -]{0,40}") {
        let request = Request { to: "1.30.3".to_owned(), sets: vec![set], ..Request::default() };
        let read = outcome(CLUSTER.as_bytes(), request);
        assert!(read.is_ok());
    }
}

#[test]
fn secrets_never_reach_an_outcome() {
    let secrets = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: cacerts\n  namespace: istio-system\n  annotations:\n    \
         kubectl.kubernetes.io/last-applied-configuration: '{{\"data\":{{\"key\":\"{plain}\"}}}}'\n\
         data:\n  key: {coded}\nstringData:\n  key: {plain}\n",
        plain = CANARIES[0],
        coded = CANARIES[1],
    );
    let export = format!("{CLUSTER}{secrets}");
    let request = Request {
        to: "1.30.3".to_owned(),
        predicted: true,
        force: true,
        ..Request::default()
    };
    let text = report::json(&outcome(export.as_bytes(), request).expect("it is whole"));
    for canary in CANARIES {
        assert!(!text.contains(canary), "the outcome holds {canary}");
    }
}

/// A shorter cluster is never taken for a whole one, wherever the file ends.
#[test]
fn every_cut_of_a_list_is_an_error() {
    let step = if std::env::var_os("REFIT_LONG").is_some() {
        1
    } else {
        7
    };
    let json = json_export();
    for (name, text, whole) in [
        ("cluster.yaml", CLUSTER, "\nkind: List"),
        ("cluster.json", json.as_str(), "\n}"),
    ] {
        for cut in (1..text.len()).step_by(step) {
            let rest = &text.as_bytes()[..cut];
            let mut reader = SnapshotReader::new();
            let read = reader.read(name, rest).and_then(|()| reader.finish());
            // What follows the items of a list says nothing of the cluster.
            let is_whole = String::from_utf8_lossy(rest).contains(whole);
            assert!(read.is_err() || is_whole, "{name}, {cut} bytes");
        }
    }
}

/// Whether what a Secret holds still stands behind a key of its data: a cut may also have made a kind of it.
fn is_still_data(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    CANARIES.iter().all(|canary| {
        let mut found = text.match_indices(canary);
        found.all(|(at, _)| {
            let before = text[..at].trim_end_matches('"');
            before.ends_with(".pem: ") || before.ends_with(".pem\": ")
        })
    })
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    /// Neither outcome nor error holds anything of a Secret, however damaged the file.
    #[test]
    fn damaged_secrets_stay_secret(damages in damages(), as_json in any::<bool>()) {
        let secret = format!(
            "  - apiVersion: v1\n    data:\n      root-cert.pem: {coded}\n    kind: Secret\n    metadata:\n      name: cacerts\n      \
             namespace: istio-system\n    stringData:\n      key.pem: {plain}\n    type: Opaque\n",
            plain = CANARIES[0],
            coded = CANARIES[1],
        );
        let yaml = format!("apiVersion: v1\nitems:\n{secret}kind: List\nmetadata:\n  resourceVersion: \"\"\n");
        let mut bytes = if as_json {
            format!("{:#}", kube_yaml::from_str(&yaml).expect("it is whole")).into_bytes()
        } else {
            yaml.into_bytes()
        };
        for it in &damages {
            it.apply(&mut bytes);
        }
        prop_assume!(is_still_data(&bytes));
        let request = Request { to: "1.30.3".to_owned(), predicted: true, ..Request::default() };
        let text = match outcome(&bytes, request) {
            Ok(outcome) => report::json(&outcome),
            Err(why) => format!("{why} {why:?}"),
        };
        for canary in CANARIES {
            assert!(!text.contains(canary), "{text}");
        }
    }
}

#[test]
fn real_exports_cut_anywhere_never_panic() {
    let Some(data) = istio_data() else { return };
    let archive = data.join("exports/secrets-in-export/export.tar.gz");
    let Ok(bytes) = std::fs::read(archive) else {
        return;
    };
    for part in 1..16 {
        let mut reader = SnapshotReader::new();
        let cut = bytes.len() * part / 16;
        assert!(
            reader.read("export.tar.gz", &bytes[..cut]).is_err(),
            "a cut archive is an error"
        );
    }
}

/// Reads and plans what is left of the files. Whether that is an error does not matter here.
fn check(export: &[u8], operator: &[u8], of_export: &[Damage], of_operator: &[Damage]) {
    let (mut export, mut operator) = (export.to_vec(), operator.to_vec());
    for it in of_export {
        it.apply(&mut export);
    }
    for it in of_operator {
        it.apply(&mut operator);
    }
    let file = istio_planner::RequestFile {
        name: "operator.yaml".to_owned(),
        text: String::from_utf8_lossy(&operator).into_owned(),
    };
    let request = Request {
        to: "1.30.3".to_owned(),
        files: vec![file],
        ..Request::default()
    };
    if let Ok(outcome) = outcome(&export, request) {
        assert!(!report::json(&outcome).is_empty());
    }
}

fn outcome(export: &[u8], request: Request) -> Result<Outcome, ReadError> {
    let mut reader = SnapshotReader::new();
    reader.read("cluster", export)?;
    let snapshot = reader.finish()?;
    Ok(plan(&Input {
        request,
        snapshot,
        releases: Vec::new(),
        as_of: None,
        facts: None,
    }))
}

/// The same cluster as `kubectl get -o json` writes it.
fn json_export() -> String {
    let value = kube_yaml::from_str(CLUSTER).expect("it is whole");
    format!("{value:#}")
}
