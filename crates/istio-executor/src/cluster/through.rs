//! A request through the API server to a Service of the cluster.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use tokio::time::timeout;

use super::{Cluster, Error};

impl Cluster {
    /// Reads what a Service answers at a path of the API server's proxy: its status, and its body up to a limit. It is asked
    /// once: whoever asks knows whether to ask again.
    pub(crate) async fn through(
        &self,
        path: &str,
        limit: u64,
        patience: Duration,
    ) -> Result<(u16, Vec<u8>), Error> {
        let failed = |reason: String| Error::Transport {
            what: "the Service cannot be asked through the API server".to_owned(),
            reason,
        };
        let request = http::Request::get(path)
            .body(Body::empty())
            .map_err(|it| failed(it.to_string()))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let asked = async {
            let answer = self.client.send(request).await;
            let answer = answer.map_err(|it| failed(crate::output::chain(&it)))?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), limit).collect().await;
            let body = body.map_err(|it| failed(it.to_string()))?;
            Ok((status, body.to_bytes().to_vec()))
        };
        match timeout(patience, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(format!("no answer within {} s", patience.as_secs()))),
        }
    }
}
