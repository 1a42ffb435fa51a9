//! One request: sent, and sent again while it fails for a passing reason, never without the lease.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use kube::client::Body;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Cluster, Error};
use crate::lease::Held;

/// How long a server may take to answer one request. A connection that is half open never answers.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a server that answered before is waited for: a control plane that is upgraded is away for a minute or two.
const OUTAGE: Duration = Duration::from_mins(5);

/// How long a server that never answered is waited for: most likely the address is wrong.
const FIRST: Duration = Duration::from_secs(15);

/// How long a request is repeated that a server which is there answers with an error of its own (5xx).
const ERRORS: Duration = Duration::from_mins(1);

/// A server that just came back does not know everybody's rights yet: so long after an outage a refusal may pass.
const WARMING: Duration = Duration::from_secs(30);

/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(5);

/// Reads the body of an answer.
pub(super) type Reader<'a, T> = &'a (dyn Fn(Vec<u8>) -> serde_json::Result<T> + Sync);

/// Why one attempt failed.
struct Failure {
    error: Error,
    /// How long the same request may well be repeated; nothing if that is of no use.
    patience: Option<Duration>,
    /// What the server asks for.
    retry_after: Option<Duration>,
}

impl Cluster {
    /// Sends what changes nothing (a request to read, a dry run), and again while it fails for a passing reason.
    pub(super) async fn send(
        &self,
        what: &str,
        request: http::Request<Vec<u8>>,
    ) -> Result<Value, Error> {
        let query = request.uri().query().unwrap_or_default();
        debug_assert!(
            request.method() == http::Method::GET || query.contains("dryRun="),
            "{what}: only a Writer writes"
        );
        self.exchange(what, request, None).await
    }

    /// Sends what reads, and takes the answer as `read` has it; one that cannot be read so is an answer that was lost.
    pub(super) async fn send_as<T>(
        &self,
        what: &str,
        request: http::Request<Vec<u8>>,
        read: Reader<'_, T>,
    ) -> Result<T, Error> {
        debug_assert!(request.method() == http::Method::GET, "{what}: it reads");
        self.exchange_as(what, request, None, read).await
    }

    /// Sends a request as [`Self::exchange_as`] does, and takes the answer as JSON.
    pub(super) async fn exchange(
        &self,
        what: &str,
        request: http::Request<Vec<u8>>,
        held: Option<&Held>,
    ) -> Result<Value, Error> {
        let read: Reader<'_, Value> = &|body| serde_json::from_slice(&body);
        self.exchange_as(what, request, held, read).await
    }

    /// Sends a request until it is answered, at most until the deadline; with a lease, each time only while that is held.
    async fn exchange_as<T>(
        &self,
        what: &str,
        request: http::Request<Vec<u8>>,
        held: Option<&Held>,
        read: Reader<'_, T>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let late = || Error::Late {
            what: what.to_owned(),
        };
        let mut delay = Duration::from_millis(200);
        loop {
            if let Some(held) = held {
                self.fenced(what, held).await?;
            }
            let left = self
                .deadline()
                .map(|it| it.saturating_duration_since(Instant::now()));
            if left.is_some_and(|it| it.is_zero()) {
                return Err(late());
            }
            let patience = left.map_or(ANSWER, |it| it.min(ANSWER));
            let failure = match timeout(patience, self.once(what, request.clone(), read)).await {
                Ok(Ok(answer)) => {
                    self.answered.store(true, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(failure)) => failure,
                Err(_) if patience < ANSWER => return Err(late()),
                Err(_) => Failure {
                    error: Error::Transport {
                        what: what.to_owned(),
                        reason: format!("no answer within {} s", ANSWER.as_secs()),
                    },
                    patience: Some(OUTAGE),
                    retry_after: None,
                },
            };
            if failure.error.code().is_some() {
                self.answered.store(true, Ordering::Relaxed);
            }
            if matches!(failure.error, Error::Transport { .. }) {
                self.note_outage();
            }
            let refused = matches!(failure.error.code(), Some(401 | 403));
            // How long that may go on counts from the outage, not from this request's beginning.
            let warming = (refused && self.was_away(WARMING)).then_some(OUTAGE);
            let Some(patience) = failure.patience.or(warming) else {
                return Err(failure.error);
            };
            let patience = if self.answered.load(Ordering::Relaxed) {
                patience
            } else {
                FIRST
            };
            let pause = failure.retry_after.unwrap_or(delay).min(ANSWER);
            let late = self
                .deadline()
                .is_some_and(|it| Instant::now() + pause >= it);
            if late || began.elapsed() + pause >= patience {
                // Whoever has waited in vain for so long does not wait as long again for the next request.
                if matches!(failure.error, Error::Transport { .. }) {
                    self.answered.store(false, Ordering::Relaxed);
                }
                return Err(failure.error);
            }
            tracing::debug!(error = %failure.error, what, "trying again");
            sleep(pause).await;
            delay = (delay * 2).min(PAUSE);
        }
    }

