//! Streams of the host: blobs, streams and responses, read piece by piece.

use gloo_net::http::Request;
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsError, JsValue};
use web_sys::{
    AbortSignal, Blob, ReadableStream, ReadableStreamDefaultReader, ReadableStreamReadResult,
};

/// A stream that is read piece by piece. The pieces stay the host's: nothing is copied here.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Chunks {
    reader: ReadableStreamDefaultReader,
    signal: Option<AbortSignal>,
}

#[wasm_bindgen]
impl Chunks {
    /// Reads a blob.
    #[wasm_bindgen(js_name = ofBlob)]
    pub fn of_blob(blob: &Blob, signal: Option<AbortSignal>) -> Self {
        Self::of_stream(&blob.stream(), signal)
    }

    /// Reads a stream.
    #[wasm_bindgen(js_name = ofStream)]
    pub fn of_stream(stream: &ReadableStream, signal: Option<AbortSignal>) -> Self {
        Self {
            reader: stream.get_reader().unchecked_into(),
            signal,
        }
    }

    /// Returns the next piece, `undefined` at the end. Throws the signal's reason once it is aborted.
    pub async fn next(&self) -> Result<Option<Uint8Array>, JsValue> {
        if let Some(signal) = self.signal.as_ref().filter(|it| it.aborted()) {
            let reason = signal.reason();
            JsFuture::from(self.reader.cancel_with_reason(&reason)).await?;
            return Err(reason);
        }
        let result: ReadableStreamReadResult =
            JsFuture::from(self.reader.read()).await?.unchecked_into();
        if result.get_done().unwrap_or(false) {
            return Ok(None);
        }
        result
            .get_value()
            .dyn_into()
            .map(Some)
            .map_err(|_| JsError::new("a stream must give Uint8Array").into())
    }
}

/// Fetches a file that lies beside the page and returns its stream. Browsers only: elsewhere there is no page.
#[wasm_bindgen(js_name = fetchStream)]
pub async fn fetch_stream(
    url: String,
    signal: Option<AbortSignal>,
) -> Result<ReadableStream, JsValue> {
    let response = Request::get(&url)
        .abort_signal(signal.as_ref())
        .send()
        .await
        .map_err(JsError::from)?;
    if !response.ok() {
        return Err(JsError::new(&format!(
            "{url}: {} {}",
            response.status(),
            response.status_text()
        ))
        .into());
    }
    response
        .body()
        .ok_or_else(|| JsError::new(&format!("{url}: empty")).into())
}
