//! The traffic policy of the whole mesh, which 1.31 brought
//! (1.31:pkg/config/validation/agent/validation.go, `validateMeshConfigDefaultTrafficPolicy`).

use serde_json::Value;

use super::{Checker, MILLISECOND, field, number};

const PATH: &str = "defaultTrafficPolicy";

impl Checker<'_> {
    /// Checks the pools and the ejection of hosts that hold where no `DestinationRule` does.
    pub(super) fn default_traffic_policy(&mut self, policy: &Value) {
        if let Some(pool) = field(policy, "connectionPool") {
            self.connection_pool(pool);
        }
        if let Some(outliers) = field(policy, "outlierDetection") {
            self.outlier_detection(outliers);
        }
    }

    fn connection_pool(&mut self, pool: &Value) {
        let path = format!("{PATH}.connectionPool");
        let (http, tcp) = (field(pool, "http"), field(pool, "tcp"));
        if http.is_none() && tcp.is_none() {
            self.refuse(&path, "connection pool must have at least one field");
        }
        if let Some(http) = http {
            let path = format!("{path}.http");
            for name in [
                "http1MaxPendingRequests",
                "http2MaxRequests",
                "maxRequestsPerConnection",
                "maxRetries",
                "maxConcurrentStreams",
            ] {
                self.not_negative(http, name, &path);
            }
            self.precise(http, "idleTimeout", &path);
            let upgrades = field(http, "h2UpgradePolicy")
                .is_some_and(|it| it.as_str() == Some("UPGRADE") || it.as_f64() == Some(2.0));
            let follows = field(http, "useClientProtocol").and_then(Value::as_bool) == Some(true);
            if upgrades && follows {
                let message =
                    "use client protocol must not be true when H2UpgradePolicy is UPGRADE";
                self.refuse(&path, message);
            }
        }
        if let Some(tcp) = tcp {
            let path = format!("{path}.tcp");
            self.not_negative(tcp, "maxConnections", &path);
            self.precise(tcp, "connectTimeout", &path);
            self.precise(tcp, "maxConnectionDuration", &path);
            // What rounds to no milliseconds turns the timeout off.
            if super::duration(tcp, "idleTimeout").is_some_and(|it| it / MILLISECOND != 0) {
                self.precise(tcp, "idleTimeout", &path);
            }
            if let Some(keepalive) = field(tcp, "tcpKeepalive") {
                let path = format!("{path}.tcpKeepalive");
                self.precise(keepalive, "time", &path);
                self.precise(keepalive, "interval", &path);
            }
        }
    }

    fn outlier_detection(&mut self, outliers: &Value) {
        let path = format!("{PATH}.outlierDetection");
        self.precise(outliers, "baseEjectionTime", &path);
        self.precise(outliers, "interval", &path);
        let splits = field(outliers, "splitExternalLocalOriginErrors").and_then(Value::as_bool);
        let failures = field(outliers, "consecutiveLocalOriginFailures").and_then(number);
        if splits != Some(true) && failures.is_some_and(|it| it > 0.0) {
            let message = "outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false";
            self.refuse(&path, message);
        }
        for name in ["maxEjectionPercent", "minHealthPercent"] {
            if let Some(percent) = field(outliers, name).and_then(number)
                && !(0.0..=100.0).contains(&percent)
            {
                let message = format!("percentage {percent} is not in range 0..100");
                self.refuse(&format!("{path}.{name}"), &message);
            }
        }
    }

    fn not_negative(&mut self, map: &Value, name: &str, path: &str) {
        if field(map, name).and_then(number).is_some_and(|it| it < 0.0) {
            self.refuse(&format!("{path}.{name}"), "must be non-negative");
        }
    }

    /// At least a millisecond, and a whole number of them.
    fn precise(&mut self, map: &Value, name: &str, path: &str) {
        if super::duration(map, name).is_some_and(|it| it < MILLISECOND || it % MILLISECOND != 0) {
            self.refuse(
                &format!("{path}.{name}"),
                "duration must be greater than 1ms and of ms precision",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use semver::Version;
    use serde_json::json;

    use super::*;

    fn refusals(policy: &Value, minor: u64) -> usize {
        let mut diagnostics = Vec::new();
        let mesh = json!({"defaultTrafficPolicy": policy});
        super::super::check(
            &mesh,
            "spec.meshConfig",
            &Version::new(1, minor, 0),
            &mut diagnostics,
        );
        diagnostics.len()
    }

    #[test]
    fn policies_are_judged_as_destination_rules_are() {
        for good in [
            json!({}),
            json!({"connectionPool": {"tcp": {"idleTimeout": "0s", "maxConnections": 0}}}),
            json!({"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE", "maxRetries": "3"}}}),
            json!({"outlierDetection": {"splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailures": 1}}),
        ] {
            assert_eq!(refusals(&good, 31), 0, "{good}");
        }
        for bad in [
            json!({"connectionPool": {}}),
            json!({"connectionPool": {"http": {"maxRetries": -1}}}),
            json!({"connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE", "useClientProtocol": true}}}),
            json!({"connectionPool": {"tcp": {"connectTimeout": "0s"}}}),
            json!({"connectionPool": {"tcp": {"idleTimeout": "1.0005s"}}}),
            json!({"connectionPool": {"tcp": {"tcpKeepalive": {"time": "1us"}}}}),
            json!({"outlierDetection": {"consecutiveLocalOriginFailures": 1}}),
            json!({"outlierDetection": {"maxEjectionPercent": 101}}),
        ] {
            assert_eq!(refusals(&bad, 31), 1, "{bad}");
            assert_eq!(refusals(&bad, 30), 0, "{bad}");
        }
    }
}
