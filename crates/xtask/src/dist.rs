//! `cargo xtask dist`: what a release hands out. The same sources make the same bytes.
//!
//! For each target a static binary with the page built in and an archive of it with licenses, pages for `man`,
//! completion and what it is made of; an image for `refit job` as an OCI archive; the npm package, ready to be published;
//! what krew, Homebrew and `curl | sh` read; and sums of all. Where the repository lies nobody but who releases knows:
//! `--repository` says it, and nothing else does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::{pkg, process, project, sbom, www};

mod channels;
mod files;
mod image;
mod npm;

use files::{File, packed};

/// A target, and what it is called elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    triple: &'static str,
    /// As Go, OCI and krew call it.
    arch: &'static str,
    /// The compilers that make its C, in the order of preference.
    compilers: &'static [&'static str],
}

/// All of them; the first runs where releases are made.
pub(crate) const TARGETS: [Target; 2] = [
    Target {
        triple: "x86_64-unknown-linux-musl",
        arch: "amd64",
        compilers: &["musl-gcc", "x86_64-linux-musl-gcc"],
    },
    Target {
        triple: "aarch64-unknown-linux-musl",
        arch: "arm64",
        compilers: &["aarch64-linux-musl-gcc", "aarch64-linux-gnu-gcc"],
    },
];

/// Completion scripts, each with the name that its shell looks for.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "refit.bash"),
    ("elvish", "refit.elv"),
    ("fish", "refit.fish"),
    ("powershell", "refit.ps1"),
    ("zsh", "_refit"),
];

/// What kubectl asks for completion of the plugin, beside the executable.
const COMPLETE: &str = "#!/bin/sh\nexec \"$(dirname \"$0\")/refit\" __complete \"$@\"\n";

const USAGE: &str = "\
usage: cargo xtask dist --repository URL [--url URL] [--guide URL] [--target TRIPLE]… [--profile PROFILE] [--no-page] [--out DIR]
  --repository URL   where the sources lie; nothing here knows it
  --url URL          where the archives are going to lie; without it, where GitHub puts those of REPOSITORY's tag
  --guide URL        where the page's guide.html is going to lie: codes on a terminal lead there
  --target TRIPLE    only this one
  --profile PROFILE  a profile of cargo, instead of dist
  --no-page          without the page in the binary, and without the npm package
  --out DIR          the folder, instead of distribution below the target folder; what is in it goes";

/// How a release is made.
#[derive(Debug)]
struct Options {
    release: Release,
    /// Only these targets.
    targets: Vec<String>,
    /// A cargo profile: `dist`, unless something is to be tried.
    profile: String,
    /// Without the page.
    no_page: bool,
    /// Where the guide is going to lie.
    guide: Option<String>,
    out: PathBuf,
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let (mut repository, mut url, mut guide, mut out) = (None, None, None, None);
        let (mut targets, mut profile, mut no_page) = (Vec::new(), "dist".to_owned(), false);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().cloned().context(format!("{arg} needs a value"));
            match arg.as_str() {
                "--repository" => repository = Some(value()?),
                "--url" => url = Some(value()?),
                "--guide" => guide = Some(value()?),
                "--target" => targets.push(value()?),
                "--profile" => profile = value()?,
                "--no-page" => no_page = true,
                "--out" => out = Some(PathBuf::from(value()?)),
                _ => bail!("{USAGE}"),
            }
        }
        let repository = repository.context(USAGE)?;
        Ok(Self {
            release: Release::new(&repository, url.as_deref())?,
            targets,
            profile,
            no_page,
            guide,
            out: out.unwrap_or_else(|| project::target().join("distribution")),
        })
    }
}

