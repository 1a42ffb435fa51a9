//! Two lanes of suites beside each other. Linking a module takes one core for minutes, the Rust tests and some of the shared
//! checks wait much for control planes: two suites that go at once keep two cores busy.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Result, anyhow};

use super::report::{Report, Verdict};
use super::{CHROMIUM, checks, distribution, node, tools};
use crate::{process, project, wasi, www};

/// What the lanes know of each other.
#[derive(Debug)]
struct Lanes<'a> {
    long: bool,
    /// The program that tests and checks run.
    refit: PathBuf,
    data: Option<&'a Path>,
    /// Set when everything is fetched.
    fetched: OnceLock<()>,
    built: OnceLock<Built>,
    modules: OnceLock<Modules>,
    /// Checks that no lane has taken yet.
    left: Mutex<VecDeque<&'static str>>,
}

/// What cargo and Go built.
#[derive(Debug, Clone)]
struct Built {
    /// Whether tests, and the `refit` that they run, were built.
    tests: bool,
    plane: Option<PathBuf>,
}

/// What was made of the modules.
#[derive(Debug)]
struct Modules {
    package: bool,
    page: bool,
    wasi: Option<PathBuf>,
}

/// A control plane that is being built.
type Plane<'scope> = ScopedJoinHandle<'scope, Result<Option<PathBuf>>>;

/// Runs all suites but the longest, `fuzz`.
pub(super) fn run(report: &mut Report, long: bool, data: Option<&Path>) {
    let lanes = Lanes {
        long,
        refit: project::target().join("of-tests/refit"),
        data,
        fetched: OnceLock::new(),
        built: OnceLock::new(),
        modules: OnceLock::new(),
        left: Mutex::new(checks::CHECKS.into()),
    };
    let mut beside = report.beside();
    let beside = thread::scope(|scope| {
        // What Go builds, and what is downloaded, beside cargo.
        let plane = report
            .wants("plane")
            .then(|| scope.spawn(tools::control_plane));
        if report.is_whole() {
            scope.spawn(|| {
                fetch();
                lanes.fetched.set(())
            });
        } else {
            let _ = lanes.fetched.set(());
        }
        report.suite("format", super::format);
        let second = scope.spawn(|| {
            lanes.of_modules(&mut beside);
            beside
        });
        lanes.of_cargo(report, plane);
        second.join()
    });
    match beside {
        Ok(beside) => report.join(beside),
        Err(_) => report.missing("package", "what ran beside cargo panicked"),
    }
    // What measures time has nothing beside it.
    lanes.in_browsers(report, "speed", node::timed);
    if data.is_none() {
        report.missing(
            "shared checks",
            "no Istio data: set REFIT_ISTIO_DATA, or `cargo xtask data`",
        );
    }
}

/// Fetches what the suites need, before they do. Whoever misses something says so when it is asked for.
fn fetch() {
    for folder in ["pkg", "www", "tests"] {
        let _ = process::npm_ci(&project::root().join(folder));
    }
    let _ = tools::python();
    let _ = tools::valgrind();
    let _ = tools::chromium(&CHROMIUM);
    let _ = tools::firefox();
    let _ = tools::cyclonedx();
    let _ = tools::wasmtime();
    let _ = tools::kubectl_for_checks();
    let _ = distribution::programs();
    let _ = tools::oracles();
}

impl Lanes<'_> {
    /// What cargo builds and tests, then what is left.
    fn of_cargo(&self, report: &mut Report, plane: Option<Plane<'_>>) {
        report.suite("lints", super::lints);
        let tests = report.passes("build", || super::build(&self.refit));
        let plane = plane.and_then(|it| {
            report.prepare("plane", || {
                it.join().map_err(|_| anyhow!("its build panicked"))?
            })
        });
        self.fetched.wait();
        let built = Built { tests, plane };
        // Suites that are named fetch what they need themselves, and not two at once.
        if report.is_whole() {
            let _ = self.built.set(built.clone());
        }
        report.suite("rust", || {
            let refit = tests.then_some(&self.refit);
            super::rust(self.long, built.plane.as_ref(), refit)
        });
        let _ = self.built.set(built);
        if tests && self.modules.wait().page {
            report.suite("dist", || distribution::run(self.long, &self.refit));
        }
        self.checks(report);
    }

    /// What is made of the modules and tests them, then what is left.
    fn of_modules(&self, report: &mut Report) {
        let modules = self.modules.get_or_init(|| self.made(report));
        self.built.wait();
        if let Some(wasi) = &modules.wasi {
            report.suite("growth", || super::growth(wasi));
        }
        if modules.package {
            let mut env = vec![("REFIT", self.refit.clone())];
            env.extend(modules.wasi.clone().map(|it| ("REFIT_WASI", it)));
            report.suite("node", || node::run("node", &env));
        }
        self.in_browsers(report, "browser", node::run);
        self.checks(report);
    }

    fn made(&self, report: &mut Report) -> Modules {
        let package = report.passes("package", super::package);
        self.fetched.wait();
        if package {
            report.suite("scripts", super::scripts);
        }
        let page =
            package && report.passes("page", || www::build().map(|()| Verdict::Passed(None)));
        if page {
            report.suite("supply", || super::supply(self.long));
        }
        let wasi = report.prepare("wasi", || wasi::build().map(Some));
        Modules {
            package,
            page,
            wasi,
        }
    }

    /// A suite of `tests/browser`; with a control plane also the page of `refit serve`, before a cluster.
    fn in_browsers(
        &self,
        report: &mut Report,
        name: &str,
        run: impl FnOnce(&str, &[(&str, PathBuf)]) -> Result<Verdict>,
    ) {
        if !self.modules.wait().page {
            return;
        }
        let built = self.built.wait();
        report.suite_with(
            name,
            || tools::chromium(&CHROMIUM),
            |chromium| {
                let mut env = vec![("CHROMIUM", chromium)];
                // Its test says itself what it cannot show without it.
                env.extend(tools::firefox().ok().map(|it| ("FIREFOX", it)));
                if let Some(plane) = built.plane.as_ref().filter(|_| built.tests) {
                    env.push(("REFIT", self.refit.clone()));
                    env.extend(super::before(plane)?);
                }
                run("browser", &env)
            },
        );
    }

    /// The shared checks, one after the other, as long as the other lane leaves some.
    fn checks(&self, report: &mut Report) {
        let built = self.built.wait();
        let Some(data) = self.data.filter(|_| built.tests) else {
            return;
        };
        let next = || {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.pop_front()
        };
        while let Some(name) = next() {
            checks::run(report, name, data, &self.refit, built.plane.as_deref());
        }
    }
}
