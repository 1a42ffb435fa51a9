//! One run: a plan is carried out, stopped, gone on with and put back, here and on another machine, until it has an end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use istio_planner::plan::{Action, Plan};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::ends;
use super::installation::{Installation, NAMESPACE, carry_out, key};
use super::network::{Mirrors, Process, Shared, State, Weather, connect, control, lock};
use super::witness::Witness;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::interruption::Interruption;
use crate::journal::{Journal, Reconciled, Record, copy, progress, reconcile};
use crate::lease::{Machine, machine};
use crate::output::narrator::Audience;
use crate::run::{self, Ended, Options, Predecessors, Session, Work, resume, store};

/// Attempts while things go wrong; afterwards nothing does.
const ATTEMPTS: u64 = 4;

/// Attempts in which the end has to be reached once nothing goes wrong.
const LAST: u32 = 4;

/// What somebody has the executor do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// `refit apply PLAN`.
    Apply,
    /// `refit apply --resume`.
    Resume,
    /// `refit rollback`.
    Rollback,
    /// `refit abandon`.
    Abandon,
}

/// How an attempt ended.
#[derive(Debug)]
enum End {
    Done,
    RolledBack,
    /// Others changed what the plan relies on.
    Drifted,
    /// There was nothing to do.
    Nothing,
    Stopped(String),
    Killed,
}

/// A machine on which executors run.
struct Host {
    name: &'static str,
    folder: PathBuf,
    processes: u64,
    dead: Vec<String>,
}

/// One run.
pub(super) struct Story {
    dice: Dice,
    shared: Arc<Shared>,
    hosts: [Host; 2],
    plan: Plan,
    local: bool,
    restarts: bool,
    _folder: tempfile::TempDir,
}

