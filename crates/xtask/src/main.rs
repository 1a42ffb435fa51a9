//! Chores of the project: `cargo xtask VERB`. One module for each verb.

use anyhow::{Result, bail};

mod bench;
mod catalog;
mod ci;
mod data;
mod dist;
mod docs;
mod facts;
mod fuzz;
mod notices;
mod pkg;
mod process;
mod project;
mod sbom;
mod schemas;
mod supply;
mod test;
mod wasi;
mod www;

const USAGE: &str = "\
usage: cargo xtask VERB

  pkg [--quick]      builds the npm package into pkg/dist (--quick: unoptimised)
  www [--quick] [--releases DIR]
                     builds the page into www/dist, with the package, real samples where there is data
  test [--long] [SUITE…]
                     everything: format, lints, Rust, Node, browser, shared checks, control plane
  ci                 test, with nothing skipped
  catalog ARCHIVE…   writes the data of istio-catalog from release archives
  facts FOLDER       writes what istio-catalog knows beyond archives: dates, support, registries, bulletins
  dist --repository URL [--url URL] [--target TRIPLE]… [--profile PROFILE] [--no-page] [--out DIR]
                     what a release hands out: static binaries, archives, image, npm package, krew, Homebrew, install.sh, sums
  docs               writes the pages of the manual, docs/manual
  bench [PART…]      size of the wasm module, speed and memory on 10,000 pods, natively, in Node, in Chromium
  fuzz [TARGET…] [--minutes N]
                     the targets of tests/fuzz, 30 minutes each
  data [VERSION…]    downloads official Istio releases, sums checked
  notices [--check]  writes the licenses of what others made into executable, package and page
  sbom               writes what they are made of as CycloneDX, below the target folder
  wasi               builds the planner as one WASI file and prints where it is
  schemas FOLDER     writes the planner's table of kinds from api/openapi-spec/v3 of a Kubernetes release (needs Go)
";

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let verb = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match verb.as_str() {
        "bench" => bench::run(&rest),
        "catalog" => catalog::run(&rest),
        "ci" => ci::run(&rest),
        "data" => data::run(&rest),
        "dist" => dist::run(&rest),
        "docs" => docs::run(&rest),
        "facts" => facts::run(&rest),
        "fuzz" => fuzz::run(&rest),
        "notices" => notices::run(&rest),
        "pkg" => pkg::run(&rest),
        "sbom" => sbom::run(&rest),
        "schemas" => schemas::run(&rest),
        "test" => test::run(&rest),
        "wasi" => wasi::run(&rest),
        "www" => www::run(&rest),
        _ => bail!("{USAGE}"),
    }
}
