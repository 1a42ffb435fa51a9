//! What lies between an executor and the server: time, faults, lost answers, outages; and others who write meanwhile.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Response, StatusCode};
use kube::Client;
use kube::client::Body;
use kube_model::{Answer, Key, Request, Server, failure};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tower_test::mock::{self, SendResponse};

use super::dice::Dice;
use super::installation::edit;
use super::witness::Witness;
use crate::clock::simulated;
use crate::cluster::Cluster;

/// The annotation that somebody writes whom no plan concerns.
pub(super) const NOTE: &str = "example.com/note";

/// A watch that has nothing to tell ends after so long.
const WATCH: Duration = Duration::from_secs(4);

/// What goes wrong, as long as it may.
pub(super) struct Weather {
    pub(super) dice: Dice,
    /// Of a hundred requests.
    pub(super) faults: u64,
    /// The server is away until then, and knows nobody's rights until then.
    away: Instant,
    warming: Instant,
    /// An object that admission refuses, and in what way.
    pub(super) refused: Option<(Key, u16)>,
    /// Objects that others may edit.
    pub(super) editable: Vec<Key>,
    /// Others also edit what the plan writes.
    pub(super) hostile: bool,
}

impl Weather {
    pub(super) fn new(dice: Dice, editable: Vec<Key>) -> Self {
        let now = Instant::now();
        Self {
            dice,
            faults: 0,
            away: now,
            warming: now,
            refused: None,
            editable,
            hostile: false,
        }
    }

    /// From now on nothing goes wrong.
    pub(super) fn clear_up(&mut self) {
        self.faults = 0;
        self.refused = None;
        self.hostile = false;
        self.away = Instant::now();
        self.warming = self.away;
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.faults > 0 && self.dice.chance(percent)
    }
}

/// The cluster as it would be without the executor, or with all that the plan wants; with what others wrote.
pub(super) struct Mirrors {
    pub(super) before: Server,
    pub(super) planned: Server,
    /// Objects that others changed where the plan writes.
    pub(super) drifted: BTreeSet<Key>,
}

/// What executors, controllers and others share.
pub(super) struct Shared {
    pub(super) server: Mutex<Server>,
    pub(super) weather: Mutex<Weather>,
    pub(super) witness: Mutex<Witness>,
    pub(super) mirrors: Mutex<Mirrors>,
    /// What happened, for whoever has to find out why.
    told: Mutex<Vec<String>>,
    began: Instant,
    /// What the plan deletes.
    deleted: BTreeSet<Key>,
    /// Every request is told.
    loud: bool,
}

pub(super) fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        server: Server,
        weather: Weather,
        witness: Witness,
        mirrors: Mirrors,
        deleted: BTreeSet<Key>,
    ) -> Self {
        Self {
            server: Mutex::new(server),
            weather: Mutex::new(weather),
            witness: Mutex::new(witness),
            mirrors: Mutex::new(mirrors),
            told: Mutex::default(),
            began: Instant::now(),
            deleted,
            loud: std::env::var_os("REFIT_SEED").is_some(),
        }
    }

    pub(super) fn tell(&self, words: String) {
        let at = self.began.elapsed().as_secs_f64();
        lock(&self.told).push(format!("{at:9.3} {words}"));
    }

    pub(super) fn story(&self) -> String {
        lock(&self.told).join("\n")
    }

    /// Somebody else edits an object, for good or for ill.
    fn meddle(&self) {
        let mut weather = lock(&self.weather);
        let hostile = weather.hostile && weather.dice.chance(15);
        if !hostile && !weather.percent(3) {
            return;
        }
        let Weather { dice, editable, .. } = &mut *weather;
        let Some(key) = dice.one(editable).cloned() else {
            return;
        };
        let number = dice.below(1000).to_string();
        drop(weather);
        let hostile = hostile && key.kind == "ConfigMap";
        let patch = if hostile {
            json!({ "data": { "mesh": number, "config": number, "root": number } })
        } else {
            json!({ "metadata": { "annotations": { NOTE: number } } })
        };
        let request = edit(&key, "kubectl-edit", patch);
        if lock(&self.server).answer(&request).status != 200 {
            return;
        }
        self.tell(format!(
            "somebody writes {} {}: {}",
            key.kind, key.name, request.body
        ));
        let mut mirrors = lock(&self.mirrors);
        mirrors.before.answer(&request);
        mirrors.planned.answer(&request);
        // Whoever is to delete an object relies on all of it.
        if hostile || self.deleted.contains(&key) {
            mirrors.drifted.insert(key);
        }
    }
}

