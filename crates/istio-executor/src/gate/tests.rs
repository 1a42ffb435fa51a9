//! Gates before Prometheus' own database, engine and API (tests/oracles/prometheus, found by `PROMETHEUS_ORACLE`).

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use http::Response;
use kube::Client;
use kube::client::Body;
use tower_test::mock;

use super::*;
use crate::clock;

mod faults;
mod limits;
mod silence;

/// Seconds between two samples.
const STEP: i64 = 15;

/// Samples before the first wave, and after it.
const BEFORE: usize = 48;
const AFTER: usize = 12;

/// How long ago the first wave began: what is measured before lies there.
const WAVE: i64 = STEP * 12;

/// Prometheus. It ends with the test.
struct Served {
    process: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Served {
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("PROMETHEUS_ORACLE") else {
            assert!(
                std::env::var_os("CI").is_none_or(|it| it != "true"),
                "PROMETHEUS_ORACLE is not set"
            );
            eprintln!(
                "not asked: PROMETHEUS_ORACLE is not set (go build in tests/oracles/prometheus)"
            );
            return None;
        };
        let mut process = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut address).unwrap();
        Some(Self {
            process,
            address: format!("http://{}", address.trim()),
        })
    }

    /// Fills the database of a name; the last samples are those of now.
    fn load(&self, name: &str, mesh: &Mesh, now: i64) {
        let url = format!("{}/{name}/-/load?end={now}&step={STEP}", self.address);
        let response = crate::http::agent(|it| it).post(&url).send(mesh.text());
        response.unwrap_or_else(|it| panic!("{name}: {it}"));
    }

    /// What gates say after a wave over `subjects` in such a mesh.
    async fn judge(&self, name: &str, mesh: &Mesh, subjects: &[Ref], file: &str) -> Vec<Reading> {
        let now = clock::now().as_second();
        self.load(name, mesh, now);
        let gates = self.gates(name, None, file);
        let cluster = no_cluster();
        let at = now - WAVE;
        let measures = match gates.measure(&cluster, subjects, Some(at)).await {
            Ok(measures) => measures,
            Err(bad) => return bad,
        };
        let baseline = Baseline {
            at,
            measures: &measures,
        };
        let since = Duration::from_secs(WAVE.unsigned_abs());
        gates.look(&cluster, subjects, since, &baseline).await
    }

    fn gates(&self, name: &str, token: Option<PathBuf>, file: &str) -> Gates {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gates.yaml");
        fs::write(&path, file).unwrap();
        Gates::new(Setup {
            address: Address::new(&format!("{}/{name}", self.address)).unwrap(),
            token,
            files: vec![path],
            soak: Duration::ZERO,
            on_failure: OnFailure::Hold,
        })
        .unwrap()
    }
}

/// A cluster that nobody asks.
fn no_cluster() -> Cluster {
    let (service, _) = mock::pair::<http::Request<Body>, Response<Body>>();
    Cluster::new(Client::new(service, "default"))
}

/// A sample; absent where none was taken.
type Sample = Option<f64>;

/// A series: its name with labels, and its samples.
#[derive(Clone)]
struct Series {
    name: String,
    samples: Vec<Sample>,
    /// Whether Prometheus saw it end.
    ended: bool,
}

/// Series as a healthy mesh writes them, and what a test makes of them.
#[derive(Clone)]
struct Mesh(Vec<Series>);

/// A counter that grows by so much with each sample, before the wave and after it.
fn counter(name: &str, before: f64, after: f64) -> Series {
    let mut value = 1_000.0;
    let samples = (0..BEFORE + AFTER).map(|it| {
        value += if it < BEFORE { before } else { after };
        Some(value)
    });
    Series {
        name: name.to_owned(),
        samples: samples.collect(),
        ended: false,
    }
}

/// A value before the wave and after it.
fn gauge(name: &str, before: f64, after: f64) -> Series {
    let samples = (0..BEFORE + AFTER).map(|it| Some(if it < BEFORE { before } else { after }));
    Series {
        name: name.to_owned(),
        samples: samples.collect(),
        ended: false,
    }
}

/// Labels of requests from one workload to another.
fn between(reporter: &str, from: &str, to: &str, code: &str) -> String {
    let (pod, grpc) = (if reporter == "source" { from } else { to }, "");
    format!(
        "reporter=\"{reporter}\",source_workload=\"{from}\",source_workload_namespace=\"shop\",destination_workload=\"{to}\",destination_workload_namespace=\"shop\",destination_service=\"{to}.shop.svc.cluster.local\",response_code=\"{code}\",grpc_response_status=\"{grpc}\",pod=\"{pod}-1\""
    )
}

fn requests(reporter: &str, from: &str, to: &str, code: &str) -> String {
    format!(
        "istio_requests_total{{{}}}",
        between(reporter, from, to, code)
    )
}

const REPORTERS: [&str; 2] = ["source", "destination"];

/// Bounds of latencies in milliseconds, and which share lies below each.
const SHARES: [(&str, f64); 7] = [
    ("1", 0.1),
    ("5", 0.5),
    ("10", 0.8),
    ("25", 0.96),
    ("50", 0.98),
    ("100", 0.995),
    ("250", 1.0),
];

