//! Tells others by a webhook what happens: a record for programs, a line for a chat, signed.
//!
//! Nothing waits for it but the end of the run, and that for seconds: who listens must not be able to stop an upgrade.

use std::fmt;
use std::io::Read as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use istio_planner::plan::Plan;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Uri;

use super::stream::without_former;
use crate::http;
use crate::journal::seal::{hex, hmac};
use crate::journal::{Event, Record, summary};

/// The header that holds the signature: `sha256=` and the HMAC of the body in hexadecimal, as GitHub's webhooks have it.
pub const SIGNATURE: &str = "X-Refit-Signature-256";

/// Messages that wait at most; more are dropped.
const WAITING: usize = 256;

/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long all that is left may take at the end of a run.
const GRACE: Duration = Duration::from_secs(10);

/// Failures in a row after which nothing is sent any more.
const FAILURES: u32 = 3;

/// Where to, and signed with what.
#[derive(Clone)]
pub struct Address {
    url: Uri,
    key: Option<Vec<u8>>,
}

/// The address may be a secret itself, and the key is one.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host())
    }
}

impl Address {
    /// Reads `http://…` or `https://…`.
    ///
    /// # Errors
    ///
    /// Where it is another thing.
    pub fn new(url: &str) -> Result<Self, String> {
        let parsed: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
        let web = matches!(parsed.scheme_str(), Some("http" | "https"));
        if !web || parsed.host().is_none() {
            return Err("expected a URL that begins with https:// or http://".to_owned());
        }
        Ok(Self {
            url: parsed,
            key: None,
        })
    }

    /// Signs what is sent.
    #[must_use]
    pub fn signed(self, key: Option<Vec<u8>>) -> Self {
        Self { key, ..self }
    }

    fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }
}

/// Tells a webhook what happens.
pub struct Notifier {
    queue: Option<SyncSender<Message>>,
    worker: Option<JoinHandle<()>>,
    /// Since when nothing more is told.
    over: Arc<OnceLock<Instant>>,
    /// The context of the cluster, as the run that began names it.
    cluster: OnceLock<String>,
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}

#[derive(Debug)]
struct Message {
    body: String,
    event: String,
}

impl Notifier {
    /// Begins to listen; what is told is sent in its order.
    pub fn new(address: Address) -> Self {
        let (queue, messages) = sync_channel(WAITING);
        let over = Arc::new(OnceLock::new());
        let ends = Arc::clone(&over);
        let worker = thread::spawn(move || send_all(&address, &messages, &ends));
        Self {
            queue: Some(queue),
            worker: Some(worker),
            over,
            cluster: OnceLock::new(),
        }
    }

    /// Tells a record, unless it is one of very many: those of single actions are not sent.
    pub fn tell(&self, plan: &Plan, record: &Record) {
        if let Event::RunBegan {
            cluster: Some(cluster),
            ..
        } = &record.event
        {
            // The address that stands behind the context is nobody's business.
            let context = cluster.split(" (").next().unwrap_or(cluster);
            let _ = self.cluster.set(context.to_owned());
        }
        let Some(words) = words(plan, &record.event) else {
            return;
        };
        let record = json!(without_former(record));
        let event = record["event"].as_str().unwrap_or_default().to_owned();
        let body = self.body(plan, &words, &record).to_string();
        if let Some(queue) = &self.queue {
            // One that does not fit is dropped: nothing waits for a webhook.
            let _ = queue.try_send(Message { body, event });
        }
    }

    /// What is sent. `text` is what chats show (Slack, Mattermost and others read this field).
    fn body(&self, plan: &Plan, words: &str, record: &Value) -> Value {
        let source = plan.source.as_deref().unwrap_or("unknown");
        let cluster = self.cluster.get();
        let on = cluster.map(|it| format!(" on {it}")).unwrap_or_default();
        let text = format!("Istio {source} → {}{on}: {words}", plan.target);
        // A chat reads `<` as the beginning of a link or a mention.
        let text = super::line(&text)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        json!({
            "text": text,
            "record": record,
            "source": plan.source,
            "target": plan.target,
            "cluster": cluster,
        })
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        let _ = self.over.set(Instant::now());
        drop(self.queue.take());
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// What happened, in a line; nothing where it is not worth one.
fn words(plan: &Plan, event: &Event) -> Option<String> {
    let title = |id: &str| {
        let step = plan.steps.iter().find(|it| it.id == id);
        step.map_or(id, |it| it.title.as_str()).to_owned()
    };
    let words = match event {
        Event::RunBegan { by, .. } => format!("begun by {by}"),
        Event::StepEnded { step } => format!("✓ {}", title(step)),
        Event::Held { step, reason } => format!("{} waits: {reason}", title(step)),
        Event::WaitGivenUp { object, reason, .. } => {
            format!(
                "{} is left as it is: {reason}",
                crate::cluster::name(object)
            )
        }
        Event::Failed { step, reason } => format!("✗ {}: {reason}", title(step)),
        Event::Finished => "done".to_owned(),
        Event::GivenUp { by } => format!("given up by {by}"),
        Event::RollbackBegan => "is being rolled back".to_owned(),
        Event::NotRestored { object, reason } => format!(
            "{} was put back and is not as it was: {reason}",
            crate::cluster::name(object)
        ),
        Event::RolledBack => "rolled back".to_owned(),
        Event::Judged { step, readings, .. } => {
            format!("{}: gates: {}", title(step), summary(readings))
        }
        Event::StepBegan { .. }
        | Event::BaselineTaken { .. }
        | Event::ActionBegan { .. }
        | Event::ActionEnded { .. }
        | Event::ActionSkipped { .. }
        | Event::LockTaken { .. }
        | Event::Restored { .. } => return None,
    };
    Some(words)
}

/// Sends what comes until nobody is left who tells; what is left then has seconds.
fn send_all(address: &Address, messages: &Receiver<Message>, over: &OnceLock<Instant>) {
    let agent = agent();
    let mut failures = 0;
    for message in messages {
        if over.get().is_some_and(|it| it.elapsed() > GRACE) {
            return;
        }
        let Err(error) = send(&agent, address, &message) else {
            failures = 0;
            continue;
        };
        failures += 1;
        let ends = failures == FAILURES;
        let more = if ends {
            "; it is told nothing more"
        } else {
            ""
        };
        super::warning(&format!(
            "the webhook at {} was not told ({error}){more}",
            address.host()
        ));
        if ends {
            return;
        }
    }
}

fn send(agent: &Agent, address: &Address, message: &Message) -> Result<(), String> {
    let mut request = agent
        .post(&address.url)
        .header("Content-Type", "application/json")
        .header("X-Refit-Event", &message.event);
    if let Some(key) = &address.key {
        let signature = hmac(key, message.body.as_bytes());
        let signature = hex(&signature);
        request = request.header(SIGNATURE, format!("sha256={signature}"));
    }
    let mut answer = request
        .send(message.body.as_str())
        .map_err(|it| plain(&it))?;
    // A connection is used again only when its answer was read.
    let mut some = [0; 4096];
    let _ = answer.body_mut().as_reader().read(&mut some);
    Ok(())
}

/// An error without the address, which may be a secret.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(code) => format!("status {code}"),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "its host is not known".to_owned(),
        ureq::Error::Io(error) => error.kind().to_string(),
        _ => "it cannot be reached".to_owned(),
    }
}

fn agent() -> Agent {
    http::agent(|it| it.max_redirects(0).timeout_global(Some(PATIENCE)))
}

#[cfg(test)]
mod tests;