/// A process of an executor.
pub(super) struct Process {
    /// By which it takes the lease.
    pub(super) holder: String,
    /// Ends it, wherever it is.
    pub(super) kill: Notify,
    /// Asks it to stop.
    pub(super) stop: watch::Sender<u32>,
    pub(super) state: Mutex<State>,
}

/// What becomes of a process.
pub(super) struct State {
    /// Requests until it is killed.
    pub(super) until_kill: Option<u64>,
    /// Requests until it is asked to stop.
    pub(super) until_stop: Option<u64>,
    /// Nothing of it gets through until then.
    pub(super) cut_off: Instant,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It never arrives.
    Unreached,
    /// It never arrives, and nothing tells so.
    Swallowed,
    /// It is answered by this, and nothing is done.
    Refused(u16),
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is done, and nothing is ever answered.
    Silence,
    /// It is done, and the server says that it took too long.
    TookLong,
    /// It is done, and half the answer arrives.
    Cut,
    /// It is done, and the answer takes its time.
    Slow,
}

/// What becomes of a request, decided as it is sent.
struct Fate {
    fault: Option<Fault>,
    early: Duration,
    late: Duration,
    /// Its sender dies meanwhile: before it is sent (it may be on its way all the same), or after it was answered.
    kill: Option<bool>,
}

/// Returns a way to the server for a process.
pub(super) fn connect(shared: &Arc<Shared>, process: &Arc<Process>) -> Cluster {
    let (service, handle) = mock::pair::<http::Request<Body>, Response<Body>>();
    let (shared, process) = (Arc::clone(shared), Arc::clone(process));
    tokio::spawn(async move {
        let mut handle = pin!(handle);
        while let Some((request, send)) = handle.next_request().await {
            tokio::spawn(serve(
                Arc::clone(&shared),
                Arc::clone(&process),
                request,
                send,
            ));
        }
    });
    Cluster::new(Client::new(service, "default"))
}

fn fate(shared: &Shared, process: &Process) -> Fate {
    let mut weather = lock(&shared.weather);
    let mut state = lock(&process.state);
    let now = Instant::now();
    let mut kill = None;
    if let Some(left) = &mut state.until_kill {
        *left = left.saturating_sub(1);
        if *left == 0 {
            state.until_kill = None;
            kill = Some(weather.dice.chance(50));
        }
    }
    if let Some(left) = &mut state.until_stop {
        *left = left.saturating_sub(1);
        if *left == 0 {
            state.until_stop = weather.dice.chance(40).then(|| 1 + weather.dice.below(10));
            process.stop.send_modify(|it| *it += 1);
        }
    }
    if weather.percent(1) {
        let away = Duration::from_millis(weather.dice.below(60_000));
        weather.away = now + away;
        weather.warming = weather.away + Duration::from_secs(5);
        shared.tell(format!("the server is away for {away:?}"));
    }
    if weather.percent(1) {
        let cut = Duration::from_millis(weather.dice.below(60_000));
        state.cut_off = now + cut;
        shared.tell(format!("{} is cut off for {cut:?}", process.holder));
    }
    if weather.percent(1) {
        let by = i64::try_from(weather.dice.below(80_000)).unwrap_or_default() - 40_000;
        simulated::jump(by);
        shared.tell(format!("the clock jumps by {by} ms"));
    }
    let faults = weather.faults;
    let is_faulty = weather.dice.chance(faults);
    let fault = if now < weather.away {
        Some(Fault::Unreached)
    } else if now < state.cut_off {
        Some(Fault::Swallowed)
    } else if now < weather.warming && weather.dice.chance(50) {
        Some(Fault::Refused(403))
    } else if is_faulty {
        let all = [
            Fault::Unreached,
            Fault::Swallowed,
            Fault::Refused(503),
            Fault::Refused(500),
            Fault::Refused(429),
            Fault::Unreached,
            Fault::AnswerLost,
            Fault::AnswerLost,
            Fault::AnswerLost,
            Fault::AnswerLost,
            Fault::Silence,
            Fault::TookLong,
            Fault::Cut,
            Fault::Slow,
        ];
        weather.dice.one(&all).copied()
    } else {
        None
    };
    let late = if fault == Some(Fault::Slow) {
        25_000
    } else {
        200
    };
    Fate {
        fault,
        early: Duration::from_millis(weather.dice.below(200)),
        late: Duration::from_millis(weather.dice.below(late)),
        kill,
    }
}