impl Story {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let Installation { server, plan } = Installation::new(&mut dice);
        let local = dice.chance(7);
        let restarts = dice.chance(50);
        let mut planned = server.clone();
        carry_out(&mut planned, &plan);
        let mirrors = Mirrors {
            before: server.clone(),
            planned,
            drifted: std::collections::BTreeSet::new(),
        };
        let actions = plan.steps.iter().flat_map(|it| &it.actions);
        let editable = actions
            .map(|it| key(&crate::apply::object(it)))
            .filter(|it| it.kind != "Namespace")
            .collect();
        let weather = Weather::new(Dice::new(dice.roll()), editable);
        let witness = Witness::new(&plan, local);
        let deleted = plan.steps.iter().flat_map(|it| &it.actions);
        let deleted = deleted
            .filter(|it| matches!(it, Action::Delete { .. }))
            .map(|it| key(&crate::apply::object(it)))
            .collect();
        let shared = Arc::new(Shared::new(server, weather, witness, mirrors, deleted));
        tokio::spawn(control(Arc::clone(&shared), Dice::new(dice.roll())));
        // Journals are synced again and again: memory is fast.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .expect("a folder");
        let host = |name: &'static str| Host {
            name,
            folder: folder.path().join(name),
            processes: 0,
            dead: Vec::new(),
        };
        Self {
            hosts: [host("anna@one"), host("ben@two")],
            _folder: folder,
            dice,
            shared,
            plan,
            local,
            restarts,
        }
    }

    /// Runs until nothing more is to be done; the error says what does not hold.
    pub(super) async fn run(mut self) -> Result<(), String> {
        let result = self.attempts().await;
        let violations = std::mem::take(&mut lock(&self.shared.witness).violations);
        let why = result
            .err()
            .into_iter()
            .chain(violations)
            .collect::<Vec<_>>();
        if why.is_empty() {
            return Ok(());
        }
        Err(format!("{}\n{}", why.join("\n"), self.shared.story()))
    }

    async fn attempts(&mut self) -> Result<(), String> {
        {
            let mut weather = lock(&self.shared.weather);
            weather.faults = 1 + self.dice.below(20);
            weather.hostile = self.dice.chance(15);
        }
        for number in 0..self.dice.below(ATTEMPTS) {
            self.refuse();
            let verb = if number == 0 {
                Verb::Apply
            } else {
                self.verb()
            };
            let host = usize::from(!self.local && self.dice.chance(25));
            if !self.local && self.dice.chance(25) {
                let second = self.verb();
                let after = Duration::from_millis(self.dice.below(30_000));
                let one = self.attempt(host, verb);
                let other = self.attempt(1 - host, second);
                tokio::join!(one, async {
                    sleep(after).await;
                    other.await
                });
            } else {
                self.attempt(host, verb).await;
            }
            // A process that was killed is known to be no more.
            let pause = self.dice.below(20_000) * self.dice.below(2);
            sleep(Duration::from_millis(pause)).await;
        }
        lock(&self.shared.weather).clear_up();
        // What is on its way arrives.
        sleep(Duration::from_secs(1)).await;
        self.end().await
    }

    /// Admission may refuse an object from now on, or not any more.
    fn refuse(&mut self) {
        let mut weather = lock(&self.shared.weather);
        let code = if self.dice.chance(50) { 403 } else { 500 };
        let is_refused = self.dice.chance(15);
        let key = self.dice.one(&weather.editable).cloned();
        weather.refused = key.filter(|_| is_refused).map(|it| (it, code));
        if let Some((key, code)) = &weather.refused {
            let words = format!("{} {} is refused with {code}", key.kind, key.name);
            self.shared.tell(words);
        }
    }

    fn verb(&mut self) -> Verb {
        match self.dice.below(20) {
            0..8 => Verb::Apply,
            8..14 => Verb::Resume,
            14..19 => Verb::Rollback,
            _ => Verb::Abandon,
        }
    }

    /// Nothing goes wrong any more: now there has to be an end.
    async fn end(&mut self) -> Result<(), String> {
        let host = usize::from(!self.local && self.dice.chance(30));
        let mut back = self.dice.chance(20);
        for _ in 0..LAST {
            let records = self.known(host).await?;
            let state = progress(&records);
            if state.rolled_back {
                return self.is_as_before();
            }
            let begun = !state.begun.is_empty();
            back |= state.rolling_back || state.given_up_by.is_some();
            let verb = match back && begun {
                true => Verb::Rollback,
                false if state.is_open() && !self.local && self.dice.chance(50) => Verb::Resume,
                false => Verb::Apply,
            };
            match self.attempt(host, verb).await {
                End::Done => {
                    self.is_as_planned()?;
                    if self.dice.chance(60) {
                        return Ok(());
                    }
                    back = true;
                }
                End::RolledBack => return self.is_as_before(),
                End::Drifted if lock(&self.shared.mirrors).drifted.is_empty() => {
                    return Err("nobody changed what the plan relies on, and it says so".to_owned());
                }
                End::Drifted => {
                    if progress(&self.known(host).await?).begun.is_empty() {
                        return self.is_as_before();
                    }
                    back = true;
                }
                // This machine alone knows of it, and so nothing was written: the plan is carried out from its beginning.
                End::Nothing if verb == Verb::Resume => {
                    let again = self.attempt(host, Verb::Apply).await;
                    if !matches!(again, End::Done | End::Drifted) {
                        return Err(format!("nothing goes wrong, and it ends with {again:?}"));
                    }
                }
                End::Stopped(words)
                    if words.contains("these are not as they were")
                        && !lock(&self.shared.mirrors).drifted.is_empty() =>
                {
                    return self.is_as_before();
                }
                // It says what to do: move the file away.
                End::Stopped(words) if words.contains("tell different stories") => {
                    let path = self.hosts[host]
                        .folder
                        .join(format!("{}.jsonl", self.plan.id));
                    std::fs::remove_file(path).map_err(|it| it.to_string())?;
                }
                end => {
                    return Err(format!(
                        "nothing goes wrong, and {verb:?} ends with {end:?}"
                    ));
                }
            }
        }
        Err("nothing goes wrong, and it has no end".to_owned())
    }

    /// The journal, as whoever is on a host knows it.
    async fn known(&mut self, host: usize) -> Result<Vec<Record>, String> {
        let file = Journal::peek(&self.hosts[host].folder, &self.plan.id);
        let file = file.map_err(|it| it.to_string())?;
        let (process, _) = self.process(host);
        let cluster = connect(&self.shared, &process);
        let found = copy::load(&cluster, NAMESPACE)
            .await
            .map_err(|it| it.to_string())?;
        let Some(found) = found else { return Ok(file) };
        Ok(match reconcile(&file, found.records.clone()) {
            Some(Reconciled::Behind) => file,
            _ => found.records,
        })
    }

    /// A new process on a host.
    fn process(&mut self, host: usize) -> (Arc<Process>, watch::Receiver<u32>) {
        let host = &mut self.hosts[host];
        host.processes += 1;
        let (stop, asked) = watch::channel(0);
        let process = Process {
            holder: format!("{}/boot/1/{}/1", host.name, host.processes),
            kill: Notify::new(),
            stop,
            state: Mutex::new(State {
                until_kill: None,
                until_stop: None,
                cut_off: Instant::now(),
            }),
        };
        (Arc::new(process), asked)
    }

    /// Has an executor do something, on a host, until it ends or is killed.
    fn attempt(&mut self, host: usize, verb: Verb) -> impl Future<Output = End> + use<> {
        let (process, asked) = self.process(host);
        let stormy = lock(&self.shared.weather).faults > 0;
        {
            let mut state = lock(&process.state);
            let mut sometime = |percent: u64| {
                let is_so = stormy && self.dice.chance(percent);
                is_so.then(|| 1 + self.dice.below(100))
            };
            (state.until_kill, state.until_stop) = (sometime(50), sometime(10));
        }
        let deadline = Duration::from_secs(5 + self.dice.below(200));
        let deadline = (stormy && self.dice.chance(15)).then_some(deadline);
        let half_a_line = self.dice.chance(20);
        let options = Options {
            readiness: Duration::from_mins(1),
            local: self.local,
            request: None,
            rollback_on_failure: stormy && self.dice.chance(15),
            restarts: self.restarts,
            folder: self.hosts[host].folder.clone(),
            audience: Audience::Pipe,
            stream: None,
            notifier: None,
            gates: crate::gate::Gating::Absent,
        };
        let dead: Vec<String> = {
            // Processes of a host end one after the other.
            let known = self.hosts[host].dead.clone();
            self.hosts[host].dead.push(process.holder.clone());
            known
        };
        let here = Machine {
            process: process.holder.clone(),
            dead,
        };
        let (shared, plan) = (Arc::clone(&self.shared), self.plan.clone());
        async move {
            let cluster = Arc::new(connect(&shared, &process));
            cluster.until(deadline.map(|it| Instant::now() + it));
            shared.tell(format!("{}: {verb:?}", process.holder));
            let interruption = Interruption::by(asked);
            let work = machine(here, act(verb, &cluster, &plan, &options, &interruption));
            let ended = tokio::select! {
                biased;
                () = process.kill.notified() => None,
                ended = work => Some(ended),
            };
            let end = match ended {
                None => End::Killed,
                Some(Ok(end)) => end,
                Some(Err(error)) => End::Stopped(error.words()),
            };
            if matches!(end, End::Killed) && half_a_line {
                let path = options.folder.join(format!("{}.jsonl", plan.id));
                let file = OpenOptions::new().append(true).open(path);
                let _ = file.and_then(|mut it| it.write_all(b"{\"schema\":\"refit.rec"));
            }
            lock(&shared.witness).died(&process.holder);
            shared.tell(format!("{}: {end:?}", process.holder));
            end
        }
    }

    fn is_as_planned(&self) -> Result<(), String> {
        let (server, mirrors) = (lock(&self.shared.server), lock(&self.shared.mirrors));
        ends::same(&server, &mirrors.planned, &mirrors.drifted, &self.plan)
            .map_err(|it| format!("it is done, and {it}"))
    }

    fn is_as_before(&self) -> Result<(), String> {
        let (server, mirrors) = (lock(&self.shared.server), lock(&self.shared.mirrors));
        ends::same(&server, &mirrors.before, &mirrors.drifted, &self.plan)
            .map_err(|it| format!("it is put back, and {it}"))
    }
}

