//! Gates: whether a wave did no harm, by what Prometheus says.
//!
//! What a wave is judged by is measured before the first one ([`Gates::measure`], kept in the journal), and after each
//! ([`Gates::look`]). Here nothing waits and nothing is written: that is the run's part.
//!
//! # Invariants
//!
//! - What is not known is [`Verdict::Unknown`], never good: no data, stale series, NaN, an error, too late an answer.
//! - A workload that had no traffic before is not judged by traffic, and it is said.

use std::path::PathBuf;
use std::time::Duration;

use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Step, Wait};

use crate::cluster::Cluster;
use crate::journal::{Measure, Reading, Verdict};

mod answer;
mod file;
mod prometheus;
mod promql;
mod rule;
#[cfg(test)]
mod tests;

pub use prometheus::Address;

use answer::{NO_DATA, Vector};
use file::File;
use prometheus::Prometheus;
use promql::{Asking, Side, TEN, Whose, escaped};
use rule::{Ask, Bounds, BuiltIn, Rule};

/// What happens where a gate fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The run stops, and may be gone on with.
    #[default]
    Hold,
    /// What the run changed is put back.
    Rollback,
}

/// Series that nobody wrote for so long are stale, where no file says otherwise.
const FRESH: Duration = Duration::from_mins(2);

/// The shortest window: two samples have to lie in it.
pub(crate) const SHORTEST: Duration = Duration::from_mins(1);

/// The name under which the requests that a workload sends are measured.
const CALLS: &str = "calls";

/// How gates are set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where Prometheus is.
    pub address: Address,
    /// The file with the token that it wants.
    pub token: Option<PathBuf>,
    /// Files of gates.
    pub files: Vec<PathBuf>,
    /// How long a wave is looked after.
    pub soak: Duration,
    /// What happens where a gate fails.
    pub on_failure: OnFailure,
}

/// Gates, ready to be asked.
#[derive(Debug, Clone)]
pub struct Gates {
    prometheus: Prometheus,
    rules: Vec<Rule>,
    labels: String,
    fresh: Duration,
    /// How long a wave is looked after.
    pub(crate) soak: Duration,
    /// What happens where a gate fails.
    pub(crate) on_failure: OnFailure,
}

/// Whether a run has gates.
#[derive(Debug, Clone, Default)]
pub enum Gating {
    /// Nobody asked for any: a run that began with gates does not go on so.
    #[default]
    Absent,
    /// Somebody wants to go on without them.
    Left,
    /// These.
    By(std::sync::Arc<Gates>),
}

/// What was measured before the first wave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Baseline<'a> {
    /// When, in seconds since 1970.
    pub(crate) at: i64,
    pub(crate) measures: &'a [Measure],
}

impl Baseline<'_> {
    fn of(&self, gate: &str, object: Option<&Ref>) -> Option<f64> {
        let mut all = self.measures.iter();
        let found = all.find(|it| it.gate == gate && it.object.as_ref() == object);
        found.map(|it| it.value)
    }

    /// Requests in a second that a workload had, and on which side.
    fn traffic(&self, object: &Ref) -> Option<(Side, f64)> {
        let of = |name: &str| self.of(name, Some(object)).filter(|it| *it > 0.0);
        let served = of(BuiltIn::Traffic.name()).map(|it| (Side::Served, it));
        served.or_else(|| of(CALLS).map(|it| (Side::Calls, it)))
    }
}

/// A query, and what its answer is held against.
struct Question<'a> {
    rule: &'a Rule,
    /// The name under which the answer is kept.
    name: &'a str,
    object: Option<&'a Ref>,
    query: String,
    baseline: Option<f64>,
}

/// Returns the workloads whose pods a step replaces; a step without any is no wave.
pub(crate) fn subjects(step: &Step) -> Vec<Ref> {
    let restarted = step.actions.iter().filter_map(|it| match it {
        Action::Restart { object, .. } => Some(object),
        _ => None,
    });
    let rolled = step.waits.iter().filter_map(|it| match it {
        Wait::Deployment { object }
        | Wait::DaemonSet { object }
        | Wait::StatefulSet { object }
        | Wait::AutoRollout { object, .. } => Some(object),
        Wait::Established { .. } | Wait::WebhookReachable { .. } | Wait::Proxies { .. } => None,
    });
    let mut all: Vec<Ref> = Vec::new();
    for it in restarted.chain(rolled) {
        if !all.contains(it) {
            all.push(it.clone());
        }
    }
    all
}

