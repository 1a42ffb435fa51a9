//! A model of the Kubernetes API server, for tests: a request in, the answer out, and the objects in between.
//!
//! It knows what a client that writes with care relies on: versions, server-side apply with field ownership (by
//! [`kube_apply`]), merge patches, whole objects, preconditions of deletions, dry runs, lists by labels, discovery. Answers
//! carry the server's status, and its words where clients read them.
//!
//! ```
//! use kube_model::{Request, Server};
//! use serde_json::json;
//!
//! let mut server = Server::new();
//! let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}});
//! let request = Request {
//!     method: "PATCH".to_owned(),
//!     path: "/api/v1/namespaces/default/configmaps/a".to_owned(),
//!     query: "fieldManager=me&force=true".to_owned(),
//!     content_type: "application/apply-patch+yaml".to_owned(),
//!     body: object,
//! };
//! assert_eq!(server.answer(&request).status, 201);
//! assert_eq!(server.answer(&request).status, 200);
//! ```
//!
//! # Invariants
//!
//! - No I/O, no clock, no randomness: whoever asks says what time it is ([`Server::at`]).
//! - Every answer that a test relies on is compared with a real control plane's (`tests/suite/control_plane/model.rs`).

mod address;
mod generation;
mod refusal;
mod server;

pub use address::Key;
pub use refusal::failure;
pub use server::{Answer, Request, Server, merge};
