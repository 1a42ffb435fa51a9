//! The live cluster as `refit snapshot` writes it, sent while it is read.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::Mutex;

use crate::cluster::Cluster;
use crate::output::narrator::Reading;
use crate::{output, snapshot};

/// Reads the cluster and returns the archive's pieces as they are made. One reader at a time.
///
/// # Errors
///
/// When the cluster could not be read from its beginning. What fails later ends the archive before its end.
pub(super) async fn export(
    cluster: &Arc<Cluster>,
    turn: &Arc<Mutex<()>>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, String> {
    let turn = Arc::clone(turn).lock_owned().await;
    let cluster = Arc::clone(cluster);
    let (sender, mut pieces) = unbounded();
    tokio::spawn(async move {
        let requirement = istio_planner::required(&istio_planner::Request::default());
        let (progress, out) = (Reading::unseen(), Pieces(sender.clone()));
        let packed = snapshot::pack(&cluster, &requirement, &progress, "the page's export", out);
        if let Err(error) = packed.await {
            let _ = sender.unbounded_send(Err(io::Error::other(output::chain(&error))));
        }
        drop(turn);
    });
    match pieces.next().await {
        Some(Ok(first)) => Ok(stream::once(async { Ok(first) }).chain(pieces)),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the cluster was not read".to_owned()),
    }
}

/// What is written goes out as a piece. They are small: what is read was packed before.
struct Pieces(UnboundedSender<io::Result<Bytes>>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .unbounded_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
