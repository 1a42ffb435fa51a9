//! Gates: a wave that does harm is the last one, and what it did is told, kept, and put back where that is wanted.
//!
//! Prometheus is the one of `oracles/prometheus`, by `PROMETHEUS_ORACLE`. Its series go on into the future: the fault
//! begins while the first wave is looked after.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use istio_planner::outcome::RestartHow;
use istio_planner::plan::Plan;
use serde_json::Value;

use super::cluster::{Cluster, finish, plane};
use super::data;
use super::plans::{apply, config_map, plan, restart, step, well};

/// Prometheus. It ends with the test.
struct Prometheus {
    process: Child,
    address: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Prometheus {
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("PROMETHEUS_ORACLE") else {
            assert!(
                std::env::var_os("CI").is_none_or(|it| it != "true"),
                "PROMETHEUS_ORACLE is not set"
            );
            eprintln!(
                "skipped: PROMETHEUS_ORACLE is not set (go build in tests/oracles/prometheus)"
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
            address: address.trim().to_owned(),
        })
    }

    /// Ten minutes of series, and ten that are still to come: `cart` and `stock` of a namespace answer ten requests in a
    /// second, of which so many fail at `cart`, beginning so many seconds from now. Returns the address.
    fn load(&self, namespace: &str, failing: u32, from: usize) -> String {
        const PAST: usize = 600;
        let counter = |name: &str, before: u32, after: u32| {
            let mut line = name.to_owned();
            let mut value = 0;
            for second in 0..2 * PAST {
                value += if second < PAST + from { before } else { after };
                write!(line, " {value}").unwrap();
            }
            line
        };
        let requests = |to: &str, code: u32| {
            format!(
                "istio_requests_total{{reporter=\"destination\",source_workload=\"gate\",source_workload_namespace=\"{namespace}\",destination_workload=\"{to}\",destination_workload_namespace=\"{namespace}\",destination_service=\"{to}\",response_code=\"{code}\"}}"
            )
        };
        let latencies = |to: &str, le: &str| {
            format!(
                "istio_request_duration_milliseconds_bucket{{le=\"{le}\",reporter=\"destination\",destination_workload=\"{to}\",destination_workload_namespace=\"{namespace}\"}}"
            )
        };
        let mut lines = vec![
            counter(&requests("cart", 503), 0, failing),
            counter(&requests("cart", 200), 10, 10 - failing),
            counter(&requests("stock", 200), 10, 10),
            counter("pilot_proxy_convergence_time_bucket{le=\"10\"}", 1, 1),
            counter("pilot_proxy_convergence_time_count", 1, 1),
        ];
        for to in ["cart", "stock"] {
            lines.extend(["10", "+Inf"].map(|le| counter(&latencies(to, le), 10, 10)));
        }
        for (name, value) in [
            ("pilot_info", 1),
            ("pilot_xds", 4),
            ("istio_agent_cert_expiry_seconds", 40_000),
        ] {
            lines.push(format!("{name} {value}x{}", 2 * PAST - 1));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end = now.as_secs() + PAST as u64 - 1;
        let body = lines.join("\n");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /{namespace}/-/load?end={end}&step=1 HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        format!("http://{}/{namespace}", self.address)
    }
}

/// A ConfigMap, then two waves.
fn two_waves(cluster: &Cluster, name: &str) -> Plan {
    let namespace = cluster.namespace(name);
    let mut steps = vec![step(
        "config",
        vec![apply(None, &config_map(&namespace, "mesh", "new"))],
        vec![],
    )];
    for (number, app) in ["cart", "stock"].iter().enumerate() {
        let (workload, wait) = well(&namespace, app);
        cluster.apply(&workload, "someone");
        let field = "{.status.availableReplicas}=1";
        cluster.await_field("deployment", &namespace, app, field);
        let action = restart(&workload, RestartHow::Rollout);
        steps.push(step(
            &format!("restart-{}", number + 1),
            vec![action],
            vec![wait],
        ));
    }
    plan(&namespace, steps)
}

/// Whether a workload was restarted.
fn is_restarted(cluster: &Cluster, namespace: &str, app: &str) -> bool {
    let workload = cluster.get("deployment", namespace, app).unwrap();
    let annotations = &workload["spec"]["template"]["metadata"]["annotations"];
    annotations["kubectl.kubernetes.io/restartedAt"].is_string()
}

fn events(cluster: &Cluster, plan: &Plan, event: &str) -> Vec<Value> {
    let mut records = cluster.journal(plan);
    records.retain(|it| it["event"] == event);
    records
}

#[test]
fn a_wave_that_does_harm_is_the_last_one() {
    let (Some(cluster), Some(prometheus)) = (plane(), Prometheus::start()) else {
        return;
    };
    let fine = two_waves(cluster, "gates-fine");
    let held = two_waves(cluster, "gates-held");
    let back = two_waves(cluster, "gates-back");
    // All that need a soak, at once.
    let soak = "20s";
    let address = prometheus.load("gates-held", 5, 8);
    let flags = [
        "apply",
        "--restart",
        "--prometheus",
        &address,
        "--soak",
        soak,
    ];
    let holding = cluster.spawn(&held, &flags);
    let address = prometheus.load("gates-back", 5, 8);
    let flags = [
        "apply",
        "--restart",
        "--prometheus",
        &address,
        "--soak",
        soak,
        "--on-gate-failure",
        "rollback",
    ];
    let going_back = cluster.spawn(&back, &flags);

    goes_through(cluster, &prometheus, &fine);
    is_held(cluster, &prometheus, &held, holding);
    is_put_back(cluster, &back, going_back);
}

/// Nothing happens: both waves, and what was found is kept.
fn goes_through(cluster: &Cluster, prometheus: &Prometheus, fine: &Plan) {
    let address = prometheus.load("gates-fine", 0, 0);
    let flags = [
        "apply",
        "--restart",
        "--prometheus",
        &address,
        "--soak",
        "1s",
    ];
    let run = cluster.refit(fine, &flags);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("gates: 1"), "{}", run.stderr);
    let judged = events(cluster, fine, "judged");
    let verdicts: Vec<&Value> = judged.iter().map(|it| &it["verdict"]).collect();
    assert_eq!(verdicts, ["holds", "holds"]);
    assert_eq!(events(cluster, fine, "baseline-taken").len(), 1);
    let flags = [
        "verify",
        "--skip-proxies",
        "-i",
        "gates-fine",
        "-o",
        "json",
        "--prometheus",
    ];
    let verified = cluster.run(&[&flags[..], &[&address]].concat());
    assert_eq!(
        verified.code,
        Some(0),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    assert!(
        verified.stdout.contains("\"gate\": \"errors\""),
        "{}",
        verified.stdout
    );
}

/// It fails: the second wave never begins, and everybody hears why.
fn is_held(cluster: &Cluster, prometheus: &Prometheus, held: &Plan, holding: Child) {
    let run = finish(holding);
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("gates do not hold after step restart-1")
            && run
                .stderr
                .contains("errors of Deployment gates-held/cart is 0."),
        "{}",
        run.stderr
    );
    assert!(is_restarted(cluster, "gates-held", "cart"));
    assert!(!is_restarted(cluster, "gates-held", "stock"));
    let judged = events(cluster, held, "judged");
    assert_eq!(judged.len(), 1);
    let readings = judged[0]["readings"].as_array().unwrap();
    let errors = readings.iter().find(|it| it["gate"] == "errors").unwrap();
    assert!(errors["value"].as_f64() > errors["most"].as_f64());
    assert!(
        errors["query"]
            .as_str()
            .unwrap()
            .contains("istio_requests_total")
    );
    let status = cluster.run(&["status", "-i", "gates-held"]).stdout;
    assert!(
        status.contains("held by its gates, which do not hold after restart-1")
            && status.contains("! errors of Deployment gates-held/cart is 0.")
            && status.contains("… Step restart-1\n    Step restart-2"),
        "{status}"
    );
    // Without a word about gates nobody goes on, and with one somebody does.
    let resume = ["apply", "--resume"];
    let run = cluster.refit(held, &resume);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("--without-gates"), "{}", run.stderr);
    let again = prometheus.load("gates-again", 0, 0);
    let empty = again.replace("gates-again", "gates-empty");
    let asked = [&resume[..], &["--soak", "0s", "--prometheus", &empty]].concat();
    let run = cluster.refit(held, &asked);
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("gates say nothing, which is never taken for good"),
        "{}",
        run.stderr
    );
    assert!(!is_restarted(cluster, "gates-held", "stock"));
    let run = cluster.refit(held, &[&resume[..], &["--without-gates"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(is_restarted(cluster, "gates-held", "stock"));
    assert_eq!(events(cluster, held, "baseline-taken").len(), 1);
}

/// It fails, and what was written is put back.
fn is_put_back(cluster: &Cluster, back: &Plan, going_back: Child) {
    let run = finish(going_back);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("was rolled back"), "{}", run.stderr);
    assert_eq!(cluster.last_event(back), "rolled-back");
    assert_eq!(data(cluster, "gates-back", "mesh"), None);
    assert!(!is_restarted(cluster, "gates-back", "stock"));
    assert!(
        cluster
            .run(&["status", "-i", "gates-back"])
            .stdout
            .contains("rolled back")
    );
}
