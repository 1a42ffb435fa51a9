//! What the Kubernetes API server would store after a server-side apply, and who would own which field, computed without a
//! server.
//!
//! - [`schema`]: what is known of each kind: built-in ones from a table, a cluster's own from their definitions.
//! - [`ownership`]: the apply itself: merge, removal, conflicts, `managedFields`.
//! - [`defaulting`]: what the server adds and rewrites on the way to storage.
//!
//! ```
//! use kube_apply::defaulting::{self, Cluster};
//! use kube_apply::ownership::Apply;
//! use kube_apply::schema::Schemas;
//! use serde_json::json;
//!
//! let schemas = Schemas::builtin();
//! let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}});
//! let apply = Apply { schemas: &schemas, live: None, config: &config, manager: "me", force: false };
//! let applied = apply.predict()?;
//! let stored = defaulting::complete(&schemas, &Cluster::default(), None, applied.object);
//! assert_eq!(stored["data"]["x"], "1");
//! # Ok::<(), kube_apply::ownership::ApplyError>(())
//! ```
//!
//! # Invariants
//!
//! - No I/O, no clock, no randomness: equal inputs give equal objects. Times in `managedFields` are left out.
//! - What the caller passes in is not changed, and nothing in it makes this crate panic.

pub mod defaulting;
pub mod ownership;
pub mod schema;
