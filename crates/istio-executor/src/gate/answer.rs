//! What Prometheus answers to a query at one moment (its API, `/api/v1/query`).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::output;

/// Characters of what a server says that are shown.
const SHOWN: usize = 200;

/// Series of an answer that are taken in at most.
const SERIES: usize = 1_000;

/// The elements of an answer, each with its labels.
pub(super) type Vector = Vec<(BTreeMap<String, String>, f64)>;

#[derive(Deserialize)]
struct Response {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    /// The API server's words, where it refuses the way.
    #[serde(default)]
    message: String,
    /// What the answer lacks: a store that could not be asked, a bucket without its bound.
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Element>),
    Scalar(Sample),
    Matrix(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    /// Absent where it is a histogram.
    value: Option<Sample>,
}

/// Seconds since 1970, and the value as text: JSON has no NaN.
#[derive(Deserialize)]
struct Sample(
    #[expect(dead_code, reason = "the moment that was asked for")] f64,
    String,
);

/// Reads an answer; the error says in a line why it says nothing.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Vector, String> {
    let said = |text: &str| output::cut(&output::line(text), SHOWN);
    let response: Result<Response, _> = serde_json::from_slice(body);
    let Ok(response) = response else {
        let text = String::from_utf8_lossy(body);
        let line = text.lines().map(str::trim).find(|it| !it.is_empty());
        return Err(match (status, line) {
            (200, _) => "the answer is none of Prometheus".to_owned(),
            (_, Some(line)) => format!("status {status}: {}", said(line)),
            (_, None) => format!("status {status}"),
        });
    };
    if response.status != "success" || status != 200 {
        let said: Vec<String> = [&response.error_type, &response.error, &response.message]
            .into_iter()
            .filter(|it| !it.is_empty())
            .map(|it| said(it))
            .collect();
        return Err(format!("status {status}: {}", said.join(": ")));
    }
    if let Some(warning) = response.warnings.first() {
        return Err(format!("the answer is not whole: {}", said(warning)));
    }
    let number = |it: &Sample| -> Result<f64, String> {
        let text = &it.1;
        let value = text.parse();
        value.map_err(|_| format!("{} is no number", said(text)))
    };
    match response.data {
        Some(Data::Scalar(sample)) => Ok(vec![(BTreeMap::new(), number(&sample)?)]),
        Some(Data::Vector(elements)) if elements.len() > SERIES => {
            Err(format!("the answer has {} series", elements.len()))
        }
        Some(Data::Vector(elements)) => elements
            .into_iter()
            .map(|it| match &it.value {
                Some(sample) => Ok((it.metric, number(sample)?)),
                None => Err("the answer is a histogram, not a number".to_owned()),
            })
            .collect(),
        Some(Data::Matrix(_) | Data::String(_)) | None => {
            Err("the answer is no number at one moment".to_owned())
        }
    }
}

/// The one number of an answer.
pub(super) fn one(vector: &Vector) -> Result<f64, String> {
    match vector.as_slice() {
        [] => Err(NO_DATA.to_owned()),
        [(_, value)] if value.is_nan() => {
            Err("the value is NaN: nothing divided by nothing".to_owned())
        }
        [(_, value)] => Ok(*value),
        many => Err(format!(
            "the answer has {} series: one is needed (sum, max, …)",
            many.len()
        )),
    }
}

/// What is said of an answer without a series.
pub(super) const NO_DATA: &str = "no data: no such series, or none that was written lately";