    /// One attempt: the answer as `read` has it.
    async fn once<T>(
        &self,
        what: &str,
        request: http::Request<Vec<u8>>,
        read: Reader<'_, T>,
    ) -> Result<T, Failure> {
        let broken = |reason: String, passing: bool| Failure {
            error: Error::Transport {
                what: what.to_owned(),
                reason,
            },
            patience: passing.then_some(OUTAGE),
            retry_after: None,
        };
        let answer = self
            .client
            .send(request.map(Body::from))
            .await
            .map_err(|it| broken(crate::output::chain(&it), passing(&it)))?;
        let status = answer.status();
        let retry_after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|it| it.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = whole(answer.into_body()).await;
        if status.is_client_error() || status.is_server_error() {
            return Err(refusal(
                what,
                status.as_u16(),
                &body.unwrap_or_default(),
                retry_after,
            ));
        }
        // A body that was cut off is an answer that was lost.
        let body = body.map_err(|it| broken(crate::output::chain(&it), true))?;
        read(body).map_err(|it| broken(it.to_string(), true))
    }

    /// Waits until the lease is known to be ours; an error if it is another's.
    async fn fenced(&self, what: &str, held: &Held) -> Result<(), Error> {
        let patience = if self.answered.load(Ordering::Relaxed) {
            OUTAGE
        } else {
            FIRST
        };
        let end = Instant::now() + patience;
        let end = self.deadline().map_or(end, |it| it.min(end));
        match timeout_at(end, held.confirm()).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::Fenced {
                what: what.to_owned(),
            }),
        }
    }
}

/// The most bytes that are set aside for an answer because it says that it has so many.
const FORETOLD: u64 = 16 << 20;

/// Reads a body to its end, in one place: a page of a list is large, and it is not copied together from its parts.
async fn whole(mut body: Body) -> Result<Vec<u8>, kube::Error> {
    let foretold = body.size_hint().lower().min(FORETOLD);
    let mut bytes = Vec::with_capacity(usize::try_from(foretold).unwrap_or_default());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// What an error status means.
fn refusal(what: &str, code: u16, body: &[u8], retry_after: Option<Duration>) -> Failure {
    let status: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = status["message"].as_str().map_or_else(
        || {
            let text = String::from_utf8_lossy(body);
            let line = text.lines().next().unwrap_or_default();
            format!("HTTP {code} {}", crate::output::cut(line, 200))
        },
        crate::output::line,
    );
    // An eviction that a budget forbids is an answer, not an overload.
    let budget = status["details"]["causes"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|it| it["reason"] == "DisruptionBudget");
    let patience = match code {
        429 if budget => None,
        429 => Some(OUTAGE),
        500 | 502 | 503 | 504 => Some(ERRORS),
        _ => None,
    };
    Failure {
        error: Error::Api {
            what: what.to_owned(),
            code,
            message,
        },
        patience,
        retry_after,
    }
}

/// Whether the same request may well succeed a little later.
fn passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => true,
        kube::Error::Service(source) => {
            !crate::output::chain(source.as_ref()).contains("certificate")
        }
        _ => false,
    }
}
