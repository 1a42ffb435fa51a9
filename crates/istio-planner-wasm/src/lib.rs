//! The planner for JavaScript. Bindings only: parse, call, print.
//!
//! Text or bytes go in, JSON text comes out; `pkg` makes the typed API of it.
//!
//! # Invariants
//!
//! - No `JsValue` goes further than this crate, and no decision is made in it.
//! - Planner code never runs inside a promise ([`fetch_stream`] only hands on what the browser has): a panic reaches the caller as an exception, who replaces the instance.

mod editing;
mod facts;
mod failure;
mod fetch;
mod rendering;
mod session;
#[cfg(feature = "types")]
pub mod types;
mod words;

use wasm_bindgen::prelude::wasm_bindgen;

pub use editing::{edit, fields};
pub use facts::{codes, defaults, embedded, explain, needs, profile, releases};
pub use failure::{Diagnostic, Failure};
pub use fetch::fetch_stream;
pub use rendering::Renderer;
pub use session::Session;
pub use words::{describe, html, redacted, sarif};

/// Makes a panic an exception with the panic's words; without it, JavaScript would only see `unreachable`.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
}

/// Returns the version of the planner.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Returns the bytes of memory that the instance has taken; it never gives any back.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().into();
    f64::from(buffer.byte_length())
}
