//! Rendering beside the real Helm: CPU time and memory of whole processes, start included.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use super::{Line, built, watch};
use crate::test::tools;
use crate::{data, process};

/// The release whose charts are rendered.
const RELEASE: &str = "1.30.3";

/// Floors and ceilings of issue 4 of the project.
const TIMES_LESS_THAN_HELM: f64 = 10.0;
const PEAK: u64 = 40 << 20;
const ALL_COMPONENTS: f64 = 60.0;

/// Runs of each program: clock ticks are 10 ms long.
const RUNS: u32 = 20;

/// The demo profile with settings and components that it has not.
const CUSTOMISED: &str = "\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  profile: demo
  meshConfig:
    accessLogFile: /dev/stdout
    defaultConfig:
      holdApplicationUntilProxyStarts: true
  components:
    cni: {enabled: true}
    ztunnel: {enabled: true}
    pilot:
      k8s:
        replicaCount: 3
        env: [{name: PILOT_TRACE_SAMPLING, value: \"5\"}]
        overlays:
        - kind: Deployment
          name: istiod
          patches:
          - {path: 'spec.template.spec.containers.[name:discovery].args[-1]', value: --log_as_json}
    ingressGateways:
    - {name: istio-ingressgateway, enabled: true, k8s: {service: {type: ClusterIP}}}
  values:
    global: {proxy: {resources: {requests: {cpu: 50m}}}}
";

/// Measures; one line each.
pub(super) fn run(refit: &Path, folder: &Path, line: &mut Line<'_>) -> Result<()> {
    let data =
        data::folder().context("no Istio data: set REFIT_ISTIO_DATA, or `cargo xtask data`")?;
    let archive = data.join(format!("istio/releases/istio-{RELEASE}.tar.gz"));
    let chart = unpacked(&archive, folder)?.join("charts/istio-control/istio-discovery");
    let operator = folder.join("demo.yaml");
    fs::write(&operator, CUSTOMISED)?;

    let template = |program: &Path| {
        let mut command = Command::new(program);
        command
            .args(["template", "istiod"])
            .arg(&chart)
            .args(["-n", "istio-system"]);
        command
    };
    let (_, helm) = tools::oracles()?
        .into_iter()
        .find(|it| it.0 == "HELM")
        .context("there is no Helm")?;
    let ours = measure(|| template(refit))?;
    let helms = measure(|| template(&helm))?;
    let times = helms.cpu.as_secs_f64() / ours.cpu.as_secs_f64();
    line(
        "istiod's chart, Helm",
        format!("{:.1} ms CPU", milliseconds(helms.cpu)),
        format!("{} MiB", helms.peak >> 20),
        true,
    );
    line(
        "istiod's chart, refit",
        format!("{:.1} ms CPU", milliseconds(ours.cpu)),
        format!("{times:.0} times less, ≥ {TIMES_LESS_THAN_HELM}"),
        times >= TIMES_LESS_THAN_HELM,
    );
    line(
        "istiod's chart, refit, peak",
        format!("{} MiB", ours.peak >> 20),
        format!("≤ {} MiB", PEAK >> 20),
        ours.peak <= PEAK,
    );

    // Renders in one process, without start and without printing.
    let render_time = built(
        &["istio-render", "--example", "render_time"],
        "examples/render_time",
    )?;
    for (name, file) in [
        ("default profile", None),
        ("customised demo", Some(&operator)),
    ] {
        let (ok, text) = process::output(Command::new(&render_time).arg(&archive).args(file))?;
        ensure!(ok, "render_time failed");
        let taken: f64 = text.trim().parse()?;
        line(
            &format!("archive to objects, {name}"),
            format!("{taken:.1} ms CPU"),
            format!("≤ {ALL_COMPONENTS} ms"),
            taken <= ALL_COMPONENTS,
        );
        let measured = measure(|| {
            let mut command = Command::new(refit);
            command
                .args(["manifest", "generate", "--manifests"])
                .arg(&archive);
            if let Some(file) = file {
                command.arg("-f").arg(file);
            }
            command
        })?;
        line(
            &format!("manifests, {name}"),
            format!("{:.1} ms CPU", milliseconds(measured.cpu)),
            "start and YAML too".to_owned(),
            true,
        );
        line(
            &format!("manifests, {name}, peak"),
            format!("{} MiB", measured.peak >> 20),
            format!("≤ {} MiB", PEAK >> 20),
            measured.peak <= PEAK,
        );
    }
    Ok(())
}

/// The folder with the archive's `manifests`.
fn unpacked(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let manifests = folder.join(format!("istio-{RELEASE}/manifests"));
    if !manifests.is_dir() {
        let file =
            File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
        tar::Archive::new(GzDecoder::new(file)).unpack(folder)?;
        ensure!(
            manifests.is_dir(),
            "{} holds no istio-{RELEASE}/manifests",
            archive.display()
        );
    }
    Ok(manifests)
}

struct Measured {
    /// User and system time of one run.
    cpu: Duration,
    /// Bytes of resident memory at most.
    peak: u64,
}

fn measure(command: impl Fn() -> Command) -> Result<Measured> {
    let peak = watch(&mut quiet(command()).spawn()?)?;
    let cpu = time(RUNS, command)?;
    Ok(Measured { cpu, peak })
}

/// CPU time of one run, the mean of several.
pub(super) fn time(runs: u32, command: impl Fn() -> Command) -> Result<Duration> {
    let before = children()?;
    for _ in 0..runs {
        let status = quiet(command()).status()?;
        // 3 and 4 are verdicts, no failures.
        let is_answer = matches!(status.code(), Some(0 | 3 | 4));
        ensure!(is_answer, "{:?} ended with {status}", command());
    }
    Ok(children()?.saturating_sub(before) / runs)
}

pub(super) fn quiet(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// CPU time of all children that were waited for, as Linux counts it in ticks of 10 ms (`man proc_pid_stat`, fields 16
/// and 17).
fn children() -> Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit_once(") ").map_or("", |it| it.1).split(' ');
    let ticks: u64 = fields
        .skip(13)
        .take(2)
        .map(|it| it.parse::<u64>().unwrap_or(0))
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
