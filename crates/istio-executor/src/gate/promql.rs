//! What Prometheus is asked, in `PromQL`, about a workload and about the mesh.
//!
//! Names and labels are those of Istio 1.30.3: `istio_requests_total` and `istio_request_duration_milliseconds` with
//! `reporter`, `response_code`, `grpc_response_status`, `source_workload`, `destination_workload`, `destination_service` and
//! the namespaces of both (samples/addons/grafana.yaml, dashboards of workloads and of the mesh); `pilot_total_xds_rejects`,
//! `pilot_total_xds_internal_errors`, `pilot_xds_write_timeout` (pkg/xds/monitoring.go); `pilot_xds`, `pilot_xds_pushes` with
//! the types `*_senderr`, `pilot_proxy_convergence_time` (pilot/pkg/xds/monitoring.go); `pilot_info`
//! (pilot/pkg/bootstrap/monitoring.go); `citadel_server_*` (security/pkg/server/ca/monitoring.go);
//! `istio_agent_cert_expiry_seconds` (security/pkg/nodeagent/cache/monitoring.go, with the prefix of
//! pilot/cmd/pilot-agent/status/server.go).
//!
//! # Invariants
//!
//! - A series that is not there, or that nobody has written since [`Asking::fresh`], gives no element: never a zero.
//! - What a counter counted before its first sample in the window counts as well: the first 40 answers 503 of a new pod are
//!   born as 40.

use std::fmt::Write as _;

use istio_planner::outcome::Ref;

/// How it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    /// Labels that every one of Istio's series has to have, as a selector writes them.
    pub(super) labels: &'a str,
    /// Seconds that are looked at.
    pub(super) window: u64,
    /// Seconds after which a series is stale.
    pub(super) fresh: u64,
}

/// Which of a workload's requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Those that it answers.
    Served,
    /// Those that it sends; a gateway has no others.
    Calls,
}

/// Whose requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'a> {
    /// A workload's.
    Workload(&'a Ref, Side),
    /// Everybody's.
    Mesh,
}

/// Codes of gRPC by which a server, or the way to it, fails: unknown, deadline exceeded, internal, unavailable, data loss.
const GRPC: &str = "2|4|13|14|15";

const REQUESTS: &str = "istio_requests_total";
const DURATIONS: &str = "istio_request_duration_milliseconds_bucket";

/// What every istiod tells as long as it lives.
const ISTIOD: &str = "pilot_info";