impl Gates {
    /// Makes gates ready; nothing is asked yet.
    ///
    /// # Errors
    ///
    /// In a line: a file with its line and column, a token that cannot be read, an address that it must not go to.
    pub fn new(setup: Setup) -> Result<Self, String> {
        let mut file = File::default();
        for path in &setup.files {
            file.read(path)?;
        }
        Ok(Self {
            prometheus: Prometheus::new(setup.address, setup.token)?,
            labels: file.selector(),
            fresh: file.fresh.unwrap_or(FRESH),
            rules: file.rules,
            soak: setup.soak,
            on_failure: setup.on_failure,
        })
    }

    /// Where Prometheus is.
    pub(crate) fn address(&self) -> &Address {
        &self.prometheus.address
    }

    /// How long a gate may be beyond its limit before it fails.
    pub(crate) fn lasting(&self, gate: &str) -> Duration {
        let rule = self.rules.iter().find(|it| it.name == gate);
        rule.map(|it| it.lasting).unwrap_or_default()
    }

    /// Measures what waves are judged by, now or at a moment (seconds since 1970). The error holds the gates that say
    /// nothing, or that do not hold already.
    pub(crate) async fn measure(
        &self,
        cluster: &Cluster,
        subjects: &[Ref],
        at: Option<i64>,
    ) -> Result<Vec<Measure>, Vec<Reading>> {
        let mut found = Found::default();
        let traffic = Rule::built_in(BuiltIn::Traffic);
        let mut questions = Vec::new();
        if self.has_each() {
            let asking = self.asking(traffic.window);
            for object in subjects {
                for (name, side) in [(traffic.name.as_str(), Side::Served), (CALLS, Side::Calls)] {
                    questions.push(Question {
                        rule: &traffic,
                        name,
                        object: Some(object),
                        query: asking.traffic(Whose::Workload(object, side)),
                        baseline: None,
                    });
                }
            }
        }
        self.take(cluster, &questions, at, &mut found).await;
        let mut questions = Vec::new();
        for rule in &self.rules {
            if !rule.is_each() {
                questions.push(self.question(rule, None, rule.window));
                continue;
            }
            if !rule.limits.is_relative() {
                continue;
            }
            let baseline = Baseline {
                at: 0,
                measures: &found.measures,
            };
            for object in subjects {
                let measured = match &rule.ask {
                    Ask::Query { .. } => Some(self.question(rule, Some(object), rule.window)),
                    Ask::BuiltIn(it) => self.of_workload(*it, rule, object, &baseline, rule.window),
                };
                // Its traffic is measured already.
                questions.extend(measured.filter(|it| it.name != traffic.name));
            }
        }
        self.take(cluster, &questions, at, &mut found).await;
        if found.bad.is_empty() {
            Ok(found.measures)
        } else {
            Err(found.bad)
        }
    }

