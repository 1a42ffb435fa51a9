//! What gates measured and said.

use istio_planner::outcome::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a gate measured before the first wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// The gate's name.
    pub gate: String,
    /// The workload; absent where it is the whole mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub object: Option<Ref>,
    /// The value.
    pub value: f64,
}

/// What a gate said after a wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The gate's name.
    pub gate: String,
    /// The workload; absent where it is the whole mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub object: Option<Ref>,
    /// Whether it holds.
    pub verdict: Verdict,
    /// The value; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub value: Option<f64>,
    /// The value before the first wave, where the limit depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub baseline: Option<f64>,
    /// The least that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub least: Option<f64>,
    /// The most that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub most: Option<f64>,
    /// Why nothing is known, why it is not judged, or what stands behind the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub reason: Option<String>,
    /// What Prometheus was asked, where the gate does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub query: Option<String>,
}

/// Whether a gate holds. The order is that of weight.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export_to = "wire.ts", rename = "GateVerdict")
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// There is nothing to judge: no traffic, or too little.
    NotJudged,
    /// The value is within its limits.
    Holds,
    /// It cannot be told; that is never taken for good.
    Unknown,
    /// The value is beyond its limit.
    Fails,
}

impl Verdict {
    /// The verdict of many: the heaviest.
    pub fn of(readings: &[Reading]) -> Self {
        readings
            .iter()
            .map(|it| it.verdict)
            .max()
            .unwrap_or(Self::NotJudged)
    }

    /// Whether a wave may follow.
    pub fn is_good(self) -> bool {
        match self {
            Self::Holds | Self::NotJudged => true,
            Self::Unknown | Self::Fails => false,
        }
    }
}

impl Reading {
    /// What it says, in a line.
    pub fn words(&self) -> String {
        let of = match &self.object {
            Some(object) => format!("{} of {}", self.gate, crate::cluster::name(object)),
            None => self.gate.clone(),
        };
        let reason = self.reason.as_deref();
        match self.verdict {
            Verdict::NotJudged => format!("{of} is not judged: {}", reason.unwrap_or("no data")),
            Verdict::Unknown => format!("{of} is unknown: {}", reason.unwrap_or("no data")),
            Verdict::Holds | Verdict::Fails => {
                let value = self.value.map_or_else(|| "nothing".to_owned(), number);
                let mut words = format!("{of} is {value}");
                let limits = [
                    self.least.map(|it| format!("at least {}", number(it))),
                    self.most.map(|it| format!("at most {}", number(it))),
                    self.baseline.map(|it| format!("before {}", number(it))),
                ];
                let limits: Vec<String> = limits.into_iter().flatten().collect();
                if !limits.is_empty() {
                    words = format!("{words} ({})", limits.join(", "));
                }
                match reason {
                    Some(reason) => format!("{words}: {reason}"),
                    None => words,
                }
            }
        }
    }
}

/// How many gates said what, in a line.
pub fn summary(readings: &[Reading]) -> String {
    let number = |verdict: Verdict| readings.iter().filter(|it| it.verdict == verdict).count();
    let counts = [
        (number(Verdict::Fails), "do not hold"),
        (number(Verdict::Unknown), "unknown"),
        (number(Verdict::Holds), "hold"),
        (number(Verdict::NotJudged), "not judged"),
    ];
    let told = counts.iter().filter(|it| it.0 > 0);
    let told: Vec<String> = told
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    told.join(", ")
}

/// A number as people read it: four digits that count.
pub fn number(value: f64) -> String {
    if value.abs() >= 1000.0 || value.fract().abs() < f64::EPSILON {
        return format!("{value:.0}");
    }
    let places = (3.0 - value.abs().log10().floor()).clamp(0.0, 9.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 9"
    )]
    let text = format!("{value:.*}", places as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_four_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (2.0, "2"),
            (0.123_456, "0.1235"),
            (0.001_234_567, "0.001235"),
            (12.5, "12.5"),
            (999.96, "1000"),
            (123_456.7, "123457"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
