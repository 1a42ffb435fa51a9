//! Listens on loopback, and on nothing else.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use istio_planner::Request;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};

use super::desk::Desk;
use super::page::Page;
use super::routes;
use super::session::Session;
use crate::cluster::Cluster;
use crate::output::stream::Stream;
use crate::release::Places;

/// How long a client may take to say what it wants.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Connections at the same time. The page has six at most, and another program that opens more takes none of its memory.
const CONNECTIONS: usize = 64;

/// What one more hears.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// How long nothing is accepted after accepting failed: the process has no file left to open.
const BREATH: Duration = Duration::from_millis(100);

/// Why the server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is another's, or may not be taken.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// The cause.
        source: io::Error,
    },
    /// Without them there is no token.
    #[error("the system gives no random bytes: {0}")]
    Randomness(getrandom::Error),
}

/// What the page is told of whom it talks to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Always `refit.live/v1`: what the page and this server say to each other.
    pub schema: &'static str,
    /// The version of refit.
    pub version: &'static str,
    /// The cluster, in words: its context and address.
    pub cluster: String,
    /// The request that the command line gave, for the page to begin with.
    pub request: Request,
}

/// What the server hands out, and to whom it hands proposals.
pub struct Sources {
    /// The page's files.
    pub page: Page,
    /// The cluster that is read; nothing is written through it.
    pub cluster: Arc<Cluster>,
    /// Where releases are found.
    pub places: Places,
    /// What is told of runs.
    pub stream: Arc<Stream>,
    /// Where proposals go.
    pub desk: Desk,
    /// What the page is told at first.
    pub about: About,
}

/// A server that listens, with a session that waits for its token.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    token: String,
    context: Arc<Context>,
}

/// What every answer needs.
pub(super) struct Context {
    pub(super) sources: Sources,
    pub(super) session: Session,
    pub(super) port: u16,
    /// One export at a time.
    pub(super) turn: Arc<Mutex<()>>,
}

impl Server {
    /// Begins to listen on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    ///
    /// When the port cannot be had, or there is no randomness for a token.
    pub async fn bind(port: u16, sources: Sources) -> Result<Self, Error> {
        let failed = |source| Error::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (session, token) = Session::open().map_err(Error::Randomness)?;
        let context = Context {
            sources,
            session,
            port: address.port(),
            turn: Arc::default(),
        };
        Ok(Self {
            listener,
            address,
            token,
            context: Arc::new(context),
        })
    }

    /// Returns the address that opens the page. The token stands in its fragment, which no browser sends.
    pub fn link(&self) -> String {
        format!("http://{}/#token={}", self.address, self.token)
    }

    /// Answers until it is dropped.
    pub async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok((socket, _)) = self.listener.accept().await else {
                tokio::time::sleep(BREATH).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                // Nobody waits for whoever does not read it.
                let _ = socket.try_write(FULL);
                continue;
            };
            let context = Arc::clone(&self.context);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let context = Arc::clone(&context);
                    async move { Ok::<_, Infallible>(routes::answer(&context, request).await) }
                });
                // A client that goes away, or speaks no HTTP, is its own affair.
                let _ = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(PATIENCE)
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests;