    /// Asks, and keeps what is known.
    async fn take(
        &self,
        cluster: &Cluster,
        questions: &[Question<'_>],
        at: Option<i64>,
        found: &mut Found,
    ) {
        let queries: Vec<String> = questions.iter().map(|it| it.query.clone()).collect();
        let answers = self.prometheus.ask(cluster, &queries, at).await;
        for (question, answer) in questions.iter().zip(answers) {
            let value = answer.and_then(|it| match it.as_slice() {
                [] => Ok(None),
                // Nothing divided by nothing: there were no requests.
                [(_, value)] if value.is_nan() && question.object.is_some() => Ok(None),
                _ => answer::one(&it).map(Some),
            });
            match value {
                Ok(Some(value)) => {
                    // What has to hold whatever was before does so before the first wave, too.
                    let absolute = !question.rule.limits.is_relative() && question.object.is_none();
                    let bounds = question.rule.limits.bounds(None).filter(|_| absolute);
                    if let Some(bounds) = bounds
                        && bounds.judge(value) != Verdict::Holds
                    {
                        found.bad.push(reading(question, Ok(value), bounds));
                    }
                    found.measures.push(Measure {
                        gate: question.name.to_owned(),
                        object: question.object.cloned(),
                        value,
                    });
                }
                // A workload of which nothing is known before is not judged by it afterwards.
                Ok(None) if question.object.is_some() => {}
                Ok(None) => found.bad.push(reading(
                    question,
                    Err(NO_DATA.to_owned()),
                    Bounds::default(),
                )),
                Err(why) => found
                    .bad
                    .push(reading(question, Err(why), Bounds::default())),
            }
        }
    }

    /// Looks at all gates once, for workloads whose pods were replaced within the last so long.
    pub(crate) async fn look(
        &self,
        cluster: &Cluster,
        subjects: &[Ref],
        since: Duration,
        baseline: &Baseline<'_>,
    ) -> Vec<Reading> {
        let mut readings = Vec::new();
        let mut questions: Vec<Question<'_>> = Vec::new();
        for object in subjects.iter().filter(|_| self.has_each()) {
            let asked = self.about(object, since, baseline, &mut readings);
            questions.extend(asked);
        }
        for rule in &self.rules {
            let window = window(rule, since);
            let mut asked = Vec::new();
            match &rule.ask {
                Ask::BuiltIn(it) if it.is_each() => continue,
                Ask::Query { each: true, .. } => {
                    asked.extend(
                        subjects
                            .iter()
                            .map(|it| self.question(rule, Some(it), window)),
                    );
                }
                Ask::BuiltIn(_) | Ask::Query { each: false, .. } => {
                    asked.push(self.question(rule, None, window));
                }
            }
            for mut it in asked {
                it.baseline = baseline.of(it.name, it.object);
                if rule.limits.is_relative() && it.baseline.is_none() && it.object.is_some() {
                    readings.push(unjudged(
                        it.name,
                        it.object,
                        "it gave no value before the first wave",
                    ));
                } else {
                    questions.push(it);
                }
            }
        }
        let queries: Vec<String> = questions.iter().map(|it| it.query.clone()).collect();
        let answers = self.prometheus.ask(cluster, &queries, None).await;
        for (it, answer) in questions.iter().zip(answers) {
            readings.push(judged(it, answer));
        }
        readings
    }

    /// What is asked about a workload; what is not asked is said.
    fn about<'a>(
        &'a self,
        object: &'a Ref,
        since: Duration,
        baseline: &Baseline<'_>,
        readings: &mut Vec<Reading>,
    ) -> Vec<Question<'a>> {
        let name = BuiltIn::Traffic.name();
        let Some((_, rate)) = baseline.traffic(object) else {
            readings.push(unjudged(
                name,
                Some(object),
                "it had no HTTP or gRPC traffic before the first wave",
            ));
            return Vec::new();
        };
        let mut questions = Vec::new();
        let mut scarce = None;
        for rule in &self.rules {
            let Ask::BuiltIn(it) = rule.ask else { continue };
            let window = window(rule, since);
            let expected = rate * window.as_secs_f64();
            if expected < f64::from(TEN) {
                scarce = it.is_each().then_some(expected).or(scarce);
                continue;
            }
            questions.extend(self.of_workload(it, rule, object, baseline, window));
        }
        if let Some(expected) = scarce.filter(|_| questions.is_empty()) {
            let why = format!(
                "before the first wave it had {} requests in such a time, which says nothing",
                crate::journal::number(expected.round())
            );
            readings.push(unjudged(name, Some(object), &why));
        }
        questions
    }

    /// A built-in gate as a question about a workload; nothing where its traffic does not tell.
    fn of_workload<'a>(
        &self,
        it: BuiltIn,
        rule: &'a Rule,
        object: &'a Ref,
        baseline: &Baseline<'_>,
        window: Duration,
    ) -> Option<Question<'a>> {
        let (side, _) = baseline.traffic(object)?;
        let whose = Whose::Workload(object, side);
        let calls = baseline.of(CALLS, Some(object)).filter(|it| *it > 0.0);
        let many = |rate: f64| rate * window.as_secs_f64() >= f64::from(TEN);
        let asking = self.asking(window);
        let query = match it {
            BuiltIn::Errors => asking.errors(whose),
            BuiltIn::P95 => asking.latency(whose, "0.95"),
            BuiltIn::P99 => asking.latency(whose, "0.99"),
            BuiltIn::Traffic => asking.traffic(whose),
            // What a gateway sends is all that there is of it.
            BuiltIn::CallErrors if side == Side::Served && calls.is_some_and(many) => {
                asking.errors(Whose::Workload(object, Side::Calls))
            }
            BuiltIn::Destinations if calls.is_some() => {
                asking.silent(object, baseline.at, rule.window.as_secs())
            }
            BuiltIn::CallErrors
            | BuiltIn::Destinations
            | BuiltIn::MeshErrors
            | BuiltIn::MeshTraffic
            | BuiltIn::Rejections
            | BuiltIn::PushErrors
            | BuiltIn::SlowPushes
            | BuiltIn::Proxies
            | BuiltIn::Certificates
            | BuiltIn::CertificateFailures => return None,
        };
        let before = match it {
            BuiltIn::Traffic => baseline.traffic(object).map(|it| it.1),
            _ => baseline.of(&rule.name, Some(object)),
        };
        Some(Question {
            rule,
            name: &rule.name,
            object: Some(object),
            query,
            baseline: before,
        })
    }

    /// A gate as a question about the mesh, or one of the user's about a workload.
    fn question<'a>(
        &self,
        rule: &'a Rule,
        object: Option<&'a Ref>,
        window: Duration,
    ) -> Question<'a> {
        let asking = self.asking(window);
        let query = match &rule.ask {
            Ask::Query { text, .. } => filled(text, object, window),
            Ask::BuiltIn(it) => match it {
                BuiltIn::MeshErrors => asking.errors(Whose::Mesh),
                BuiltIn::Rejections => asking.rejections(),
                BuiltIn::PushErrors => asking.push_errors(),
                BuiltIn::SlowPushes => asking.slow_pushes(),
                BuiltIn::Proxies => asking.proxies(),
                BuiltIn::Certificates => asking.certificates(),
                BuiltIn::CertificateFailures => asking.certificate_failures(),
                // The others are asked of workloads.
                BuiltIn::MeshTraffic
                | BuiltIn::Errors
                | BuiltIn::P95
                | BuiltIn::P99
                | BuiltIn::Traffic
                | BuiltIn::CallErrors
                | BuiltIn::Destinations => asking.traffic(Whose::Mesh),
            },
        };
        Question {
            rule,
            name: &rule.name,
            object,
            query,
            baseline: None,
        }
    }

    fn asking(&self, window: Duration) -> Asking<'_> {
        Asking {
            labels: &self.labels,
            window: window.as_secs().max(1),
            fresh: self.fresh.as_secs(),
        }
    }

    /// Whether workloads are judged by their traffic.
    fn has_each(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|it| matches!(it.ask, Ask::BuiltIn(it) if it.is_each()))
    }
}

