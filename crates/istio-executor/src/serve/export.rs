//! The live cluster as `refit snapshot` writes it, sent while it is read.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use tokio::sync::Mutex;

use crate::cluster::{Cluster, Error};
use crate::output::narrator::Reading;
use crate::{output, snapshot};

/// Reads the cluster and returns the archive's pieces as they are made. One reader at a time.
///
/// # Errors
///
/// When the cluster does not answer. What fails later is said in the terminal, and cuts the archive off.
pub(super) async fn export(
    cluster: &Arc<Cluster>,
    turn: &Arc<Mutex<()>>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, Error> {
    let turn = Arc::clone(turn).lock_owned().await;
    cluster.version().await?;
    let cluster = Arc::clone(cluster);
    let (sender, pieces) = unbounded();
    tokio::spawn(async move {
        let requirement = istio_planner::required(&istio_planner::Request::default());
        let name = "the page's export";
        let (progress, out) = (Reading::unseen(), Pieces(sender.clone()));
        let packed = snapshot::pack(&cluster, &requirement, &progress, name, out).await;
        if let Err(error) = packed
            && !sender.is_closed()
        {
            let words = output::chain(&error);
            output::warning(&format!("{name} is cut off: {words}"));
            let _ = sender.unbounded_send(Err(io::Error::other(words)));
        }
        drop(turn);
    });
    Ok(pieces)
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