/// Answers one request, or not, now or later.
async fn serve(
    shared: Arc<Shared>,
    process: Arc<Process>,
    request: http::Request<Body>,
    send: SendResponse<Response<Body>>,
) {
    let request = read(request).await;
    if request.query.contains("watch=") {
        sleep(WATCH).await;
        send.send_response(Response::new(Body::empty()));
        return;
    }
    shared.meddle();
    let fate = fate(&shared, &process);
    if shared.loud {
        let fault = fate
            .fault
            .map(|it| format!(" ({it:?})"))
            .unwrap_or_default();
        let kill = fate.kill.map_or("", |it| {
            if it {
                " (dies before)"
            } else {
                " (dies after)"
            }
        });
        shared.tell(format!(
            "{} {} {}{}{fault}{kill}",
            process.holder,
            request.method,
            request.path,
            if request.is_dry() { " (dry)" } else { "" },
        ));
    }
    lock(&shared.witness).sent(&lock(&shared.server), &process.holder, &request);
    if fate.kill == Some(true) {
        lock(&shared.witness).died(&process.holder);
        process.kill.notify_one();
        let is_on_its_way = lock(&shared.weather).dice.chance(50);
        if !is_on_its_way {
            return;
        }
    }
    sleep(fate.early).await;
    match fate.fault {
        Some(Fault::Unreached) => return send.send_error("connection refused"),
        Some(Fault::Swallowed) => return sleep(Duration::from_hours(1)).await,
        Some(Fault::Refused(code)) => {
            return reply(send, &failure(code, "not now"), false);
        }
        _ => {}
    }
    let answer = perform(&shared, &process, &request);
    sleep(fate.late).await;
    match fate.fault {
        Some(Fault::AnswerLost) => send.send_error("connection reset"),
        Some(Fault::Silence) => sleep(Duration::from_hours(1)).await,
        Some(Fault::TookLong) => reply(send, &failure(504, "it took too long"), false),
        fault => reply(send, &answer, fault == Some(Fault::Cut)),
    }
    if fate.kill == Some(false) {
        let moment = Duration::from_millis(lock(&shared.weather).dice.below(50));
        sleep(moment).await;
        lock(&shared.witness).died(&process.holder);
        process.kill.notify_one();
    }
}

fn perform(shared: &Shared, process: &Process, request: &Request) -> Answer {
    let refused = lock(&shared.weather).refused.clone();
    if let Some((key, code)) = refused
        && request.method != "GET"
        && request.key().as_ref() == Some(&key)
    {
        let words = if code == 500 {
            "Internal error occurred: failed calling webhook \"policy.example.com\": no endpoints available"
        } else {
            "admission webhook \"policy.example.com\" denied the request: no"
        };
        return failure(code, words);
    }
    let mut server = lock(&shared.server);
    let now = crate::clock::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    server.at(now);
    let answer = server.answer(request);
    if let Some(changed) = &answer.changed {
        lock(&shared.witness).stored(&server, &process.holder, request, changed);
    }
    if shared.loud && answer.status >= 300 {
        shared.tell(format!(
            "  answered {} {}",
            answer.status, answer.body["message"]
        ));
    }
    answer
}

async fn read(request: http::Request<Body>) -> Request {
    let (parts, body) = request.into_parts();
    let bytes = body.collect_bytes().await.unwrap_or_default();
    let header = parts.headers.get(http::header::CONTENT_TYPE);
    Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: header
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

fn reply(send: SendResponse<Response<Body>>, answer: &Answer, cut: bool) {
    let mut bytes = answer.body.to_string().into_bytes();
    if cut {
        bytes.truncate(bytes.len() / 2);
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    send.send_response(response);
}

/// Lets controllers work until the end.
pub(super) async fn control(shared: Arc<Shared>, mut dice: Dice) {
    loop {
        let _ = timeout(
            Duration::from_secs(1 + dice.below(3)),
            std::future::pending::<()>(),
        )
        .await;
        let works = !lock(&shared.weather).percent(30);
        let mut server = lock(&shared.server);
        for key in super::controllers::deployments(&server) {
            if !server.collect(&key) {
                super::controllers::roll(&mut server, &key, works);
            }
        }
    }
}
