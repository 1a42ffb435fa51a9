//! Gates: what each measures, and what holds.

use std::time::Duration;

use crate::journal::Verdict;

/// How long a window is where nothing else is said.
const WINDOW: Duration = Duration::from_mins(5);

/// A gate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) ask: Ask,
    pub(super) limits: Limits,
    /// What is looked at, at most.
    pub(super) window: Duration,
    /// How long it may be beyond its limit before it fails.
    pub(super) lasting: Duration,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    BuiltIn(BuiltIn),
    /// A query of the user's.
    Query {
        /// With `{{namespace}}`, `{{workload}}` and `{{window}}`.
        text: String,
        /// It is asked for each workload.
        each: bool,
    },
}

/// What refit measures by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BuiltIn {
    /// The share of a workload's requests that fail.
    Errors,
    /// Within which time 95 of 100 of its requests are answered.
    P95,
    /// 99 of 100.
    P99,
    /// Its requests in a second.
    Traffic,
    /// The share of the requests that it sends which fail.
    CallErrors,
    /// Services that it sent requests to and sends none to any more.
    Destinations,
    /// The share of all requests of the mesh that fail.
    MeshErrors,
    /// All requests of the mesh in a second.
    MeshTraffic,
    /// Configurations that proxies refuse.
    Rejections,
    /// Pushes that fail.
    PushErrors,
    /// Proxies that are late.
    SlowPushes,
    /// Proxies that are connected.
    Proxies,
    /// How long certificates are good for.
    Certificates,
    /// Certificates that are not handed out.
    CertificateFailures,
}

impl BuiltIn {
    /// All of them, in the order in which they are told.
    pub(super) const ALL: [Self; 14] = [
        Self::Errors,
        Self::P95,
        Self::P99,
        Self::Traffic,
        Self::CallErrors,
        Self::Destinations,
        Self::MeshErrors,
        Self::MeshTraffic,
        Self::Rejections,
        Self::PushErrors,
        Self::SlowPushes,
        Self::Proxies,
        Self::Certificates,
        Self::CertificateFailures,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Traffic => "traffic",
            Self::CallErrors => "call-errors",
            Self::Destinations => "destinations",
            Self::MeshErrors => "mesh-errors",
            Self::MeshTraffic => "mesh-traffic",
            Self::Rejections => "rejections",
            Self::PushErrors => "push-errors",
            Self::SlowPushes => "slow-pushes",
            Self::Proxies => "proxies",
            Self::Certificates => "certificates",
            Self::CertificateFailures => "certificate-failures",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether it is asked for each workload.
    pub(super) fn is_each(self) -> bool {
        match self {
            Self::Errors
            | Self::P95
            | Self::P99
            | Self::Traffic
            | Self::CallErrors
            | Self::Destinations => true,
            Self::MeshErrors
            | Self::MeshTraffic
            | Self::Rejections
            | Self::PushErrors
            | Self::SlowPushes
            | Self::Proxies
            | Self::Certificates
            | Self::CertificateFailures => false,
        }
    }

    /// What holds where a file says nothing else.
    fn limits(self) -> Limits {
        let most = |max_ratio: f64, slack: f64| Limits {
            max_ratio: Some(max_ratio),
            slack,
            ..Limits::default()
        };
        let least = |min_ratio: f64| Limits {
            min_ratio: Some(min_ratio),
            ..Limits::default()
        };
        match self {
            // One request of a hundred more.
            Self::Errors | Self::CallErrors | Self::MeshErrors => most(1.5, 0.01),
            // Milliseconds. Istio's buckets are coarse, and what lies between two of them is guessed.
            Self::P95 => most(1.5, 25.0),
            Self::P99 => most(2.0, 50.0),
            Self::Traffic => least(0.05),
            Self::MeshTraffic => least(0.5),
            Self::Destinations => Limits {
                max: Some(0.0),
                ..Limits::default()
            },
            Self::Rejections | Self::CertificateFailures => most(1.5, 0.0),
            // In a minute.
            Self::PushErrors | Self::SlowPushes => most(1.5, 1.0),
            Self::Proxies => least(0.9),
            // Seconds.
            Self::Certificates => Limits {
                min: Some(3600.0),
                ..Limits::default()
            },
        }
    }
}

impl Rule {
    /// A gate of refit's own, as it is.
    pub(super) fn built_in(it: BuiltIn) -> Self {
        Self {
            name: it.name().to_owned(),
            ask: Ask::BuiltIn(it),
            limits: it.limits(),
            window: WINDOW,
            // Proxies of an istiod that is replaced connect to the new one, and Prometheus has to hear of it.
            lasting: if it == BuiltIn::Proxies {
                Duration::from_mins(1)
            } else {
                Duration::ZERO
            },
        }
    }

    /// Whether it is asked for each workload.
    pub(super) fn is_each(&self) -> bool {
        match &self.ask {
            Ask::BuiltIn(it) => it.is_each(),
            Ask::Query { each, .. } => *each,
        }
    }
}

/// What holds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Limits {
    /// The most.
    pub(super) max: Option<f64>,
    /// The least.
    pub(super) min: Option<f64>,
    /// The most, in terms of the value before the first wave.
    pub(super) max_ratio: Option<f64>,
    /// The least, likewise.
    pub(super) min_ratio: Option<f64>,
    /// By how much it may be beyond what the ratio says.
    pub(super) slack: f64,
}

/// What a value has to lie between.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Bounds {
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
}

impl Limits {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_relative() && self.max.is_none() && self.min.is_none()
    }

    /// Whether they depend on the value before the first wave.
    pub(super) fn is_relative(&self) -> bool {
        self.max_ratio.is_some() || self.min_ratio.is_some()
    }

    /// What a value has to lie between; nothing where the value before the first wave is missing.
    pub(super) fn bounds(&self, baseline: Option<f64>) -> Option<Bounds> {
        if self.is_relative() && baseline.is_none() {
            return None;
        }
        let before = baseline.unwrap_or_default();
        let most = self.max_ratio.map(|it| before * it + self.slack);
        let least = self.min_ratio.map(|it| before * it - self.slack);
        Some(Bounds {
            // Both hold.
            most: [self.max, most].into_iter().flatten().reduce(f64::min),
            least: [self.min, least].into_iter().flatten().reduce(f64::max),
        })
    }
}

impl Bounds {
    pub(super) fn judge(&self, value: f64) -> Verdict {
        // What is no number is neither below nor above anything.
        if value.is_nan() {
            return Verdict::Unknown;
        }
        let high = self.most.is_some_and(|it| value > it);
        let low = self.least.is_some_and(|it| value < it);
        if high || low {
            Verdict::Fails
        } else {
            Verdict::Holds
        }
    }
}