/// What the verbs of the command line do, without words and questions.
async fn act(
    verb: Verb,
    cluster: &Arc<Cluster>,
    plan: &Plan,
    options: &Options,
    interruption: &Interruption,
) -> Result<End, Error> {
    let none = Predecessors::new();
    let ended = match verb {
        Verb::Apply => run::perform(cluster, plan, options, &none, interruption).await?,
        Verb::Resume => {
            let begun = resume::unfinished(cluster, NAMESPACE, &options.folder).await?;
            let Some(begun) = begun else {
                return Ok(End::Nothing);
            };
            run::perform(cluster, &begun.plan, options, &none, interruption).await?
        }
        Verb::Rollback | Verb::Abandon => {
            let lease = run::take_lease(cluster, NAMESPACE);
            let lease = interruption.unless_asked(lease).await?;
            let end = if verb == Verb::Rollback {
                roll_back(&lease, plan, options, interruption).await
            } else {
                give_up(&lease, options, interruption).await
            };
            run::release(lease).await;
            return end;
        }
    };
    Ok(match ended {
        Ended::Done => End::Done,
        Ended::Drifted(..) => End::Drifted,
    })
}

async fn roll_back(
    lease: &crate::lease::Lease,
    plan: &Plan,
    options: &Options,
    interruption: &Interruption,
) -> Result<End, Error> {
    let folder = &options.folder;
    let found =
        interruption.unless_asked(async { Ok(copy::load(lease.writer(), NAMESPACE).await?) });
    let (plan, records) = match found.await? {
        Some(found) => {
            resume::sealed(&found, NAMESPACE)?;
            (resume::plan_of(&found, folder)?, found.records)
        }
        // This machine may know what the cluster does not.
        None => match store::kept_plan(folder, &plan.id) {
            Ok(plan) => (plan, Vec::new()),
            Err(_) => return Ok(End::Nothing),
        },
    };
    resume::belongs(&plan, &records)?;
    let mut journal = Journal::open(folder, &plan.id)?;
    journal.adopt(records)?;
    if progress(journal.records()).rolled_back {
        return Ok(End::RolledBack);
    }
    if progress(journal.records()).begun.is_empty() {
        return Ok(End::Nothing);
    }
    let session = Session::open(lease, NAMESPACE, interruption, options).await?;
    session.keep_other(&plan).await?;
    let work = Work::new(&session, &plan, journal, &[]);
    run::put_back(work, &[]).await?;
    Ok(End::RolledBack)
}

async fn give_up(
    lease: &crate::lease::Lease,
    options: &Options,
    interruption: &Interruption,
) -> Result<End, Error> {
    let begun = resume::unfinished(lease.writer(), NAMESPACE, &options.folder).await?;
    let Some(begun) = begun.filter(|it| !progress(&it.records).rolling_back) else {
        return Ok(End::Nothing);
    };
    let session = Session::open(lease, NAMESPACE, interruption, options).await?;
    Work::begun(&session, &begun)?.give_up().await?;
    Ok(End::Nothing)
}
