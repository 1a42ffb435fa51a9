//! Release archives that lie beside the page.

use gloo_net::http::Request;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};
use web_sys::{AbortSignal, ReadableStream};

/// Fetches a file and returns its bytes as a stream, which is read as it comes. Browsers only: elsewhere there is no page.
///
/// # Errors
///
/// Throws the signal's reason once it is aborted, else an `Error` that names the address: there is no answer, it is none of
/// success, or it is empty.
#[wasm_bindgen(js_name = fetchStream)]
pub async fn fetch_stream(
    url: String,
    signal: Option<AbortSignal>,
) -> Result<ReadableStream, JsValue> {
    let failed = |why: &str| JsValue::from(JsError::new(&format!("{url}: {why}")));
    let sent = Request::get(&url).abort_signal(signal.as_ref()).send();
    let response = sent.await.map_err(|why| match signal {
        Some(ref it) if it.aborted() => it.reason(),
        _ => failed(&why.to_string()),
    })?;
    if !response.ok() {
        let why = format!("{} {}", response.status(), response.status_text());
        return Err(failed(&why));
    }
    response
        .body()
        .ok_or_else(|| failed("there is nothing in it"))
}