impl Mesh {
    /// `gateway` calls `frontend`, that calls `cart`, and that `stock`; `mailer` calls `stock`.
    fn healthy() -> Self {
        let mut all = Self(Vec::new());
        for (from, to, rate) in [
            ("gateway", "frontend", 40.0),
            ("frontend", "cart", 20.0),
            ("cart", "stock", 10.0),
            ("mailer", "stock", 10.0),
        ] {
            for reporter in REPORTERS {
                all.set(counter(&requests(reporter, from, to, "200"), rate, rate));
                all.latencies(reporter, from, to, rate, &SHARES, &SHARES);
            }
        }
        let istiod = "instance=\"istiod-1\"";
        for (name, value) in [
            ("pilot_info", 1.0),
            ("pilot_xds", 6.0),
            ("citadel_server_root_cert_expiry_timestamp", 4e9),
            ("citadel_server_cert_chain_expiry_timestamp", 3e9),
        ] {
            all.set(gauge(&format!("{name}{{{istiod}}}"), value, value));
        }
        for pod in ["cart-1", "stock-1"] {
            let name = format!("istio_agent_cert_expiry_seconds{{pod=\"{pod}\"}}");
            all.set(gauge(&name, 40_000.0, 39_000.0));
        }
        all.set(counter(
            &format!("pilot_xds_pushes{{type=\"cds\",{istiod}}}"),
            3.0,
            9.0,
        ));
        all.convergence(3.0, 3.0);
        all
    }

    fn latencies(
        &mut self,
        reporter: &str,
        from: &str,
        to: &str,
        rate: f64,
        before: &[(&str, f64)],
        after: &[(&str, f64)],
    ) {
        let labels = between(reporter, from, to, "200");
        let bound = |le: &str| {
            format!("istio_request_duration_milliseconds_bucket{{le=\"{le}\",{labels}}}")
        };
        for ((le, before), (_, after)) in before.iter().zip(after) {
            self.set(counter(&bound(le), rate * before, rate * after));
        }
        self.set(counter(&bound("+Inf"), rate, rate));
    }

    /// Pushes after which a proxy had its configuration within ten seconds, of three with each sample.
    fn convergence(&mut self, before: f64, after: f64) {
        let istiod = "instance=\"istiod-1\"";
        let bucket = format!("pilot_proxy_convergence_time_bucket{{le=\"10.0\",{istiod}}}");
        let count = format!("pilot_proxy_convergence_time_count{{{istiod}}}");
        self.set(counter(&bucket, before, after));
        self.set(counter(&count, 3.0, 3.0));
    }

    /// Takes a series in, in the place of one of the same name.
    fn set(&mut self, series: Series) {
        self.0.retain(|it| it.name != series.name);
        self.0.push(series);
    }

    /// Takes out series whose name holds all of this.
    fn drop(&mut self, parts: &[&str]) {
        self.0.retain(|it| !it.has(parts));
    }

    /// Changes samples of series whose name holds all of this, by their number.
    fn change(&mut self, parts: &[&str], change: impl Fn(usize, f64) -> Sample) {
        let mut changed = false;
        for series in self.0.iter_mut().filter(|it| it.has(parts)) {
            changed = true;
            for (number, sample) in series.samples.iter_mut().enumerate() {
                *sample = sample.and_then(|it| change(number, it));
            }
        }
        assert!(changed, "no series has {parts:?}");
    }

    /// Counters whose name holds all of this begin again soon after the wave.
    fn begin_again(&mut self, parts: &[&str]) {
        for series in self.0.iter_mut().filter(|it| it.has(parts)) {
            let base = series.samples.get(BEFORE + 1).copied().flatten();
            for sample in series.samples.iter_mut().skip(BEFORE + 2) {
                *sample = sample.map(|it| it - base.unwrap_or_default());
            }
        }
    }

    /// Series whose name holds all of this end at the wave, as pods that were replaced; new ones of another name go on from
    /// nothing.
    fn renew(&mut self, parts: &[&str], old: &str, new: &str) {
        let mut born = Vec::new();
        for series in self.0.iter_mut().filter(|it| it.has(parts)) {
            let at_wave = series
                .samples
                .get(BEFORE - 1)
                .copied()
                .flatten()
                .unwrap_or_default();
            let is_counter = series.samples.last() > series.samples.first();
            let mut next = series.clone();
            next.name = next.name.replace(old, new);
            for (number, sample) in next.samples.iter_mut().enumerate() {
                let base = if is_counter { at_wave } else { 0.0 };
                *sample = sample.filter(|_| number > BEFORE).map(|it| it - base);
            }
            for sample in series.samples.iter_mut().skip(BEFORE + 1) {
                *sample = None;
            }
            series.ended = true;
            born.push(next);
        }
        assert!(!born.is_empty(), "no series has {parts:?}");
        self.0.extend(born);
    }

    /// As Prometheus' own tests write series.
    fn text(&self) -> String {
        let mut text = String::new();
        for series in &self.0 {
            text.push_str(&series.name);
            let mut ends = series.ended;
            for (number, sample) in series.samples.iter().enumerate() {
                match sample {
                    Some(value) => write!(text, " {value}").unwrap(),
                    None if ends && number > BEFORE => {
                        ends = false;
                        text.push_str(" stale");
                    }
                    None => text.push_str(" _"),
                }
            }
            text.push('\n');
        }
        text
    }
}

impl Series {
    fn has(&self, parts: &[&str]) -> bool {
        parts.iter().all(|it| self.name.contains(it))
    }
}

fn workload(name: &str) -> Ref {
    Ref {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
    }
}

/// All that is said, for a message.
fn told(readings: &[Reading]) -> String {
    readings
        .iter()
        .map(|it| {
            format!(
                "{:?} {}\n  {}",
                it.verdict,
                it.words(),
                it.query.as_deref().unwrap_or_default()
            )
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The gates with a verdict.
fn with(readings: &[Reading], verdict: Verdict) -> Vec<&str> {
    let mut names: Vec<&str> = readings
        .iter()
        .filter(|it| it.verdict == verdict)
        .map(|it| it.gate.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
