//! What is answered to what.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::timeout;

use super::desk::{Refusal, Restart, Upgrade, Wish};
use super::problem::Problem;
use super::server::{About, Context, PATIENCE};
use super::{export, guard, release};
use crate::output::stream::Stream;

/// No request of the page is larger: its IstioOperator file is the largest part of it.
const MOST: usize = 8 << 20;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;
type Answer = Response<Body>;

/// Answers a request; every answer carries the page's policy.
pub(super) async fn answer(context: &Arc<Context>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let live = parts.uri.path() == "/live" || parts.uri.path().starts_with("/live/");
    let mut answer = guarded(context, &parts, body, live)
        .await
        .unwrap_or_else(|it| refused(&it));
    answer.headers_mut().extend(guard::HEADERS);
    // What is of the cluster is kept nowhere; the page's own files are asked for again, since another refit may have others.
    let cache = HeaderValue::from_static(if live { "no-store" } else { "no-cache" });
    answer.headers_mut().insert(CACHE_CONTROL, cache);
    answer
}

async fn guarded(
    context: &Arc<Context>,
    parts: &Parts,
    body: Incoming,
    live: bool,
) -> Result<Answer, Problem> {
    guard::host(parts, context.port)?;
    if !live {
        return page(context, parts);
    }
    guard::origin(parts)?;
    let path = parts.uri.path();
    if path == "/live/session" && parts.method == Method::POST {
        return session(context, body).await;
    }
    if !context.session.admits(&parts.headers) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "open the link that refit serve printed in its terminal",
        ));
    }
    match (&parts.method, path) {
        (&Method::GET, "/live/session") => Ok(told(&greeting(context))),
        (&Method::GET, "/live/export") => export(context).await,
        (&Method::GET, "/live/records") => Ok(records(&context.sources.stream)),
        (&Method::POST, "/live/proposal") => {
            let wish: Upgrade = read(body).await?;
            propose(context, Wish::Upgrade(wish.checked()?))
        }
        (&Method::POST, "/live/restart") => {
            let wish: Restart = read(body).await?;
            propose(context, Wish::Restart(wish.checked()?))
        }
        (&Method::GET, path) if path.starts_with("/live/releases/") => {
            release(context, &path["/live/releases/".len()..]).await
        }
        (_, "/live/session") => Err(Problem::method("GET, POST")),
        (_, "/live/proposal" | "/live/restart") => Err(Problem::method("POST")),
        (_, "/live/export" | "/live/records") => Err(Problem::method("GET")),
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing here")),
    }
}

/// A file of the page.
fn page(context: &Context, parts: &Parts) -> Result<Answer, Problem> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(Problem::method("GET, HEAD"));
    }
    match context.sources.page.file(parts.uri.path()) {
        Some(file) => {
            let body = match parts.method {
                Method::HEAD => Bytes::new(),
                _ => Bytes::from(file.content.into_owned()),
            };
            Ok(typed(StatusCode::OK, file.media_type, body))
        }
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "the page has no such file",
        )),
    }
}

/// The body of `POST /live/session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: String,
}

/// The token for a session.
async fn session(context: &Context, body: Incoming) -> Result<Answer, Problem> {
    let Token { token } = read(body).await?;
    let secret = context
        .session
        .take(&token)
        .map_err(|it| Problem::new(StatusCode::FORBIDDEN, it.to_string()))?;
    Ok(told(&Greeting {
        secret: Some(&secret),
        ..greeting(context)
    }))
}

/// Whom the page talks to.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts", rename = "About"))]
pub(super) struct Greeting<'a> {
    #[serde(flatten)]
    about: &'a About,
    /// Whether somebody can confirm a proposal.
    terminal: bool,
    /// The session's secret, told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    secret: Option<&'a str>,
}

fn greeting(context: &Context) -> Greeting<'_> {
    Greeting {
        about: &context.sources.about,
        terminal: context.sources.desk.is_attended(),
        secret: None,
    }
}

fn told(greeting: &Greeting) -> Answer {
    typed(
        StatusCode::OK,
        "application/json",
        json!(greeting).to_string(),
    )
}

/// The live cluster.
async fn export(context: &Context) -> Result<Answer, Problem> {
    let pieces = export::export(&context.sources.cluster, &context.turn)
        .await
        .map_err(|it| Problem::new(StatusCode::BAD_GATEWAY, it.to_string()))?;
    let body = StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync();
    Ok(with_type("application/gzip", body))
}

/// What was told, and what will be.
fn records(stream: &Arc<Stream>) -> Answer {
    let stream = Arc::clone(stream);
    let lines = stream::unfold(stream.listen(), move |mut listener| {
        let stream = Arc::clone(&stream);
        async move {
            let lines = listener.next(&stream).await?;
            Some((Ok(Frame::data(lines)), listener))
        }
    });
    with_type(
        "application/x-ndjson",
        StreamBody::new(lines.boxed()).boxed_unsync(),
    )
}

/// A release for the page's own plan.
async fn release(context: &Context, name: &str) -> Result<Answer, Problem> {
    let Some(version) = release::version(name).map(str::to_owned) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "this is no release's name",
        ));
    };
    let places = context.sources.places.clone();
    let found = tokio::task::spawn_blocking(move || release::archive(&version, &places)).await;
    match found {
        Ok(Ok(archive)) => Ok(typed(StatusCode::OK, "application/gzip", archive)),
        Ok(Err(error)) => Err(Problem::new(
            StatusCode::NOT_FOUND,
            crate::output::chain(&error),
        )),
        Err(error) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )),
    }
}

/// Lays a wish before the terminal; what becomes of it is told in the records.
fn propose(context: &Context, wish: Wish) -> Result<Answer, Problem> {
    match context.sources.desk.propose(wish) {
        Ok(id) => Ok(typed(
            StatusCode::ACCEPTED,
            "application/json",
            json!({ "id": id }).to_string(),
        )),
        Err(refusal) => {
            let status = match refusal {
                Refusal::Busy => StatusCode::CONFLICT,
                Refusal::NoTerminal => StatusCode::FORBIDDEN,
            };
            Err(Problem::new(status, refusal.to_string()))
        }
    }
}

/// The body of a request, which has to come in time.
async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Problem> {
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a request has 8 MB at most");
    if body.size_hint().lower() > MOST as u64 {
        return Err(too_large());
    }
    let read = timeout(PATIENCE, Limited::new(body, MOST).collect()).await;
    let late = || {
        let words = format!("the body has to come within {} s", PATIENCE.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, words)
    };
    let bytes = read
        .map_err(|_| late())?
        .map_err(|_| too_large())?
        .to_bytes();
    serde_json::from_slice(&bytes)
        .map_err(|it| Problem::new(StatusCode::BAD_REQUEST, it.to_string()))
}

fn refused(problem: &Problem) -> Answer {
    let status = problem.status;
    let body = json!({
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": problem.detail,
    });
    let mut answer = typed(status, "application/problem+json", body.to_string());
    if let Some(allow) = problem.allow {
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allow));
    }
    answer
}

fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|it| match it {});
    let mut answer = with_type(media_type, body.boxed_unsync());
    *answer.status_mut() = status;
    answer
}

fn with_type(media_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
