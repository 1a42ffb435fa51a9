//! Tells that something changed: watches that go on until they are dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use istio_planner::outcome::Ref;
use kube::Client;
use kube::api::{WatchEvent, WatchParams};
use kube_core::Request;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Cluster, Error};

/// When a server ends a watch, in seconds.
const WATCH: u32 = 240;

/// Longer than the server lets a watch go on: the connection is half open.
const SILENCE: Duration = Duration::from_secs(270);

/// How long a server is left alone that refuses a watch or ends it.
const PAUSE: Duration = Duration::from_secs(1);

/// How long it takes at most until everything is looked at again, should an event have been missed.
const LOOK: Duration = Duration::from_secs(30);

/// Watches of any number of objects. What changed is not told: whoever waits looks again.
#[derive(Debug, Default)]
pub struct Changes {
    changed: Arc<Notify>,
    watches: JoinSet<()>,
    watched: BTreeSet<String>,
}

impl Changes {
    /// Watches an object.
    pub async fn object(&mut self, cluster: &Cluster, object: &Ref) -> Result<(), Error> {
        let path = cluster.path(object).await?;
        let name = format!("metadata.name={}", object.name);
        self.watch(cluster, path, WatchParams::default().fields(&name));
        Ok(())
    }

    /// Watches all objects of a kind in a namespace that have these labels (in the API's own syntax).
    pub async fn labelled(
        &mut self,
        cluster: &Cluster,
        (api_version, kind): (&str, &str),
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<(), Error> {
        let path = cluster.kind(api_version, kind).await?.path(namespace);
        self.watch(cluster, path, WatchParams::default().labels(labels));
        Ok(())
    }

    fn watch(&mut self, cluster: &Cluster, path: String, params: WatchParams) {
        let params = params.timeout(WATCH);
        let key = format!(
            "{path} {:?} {:?}",
            params.label_selector, params.field_selector
        );
        if self.watched.insert(key) {
            let (client, changed) = (cluster.client.clone(), Arc::clone(&self.changed));
            self.watches.spawn(async move {
                loop {
                    follow(&client, &path, &params, &changed).await;
                    // What happened between two watches is not told by the next.
                    changed.notify_one();
                    sleep(PAUSE).await;
                }
            });
        }
    }

    /// Waits for a change since the last call, at most until `deadline`.
    pub async fn next(&self, deadline: Instant) {
        let _ = timeout_at(deadline.min(Instant::now() + LOOK), self.changed.notified()).await;
    }
}

/// One watch, until the server ends it, refuses it, or goes silent.
async fn follow(client: &Client, path: &str, params: &WatchParams, changed: &Notify) {
    // Without a resourceVersion the server tells first what is there.
    let Ok(request) = Request::new(path).watch(params, "") else {
        return;
    };
    let Ok(Ok(events)) = timeout(SILENCE, client.request_events::<Value>(request)).await else {
        return;
    };
    // What went before the watch began is not told by it.
    changed.notify_one();
    let mut events = std::pin::pin!(events);
    while let Ok(Some(event)) = timeout(SILENCE, events.next()).await {
        match event {
            Ok(WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_)) => {
                changed.notify_one();
            }
            Ok(WatchEvent::Bookmark(_)) => {}
            // 410, a proxy's word, a broken line: begin again.
            Ok(WatchEvent::Error(_)) | Err(_) => return,
        }
    }
}
