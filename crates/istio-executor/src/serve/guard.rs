//! Who may ask: the page of this server, in a browser on this machine, and nobody who only knows its address.

use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use super::problem::Problem;

/// What browsers tell of the site that asks.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The policy of the page, which `www/index.html` has too; here it holds for every answer, and no site may frame it.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; \
    require-trusted-types-for 'script'; trusted-types refit; frame-ancestors 'none'";

/// What every answer says, whatever it is.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        http::header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    ),
    (
        http::header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        http::header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Refuses what was sent to another name than ours: a site that lets its own name point here (DNS rebinding).
pub(super) fn host(request: &Parts, port: u16) -> Result<(), Problem> {
    let names = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let mut hosts = request.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if names.iter().any(|it| host.as_bytes() == it.as_bytes()) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server answers to 127.0.0.1 and localhost with its own port, and to no other name",
        )),
    }
}

/// Refuses what another site asks for, and a change that does not come from the page itself.
pub(super) fn origin(request: &Parts) -> Result<(), Problem> {
    let headers = &request.headers;
    let foreign = Err(Problem::new(
        StatusCode::FORBIDDEN,
        "only the page of this server may ask for this",
    ));
    if let Some(site) = headers.get(FETCH_SITE)
        && site != "same-origin"
    {
        return foreign;
    }
    if request.method != Method::POST {
        return Ok(());
    }
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let own = headers
        .get(ORIGIN)
        .and_then(|it| it.as_bytes().strip_prefix(b"http://"));
    if own.is_none() || own != host {
        return foreign;
    }
    if headers
        .get(CONTENT_TYPE)
        .is_none_or(|it| it != "application/json")
    {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body has to be application/json",
        ));
    }
    Ok(())
}
