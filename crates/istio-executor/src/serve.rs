//! The page, served on loopback and fed by the live cluster: what `refit serve` hands out.
//!
//! # Invariants
//!
//! - Nothing here writes to a cluster, and nothing here plans: a request of the page becomes a [`Proposal`], which the
//!   terminal takes up, plans again and asks about.
//! - Only 127.0.0.1 is listened on, and only its own names are answered to, so that no other site reaches it by a name
//!   that it controls.
//! - What belongs to the cluster is handed to the one session that came with the one-time token; the token is in the
//!   fragment of the address, which no browser sends.

mod desk;
mod export;
mod guard;
mod page;
mod problem;
mod release;
mod routes;
mod server;
mod session;
#[cfg(test)]
mod wire;

pub use desk::{Desk, Inbox, Proposal, Refusal, Restart, Unfit, Upgrade, Wish, desk};
pub use page::{Error as PageError, Page};
pub use server::{About, Error, Server, Sources};