/// What is said of a release wherever it is handed out.
#[derive(Debug)]
pub(crate) struct Release {
    version: &'static str,
    /// Where the sources lie.
    repository: String,
    /// Where the archives are going to lie.
    url: String,
    /// The time of every file, in seconds since 1970 (`SOURCE_DATE_EPOCH`, else the beginning).
    time: u64,
    /// The texts on licenses.
    words: Vec<(&'static str, Vec<u8>)>,
}

impl Release {
    /// Of these sources; `url` is where GitHub puts the files of a release, where nothing else is said.
    pub(crate) fn new(repository: &str, url: Option<&str>) -> Result<Self> {
        let version = env!("CARGO_PKG_VERSION");
        let repository = repository.trim_end_matches('/').trim_end_matches(".git");
        ensure!(
            repository.starts_with("https://"),
            "--repository has to be an address that begins with https://, as registries want it"
        );
        let url = url.map_or_else(
            || format!("{repository}/releases/download/v{version}"),
            |it| it.trim_end_matches('/').to_owned(),
        );
        let time = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text
                .parse()
                .with_context(|| format!("SOURCE_DATE_EPOCH={text} is no number of seconds"))?,
            Err(_) => 0,
        };
        let read =
            |path: &str| fs::read(project::root().join(path)).with_context(|| path.to_owned());
        Ok(Self {
            version,
            repository: repository.to_owned(),
            url,
            time,
            words: vec![
                ("LICENSE", read("LICENSE")?),
                (
                    "NOTICES.txt",
                    read("crates/istio-executor/data/notices.txt")?,
                ),
            ],
        })
    }
}

/// An archive that was made.
struct Made {
    target: Target,
    name: String,
    sum: String,
}

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::read(args)?;
    if !options.no_page {
        pkg::build(pkg::Build::Full)?;
        www::build()?;
    }
    let contents = Contents {
        profile: &options.profile,
        page: !options.no_page,
        guide: options.guide.as_deref(),
    };
    let mut binaries = Vec::new();
    for target in TARGETS {
        let named = |it: &String| it == target.triple || it == target.arch;
        if !options.targets.is_empty() && !options.targets.iter().any(named) {
            continue;
        }
        match able(&target) {
            Ok(compiler) => binaries.push((
                target,
                compile(&target, compiler, contents, &project::target())?,
            )),
            Err(why) => say(&format!("{}: not made, {why}", target.triple)),
        }
    }
    write(&options.release, &binaries, !options.no_page, &options.out)?;
    say(&options.out.display().to_string());
    Ok(())
}

/// Writes everything of a release into a folder that is emptied before. The first of its binaries has to run here; the
/// npm package is the one of `pkg/dist`.
pub(crate) fn write(
    release: &Release,
    binaries: &[(Target, PathBuf)],
    package: bool,
    out: &Path,
) -> Result<()> {
    let (_, first) = binaries.first().context("no target could be made")?;
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    fs::create_dir_all(out)?;
    let version = release.version;
    let mut beside = pages(first)?;
    let [of_binary, of_package, _] = sbom::write()?;
    let parts = fs::read(of_binary)?;
    fs::write(out.join(format!("refit-{version}.cdx.json")), &parts)?;
    beside.push(File::data("sbom.cdx.json", parts));
    for (name, bytes) in &release.words {
        beside.push(File::data(name, bytes.clone()));
    }
    for name in ["README.md", "CHANGELOG.md"] {
        beside.push(File::data(name, fs::read(project::root().join(name))?));
    }
    beside.push(File::program("kubectl_complete-refit", COMPLETE.into()));
    let mut made = Vec::new();
    for (target, binary) in binaries {
        let program = fs::read(binary)?;
        let folder = format!("refit-{version}-linux-{}", target.arch);
        let name = format!("{folder}.tar.gz");
        let mut files = beside.clone();
        files.push(File::program("refit", program));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let archive = packed(&folder, &files, release.time)?;
        fs::write(out.join(&name), &archive)?;
        made.push(Made {
            target: *target,
            sum: sum(&archive),
            name,
        });
    }
    let name = format!("refit-{version}-image.tar");
    fs::write(out.join(name), image(release, binaries)?)?;
    channels::write(out, release, &made)?;
    if package {
        npm::pack(release, out)?;
        let name = format!("refit-planner-{version}.cdx.json");
        fs::copy(of_package, out.join(name))?;
    }
    sums(out)
}

/// Says how it goes.
#[expect(clippy::print_stdout, reason = "a chore says what it made")]
fn say(line: &str) {
    println!("{line}");
}