/// What was found before the first wave.
#[derive(Default)]
struct Found {
    measures: Vec<Measure>,
    bad: Vec<Reading>,
}

/// What is looked at: since the wave began, at most as long as the gate says.
fn window(rule: &Rule, since: Duration) -> Duration {
    since.max(SHORTEST).min(rule.window)
}

/// A user's query with what is meant.
fn filled(text: &str, object: Option<&Ref>, window: Duration) -> String {
    let name = object.map_or("", |it| it.name.as_str());
    let namespace = object.and_then(|it| it.namespace.as_deref());
    let mut query = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, after) = after.split_once("}}").unwrap_or((after, ""));
        query.push_str(before);
        match placeholder.trim() {
            "workload" => query.push_str(&escaped(name)),
            "namespace" => query.push_str(&escaped(namespace.unwrap_or_default())),
            // A file names no others.
            _ => {
                query.push_str(&window.as_secs().to_string());
                query.push('s');
            }
        }
        rest = after;
    }
    query.push_str(rest);
    query
}

fn unjudged(gate: &str, object: Option<&Ref>, why: &str) -> Reading {
    Reading {
        gate: gate.to_owned(),
        object: object.cloned(),
        verdict: Verdict::NotJudged,
        value: None,
        baseline: None,
        least: None,
        most: None,
        reason: Some(why.to_owned()),
        query: None,
    }
}

/// What an answer says.
fn judged(it: &Question<'_>, answer: Result<Vector, String>) -> Reading {
    let bounds = it.rule.limits.bounds(it.baseline);
    let Some(bounds) = bounds else {
        let why = "it was not measured before the first wave".to_owned();
        return reading(it, Err(why), Bounds::default());
    };
    if it.rule.ask == Ask::BuiltIn(BuiltIn::Destinations) {
        return silent(it, answer, bounds);
    }
    reading(it, answer.and_then(|it| answer::one(&it)), bounds)
}

/// What the answer about services says that get no requests any more.
fn silent(it: &Question<'_>, answer: Result<Vector, String>, bounds: Bounds) -> Reading {
    const LABEL: &str = "destination_service";
    let lives = |it: &Vector| it.iter().any(|it| !it.0.contains_key(LABEL));
    match answer {
        Ok(vector) if lives(&vector) => {
            let mut names: Vec<&str> = vector
                .iter()
                .filter_map(|it| it.0.get(LABEL).map(String::as_str))
                .collect();
            names.sort_unstable();
            let number = u32::try_from(names.len()).unwrap_or(u32::MAX);
            let mut reading = reading(it, Ok(f64::from(number)), bounds);
            if !names.is_empty() {
                names.truncate(5);
                reading.reason = Some(crate::output::line(&names.join(", ")));
            }
            reading
        }
        Ok(_) => reading(it, Err(NO_DATA.to_owned()), bounds),
        Err(why) => reading(it, Err(why), bounds),
    }
}

fn reading(it: &Question<'_>, value: Result<f64, String>, bounds: Bounds) -> Reading {
    let (verdict, value, reason) = match value {
        Ok(value) => (
            bounds.judge(value),
            Some(value).filter(|it| it.is_finite()),
            None,
        ),
        Err(why) => (Verdict::Unknown, None, Some(why)),
    };
    Reading {
        gate: it.name.to_owned(),
        object: it.object.cloned(),
        verdict,
        value,
        baseline: it.baseline.filter(|_| it.rule.limits.is_relative()),
        least: bounds.least,
        most: bounds.most,
        reason,
        query: Some(it.query.clone()).filter(|_| !verdict.is_good()),
    }
}