impl Asking<'_> {
    /// Requests in a second, by the reporter that saw most.
    pub(super) fn traffic(&self, whose: Whose<'_>) -> String {
        let selected = self.of(REQUESTS, whose, "");
        let all = self.growth(&selected);
        let window = self.window;
        format!(
            "max(sum by (reporter) ({all})) / {window}{}",
            self.lives(&selected)
        )
    }

    /// The share of requests that failed, by the reporter that saw most of them.
    pub(super) fn errors(&self, whose: Whose<'_>) -> String {
        let selected = self.of(REQUESTS, whose, "");
        let all = self.growth(&selected);
        let http = self.growth(&self.of(REQUESTS, whose, "response_code=~\"5..\""));
        let grpc = format!("response_code!~\"5..\",grpc_response_status=~\"{GRPC}\"");
        let grpc = self.growth(&self.of(REQUESTS, whose, &grpc));
        format!(
            "max((sum by (reporter) ({http} or {grpc}) or 0 * sum by (reporter) ({all})) / sum by (reporter) ({all})){}",
            self.lives(&selected)
        )
    }

    /// The time in milliseconds within which so large a share of requests was answered.
    pub(super) fn latency(&self, whose: Whose<'_>, quantile: &str) -> String {
        let selected = self.of(DURATIONS, whose, "");
        let all = self.growth(&selected);
        format!(
            "max(histogram_quantile({quantile}, sum by (le, reporter) ({all}))){}",
            self.lives(&self.of(REQUESTS, whose, ""))
        )
    }

    /// Services that a workload sent requests to before a moment (seconds since 1970), in a window of so many seconds,
    /// and sends none to now, though it would be ten or more; and an element without labels, if the workload still tells
    /// anything.
    pub(super) fn silent(&self, workload: &Ref, before: i64, window: u64) -> String {
        let selected = self.of(REQUESTS, Whose::Workload(workload, Side::Calls), "");
        let then = format!(
            "sum by (destination_service) (increase({selected}[{window}s] @ {before})) / {window} * {}",
            self.window
        );
        let now = format!(
            "sum by (destination_service) ({}) > 0",
            self.growth(&selected)
        );
        let fresh = self.fresh;
        format!(
            "(({then} >= {TEN}) unless ({now})) or 0 * count(time() - timestamp({selected}) <= {fresh})"
        )
    }

    /// Configurations that proxies refused, in a minute.
    pub(super) fn rejections(&self) -> String {
        self.minutely(&["pilot_total_xds_rejects"])
    }

    /// Pushes that istiod could not make or send, in a minute.
    pub(super) fn push_errors(&self) -> String {
        self.minutely(&[
            "pilot_xds_pushes{type=~\".*_(senderr|builderr)\"}",
            "pilot_total_xds_internal_errors",
            "pilot_xds_write_timeout",
        ])
    }

    /// Proxies that had their configuration later than ten seconds after it changed, in a minute.
    pub(super) fn slow_pushes(&self) -> String {
        // Prometheus 3 writes a bound as 10.0.
        let fast = self.labelled("pilot_proxy_convergence_time_bucket{le=~\"10|10.0\"}");
        let all = self.labelled("pilot_proxy_convergence_time_count");
        format!(
            "clamp_min(sum({}) - sum({}), 0) * 60 / {}{}",
            self.growth(&all),
            self.growth(&fast),
            self.window,
            self.lives(&self.labelled(ISTIOD))
        )
    }

    /// Proxies that are connected.
    pub(super) fn proxies(&self) -> String {
        format!("sum({})", self.alive(&self.labelled("pilot_xds")))
    }

    /// Seconds until the first certificate of the authority, or of a proxy, ends.
    pub(super) fn certificates(&self) -> String {
        let left = |metric: &str, minus: &str, name: &str| {
            let alive = self.alive(&self.labelled(metric));
            format!("label_replace({alive}{minus}, \"of\", \"{name}\", \"\", \"\")")
        };
        format!(
            "min({} or {} or {})",
            left(
                "citadel_server_root_cert_expiry_timestamp",
                " - time()",
                "root"
            ),
            left(
                "citadel_server_cert_chain_expiry_timestamp",
                " - time()",
                "chain"
            ),
            left("istio_agent_cert_expiry_seconds", "", "proxy")
        )
    }

    /// Certificates that istiod could not sign or hand out, in a minute.
    pub(super) fn certificate_failures(&self) -> String {
        self.minutely(&[
            "citadel_server_csr_sign_err_count",
            "citadel_server_csr_parsing_err_count",
            "citadel_server_id_extraction_err_count",
            "pilot_sds_certificate_errors_total",
        ])
    }

    /// How much counters of istiod grew in a minute. One that never counted anything is not there, and istiod then tells
    /// by another series that it is asked.
    fn minutely(&self, metrics: &[&str]) -> String {
        let sums: Vec<String> = metrics
            .iter()
            .map(|it| format!("(sum({}) or vector(0))", self.growth(&self.labelled(it))))
            .collect();
        format!(
            "({}) * 60 / {}{}",
            sums.join(" + "),
            self.window,
            self.lives(&self.labelled(ISTIOD))
        )
    }

    /// How much each counter grew in the window.
    fn growth(&self, selected: &str) -> String {
        let window = self.window;
        format!(
            "((increase({selected}[{window}s]) and {selected} offset {window}s) or (last_over_time({selected}[{window}s]) unless {selected} offset {window}s))"
        )
    }

    /// Those series that were written lately.
    fn alive(&self, selected: &str) -> String {
        let fresh = self.fresh;
        format!("({selected} and (time() - timestamp({selected}) <= {fresh}))")
    }

    /// Keeps what stands before only if one of these series was written lately.
    fn lives(&self, selected: &str) -> String {
        let fresh = self.fresh;
        format!(" and on() (count(time() - timestamp({selected}) <= {fresh}))")
    }

    /// A metric with the labels that are asked for everywhere.
    fn labelled(&self, metric: &str) -> String {
        match metric.strip_suffix('}') {
            _ if self.labels.is_empty() => metric.to_owned(),
            Some(begun) => format!("{begun},{}}}", self.labels),
            None => format!("{metric}{{{}}}", self.labels),
        }
    }

    /// A metric of requests.
    fn of(&self, metric: &str, whose: Whose<'_>, more: &str) -> String {
        let mut text = match whose {
            Whose::Mesh => String::new(),
            Whose::Workload(workload, side) => {
                let name = escaped(&workload.name);
                let namespace = escaped(workload.namespace.as_deref().unwrap_or_default());
                match side {
                    Side::Served => format!(
                        "destination_workload=\"{name}\",destination_workload_namespace=\"{namespace}\""
                    ),
                    Side::Calls => format!(
                        "reporter=\"source\",source_workload=\"{name}\",source_workload_namespace=\"{namespace}\""
                    ),
                }
            }
        };
        for it in [more, self.labels].into_iter().filter(|it| !it.is_empty()) {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{it}");
        }
        format!("{metric}{{{text}}}")
    }
}

/// Requests that have to be expected in a window for their number, or share, to say anything.
pub(super) const TEN: u32 = 10;

/// A text as it stands between quotes in `PromQL`.
pub(super) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\\' => written.push_str("\\\\"),
            '"' => written.push_str("\\\""),
            '\n' => written.push_str("\\n"),
            it => written.push(it),
        }
    }
    written
}