/// The C compiler of a target (`ring` is written in it, in part), or why it cannot be made here.
fn able(target: &Target) -> Result<&'static str, String> {
    pkg::add_target(target.triple)
        .map_err(|_| "there is no standard library of Rust for it".to_owned())?;
    let there = |it: &&&str| process::is_there(it, "--version");
    let found = target.compilers.iter().find(there).copied();
    found.ok_or_else(|| format!("there is none of {:?}", target.compilers))
}

/// Builds refit for a target below a folder, as a release does.
pub(crate) fn build(target: &Target, below: &Path, page: bool) -> Result<PathBuf> {
    let compiler = able(target).map_err(|it| anyhow::anyhow!("{}: {it}", target.triple))?;
    let contents = Contents {
        profile: "dist",
        page,
        guide: None,
    };
    compile(target, compiler, contents, below)
}

/// Packs binaries as an image.
pub(crate) fn image(release: &Release, binaries: &[(Target, PathBuf)]) -> Result<Vec<u8>> {
    let read = |(target, path): &(Target, PathBuf)| Ok((target.arch, fs::read(path)?));
    let programs: Vec<_> = binaries.iter().map(read).collect::<Result<_>>()?;
    image::image(&programs, release)
}

/// What goes into a binary.
#[derive(Debug, Clone, Copy)]
struct Contents<'a> {
    profile: &'a str,
    page: bool,
    /// Where the guide is going to lie.
    guide: Option<&'a str>,
}

/// Compiles it. Nothing of this machine gets into it: paths are cut, and nothing is incremental.
fn compile(
    target: &Target,
    compiler: &str,
    contents: Contents<'_>,
    below: &Path,
) -> Result<PathBuf> {
    let profile = contents.profile;
    let triple = target.triple;
    let home = process::cargo_home().display().to_string();
    let root = project::root();
    let flags = [
        format!("--remap-path-prefix={}=.", root.display()),
        format!("--remap-path-prefix={}=target", below.display()),
        format!("--remap-path-prefix={home}=cargo"),
        "-Ctarget-feature=+crt-static".to_owned(),
        "-Clinker=rust-lld".to_owned(),
        "-Cstrip=symbols".to_owned(),
    ];
    let mut command = process::cargo();
    command
        .current_dir(&root)
        .args([
            "build",
            "--locked",
            "--quiet",
            "--package",
            "istio-executor",
            "--bin",
            "refit",
        ])
        .args(["--profile", profile, "--target", triple])
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", below)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env(format!("CC_{}", triple.replace('-', "_")), compiler)
        .env(
            format!("CFLAGS_{}", triple.replace('-', "_")),
            format!(
                "-ffile-prefix-map={}=. -ffile-prefix-map={home}=cargo",
                root.display()
            ),
        );
    if contents.page {
        command.env("REFIT_PAGE_DIR", "www/dist");
    } else {
        command.env_remove("REFIT_PAGE_DIR");
    }
    match contents.guide {
        Some(url) => command.env("REFIT_GUIDE_URL", url),
        None => command.env_remove("REFIT_GUIDE_URL"),
    };
    process::run(&mut command)?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(below.join(triple).join(folder).join("refit"))
}

/// Pages for man and completion scripts, as a binary that runs here writes them.
fn pages(binary: &Path) -> Result<Vec<File>> {
    let folder = tempfile::tempdir()?;
    process::run(
        Command::new(binary)
            .args(["manual", "--man"])
            .arg(folder.path()),
    )
    .context("the first binary has to run on this machine")?;
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder.path())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        pages.push(File::data(&format!("man/{name}"), fs::read(&path)?));
    }
    for (shell, name) in SHELLS {
        let (fine, script) = process::output(Command::new(binary).args(["completion", shell]))?;
        ensure!(fine, "no completion for {shell}");
        pages.push(File::data(
            &format!("completions/{name}"),
            script.into_bytes(),
        ));
    }
    Ok(pages)
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn sums(out: &Path) -> Result<()> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_file() {
            lines.push(format!("{}  {name}\n", sum(&fs::read(&path)?)));
        }
    }
    lines.sort_by(|a, b| a[64..].cmp(&b[64..]));
    Ok(fs::write(out.join("SHA256SUMS"), lines.concat())?)
}

/// A SHA-256 in hexadecimal digits.
fn sum(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, it| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{it:02x}");
            text
        })
}
