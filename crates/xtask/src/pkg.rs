//! `cargo xtask pkg`: the npm package. `pkg/dist` is generated: the wasm module, its glue, and the compiled TypeScript.
//!
//! wasm-bindgen is linked as a library, so `Cargo.lock` pins both of its halves.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use brotli::CompressorWriter;
use wasm_bindgen_cli_support::Bindgen;

use crate::{process, project};

const TARGET: &str = "wasm32-unknown-unknown";

/// The most bytes that a server sends for the module. It holds everything that the page does: rendering of all releases,
/// edits, SARIF, what the editor completes.
pub(crate) const MOST: u64 = 1_000_000;

/// What wasm-opt may use: what Node 18 and browsers of 2023 know. `--all-features` makes modules that Node 20 refuses.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-call-indirect-overlong",
];

/// What wasm-opt does, in this order.
///
/// It is made for compression: LLVM has optimised already, and gives copies of a generic function the same shape. `-Oz`
/// makes the module a tenth smaller as it is, and a tenth larger as a server sends it, because it numbers the locals of
/// each copy in its own way.
const PASSES: [&str; 5] = [
    // Copies of a generic function come to stand side by side.
    "--reorder-functions-by-name",
    "--strip-debug",
    "--duplicate-function-elimination",
    "--merge-similar-functions",
    // The locals that are used most get the lowest numbers, in every copy: 3 kB less.
    "--reorder-locals",
];

/// How much time goes into the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Optimised for use.
    Full,
    /// Cargo's dev profile, not optimised: for working on the page.
    Quick,
}

impl Build {
    /// Reads `--quick`; nothing else is known.
    pub(crate) fn from_args(args: &[String]) -> Result<Self> {
        match args {
            [] => Ok(Self::Full),
            [flag] if flag == "--quick" => Ok(Self::Quick),
            _ => bail!("unknown arguments: {}", args.join(" ")),
        }
    }
}

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    build(Build::from_args(args)?)
}

/// Builds `pkg/dist`.
pub(crate) fn build(build: Build) -> Result<()> {
    add_target(TARGET)?;
    let package = project::root().join("pkg");
    process::npm_ci(&package)?;
    let dist = package.join("dist");
    let wasm = compile(build)?;
    if dist.exists() {
        fs::remove_dir_all(&dist).context("cannot empty pkg/dist")?;
    }
    bind(&wasm, &dist.join("wasm"))?;
    if build == Build::Full {
        optimise(&package, &dist.join("wasm/planner_bg.wasm"))?;
    }
    process::run(Command::new("node").current_dir(&package).args([
        "node_modules/typescript/bin/tsc",
        "-p",
        ".",
    ]))
}

/// The finished module.
pub(crate) fn module() -> PathBuf {
    project::root().join("pkg/dist/wasm/planner_bg.wasm")
}

/// Bytes of the module, as it is and as a server would send it.
pub(crate) fn sizes() -> Result<(u64, u64)> {
    let bytes = fs::read(module()).context("pkg/dist has no module")?;
    let mut packed = Vec::new();
    let mut writer = CompressorWriter::new(&mut packed, 1 << 16, 11, 24);
    io::copy(&mut bytes.as_slice(), &mut writer)?;
    drop(writer);
    Ok((bytes.len() as u64, packed.len() as u64))
}

/// Throws away the compiled module, so that it is compiled another time.
pub(crate) fn forget() -> Result<()> {
    process::run(process::cargo().current_dir(project::root()).args([
        "clean",
        "--quiet",
        "--target",
        TARGET,
        "--profile",
        "wasm",
    ]))
}

/// Installs a target of Rust's that is not there.
pub(crate) fn add_target(target: &str) -> Result<()> {
    let mut list = Command::new("rustup");
    list.args(["target", "list", "--installed"])
        .current_dir(project::root());
    let installed = process::output(&mut list)
        .context("rustup is needed for the wasm target")?
        .1;
    if installed.lines().any(|it| it == target) {
        return Ok(());
    }
    process::run(
        Command::new("rustup")
            .current_dir(project::root())
            .args(["target", "add", target]),
    )
}

fn compile(build: Build) -> Result<PathBuf> {
    let (profile, folder) = match build {
        Build::Full => ("wasm", "wasm"),
        Build::Quick => ("dev", "debug"),
    };
    process::run(process::cargo_for(TARGET).args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "istio-planner-wasm",
        "--target",
        TARGET,
        "--profile",
        profile,
    ]))?;
    Ok(project::target()
        .join(TARGET)
        .join(folder)
        .join("istio_planner_wasm.wasm"))
}

/// Writes the glue. The `web` form serves browsers, bundlers, Node and Deno.
fn bind(wasm: &Path, out: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("planner")
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .reset_state_function(true)
        .remove_producers_section(true)
        .generate(out)
        .context("wasm-bindgen cannot read the module")
}

/// Makes the module smaller for those who load it.
fn optimise(package: &Path, wasm: &Path) -> Result<()> {
    process::run(
        Command::new("node")
            .arg(package.join("node_modules/binaryen/bin/wasm-opt"))
            .args(PASSES)
            .args(FEATURES)
            .arg(wasm)
            .arg("-o")
            .arg(wasm),
    )
}
