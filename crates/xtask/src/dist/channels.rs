//! What krew, Homebrew and `curl | sh` read of a release: where its archives lie, and their sums.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Made, Release};

const ABOUT: &str = "Plans and performs in-place upgrades of Istio";

const DESCRIPTION: &str = "Says from the cluster, or from exported files, whether Istio can be upgraded or downgraded in \
    place, with evidence and what to do; shows what would change, performs exactly that plan, resumes after any \
    interruption, and can undo it.";

/// Writes all of them.
pub(super) fn write(out: &Path, release: &Release, made: &[Made]) -> Result<()> {
    fs::write(
        out.join("istio-upgrade.yaml"),
        kube_yaml::to_string(&krew(release, made)),
    )?;
    fs::write(out.join("refit.rb"), formula(release, made))?;
    fs::write(out.join("install.sh"), script(release, made))?;
    Ok(())
}

/// The manifest of the plugin `kubectl istio-upgrade` (krew.googlecontainertools.github.com/v1alpha2).
fn krew(release: &Release, made: &[Made]) -> Value {
    let platform = |it: &Made| {
        let folder = it.name.trim_end_matches(".tar.gz");
        let file = |name: &str| json!({"from": format!("{folder}/{name}"), "to": "."});
        json!({
            "selector": {"matchLabels": {"os": "linux", "arch": it.target.arch}},
            "uri": format!("{}/{}", release.url, it.name),
            "sha256": it.sum,
            "bin": "refit",
            "files": [file("refit"), file("LICENSE"), file("NOTICES.txt")],
        })
    };
    json!({
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "istio-upgrade"},
        "spec": {
            "version": format!("v{}", release.version),
            "homepage": release.repository,
            "shortDescription": ABOUT,
            "description": DESCRIPTION,
            "platforms": made.iter().map(platform).collect::<Vec<_>>(),
        },
    })
}

/// A formula of Homebrew, for Linux.
fn formula(release: &Release, made: &[Made]) -> String {
    let mut blocks = String::new();
    for it in made {
        let block = if it.target.arch == "arm64" {
            "on_arm"
        } else {
            "on_intel"
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            blocks,
            "  {block} do\n    url \"{}/{}\"\n    sha256 \"{}\"\n  end\n",
            release.url, it.name, it.sum
        );
    }
    format!(
        r##"class Refit < Formula
  desc "{ABOUT}"
  homepage "{repository}"
  version "{version}"
  license "Apache-2.0"

{blocks}  depends_on :linux

  def install
    bin.install "refit", "kubectl_complete-refit"
    bin.install_symlink bin/"refit" => "kubectl-refit"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/refit.bash" => "refit"
    zsh_completion.install "completions/_refit"
    fish_completion.install "completions/refit.fish"
    doc.install "LICENSE", "NOTICES.txt", "sbom.cdx.json"
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/refit version")
  end
end
"##,
        repository = release.repository,
        version = release.version,
    )
}

/// A script that installs the archive of this machine, if its sum is right.
fn script(release: &Release, made: &[Made]) -> String {
    let mut cases = String::new();
    for it in made {
        let machines = match it.target.arch {
            "arm64" => "aarch64 | arm64",
            _ => "x86_64 | amd64",
        };
        let _ = writeln!(cases, "    {machines}) name={} sum={} ;;", it.name, it.sum);
    }
    format!(
        r#"#!/bin/sh
# Installs refit {version} below $PREFIX (/usr/local), as a plugin of kubectl too, with pages for man and completion.
# REFIT_URL names another place that holds the archives. Nothing is written unless the archive's sum is right.
set -eu

fail() {{
  echo "error: $1" >&2
  exit 1
}}

# A function, so that half a script does nothing.
main() {{
  url=${{REFIT_URL:-{url}}}
  prefix=${{PREFIX:-/usr/local}}
  [ "$(uname -s)" = Linux ] || fail "there is no archive for $(uname -s): build it from source"
  case $(uname -m) in
{cases}    *) fail "there is no archive for $(uname -m): build it from source" ;;
  esac
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  if command -v curl >/dev/null; then
    curl -fsSL "$url/$name" -o "$folder/$name" || fail "$url/$name cannot be had"
  else
    wget -qO "$folder/$name" "$url/$name" || fail "$url/$name cannot be had"
  fi
  echo "$sum  $folder/$name" | sha256sum -c - >/dev/null 2>&1 ||
    fail "$url/$name is not what was released: its sum differs, nothing was installed"
  tar -xzf "$folder/$name" -C "$folder" --strip-components=1
  man=$prefix/share/man/man1
  bash=$prefix/share/bash-completion/completions
  zsh=$prefix/share/zsh/site-functions
  fish=$prefix/share/fish/vendor_completions.d
  doc=$prefix/share/doc/refit
  mkdir -p "$prefix/bin" "$man" "$bash" "$zsh" "$fish" "$doc"
  # What runs is replaced, never written over.
  for it in refit kubectl_complete-refit; do
    cp "$folder/$it" "$prefix/bin/.$it.new"
    mv -f "$prefix/bin/.$it.new" "$prefix/bin/$it"
  done
  ln -sf refit "$prefix/bin/kubectl-refit"
  cp "$folder"/man/*.1 "$man/"
  cp "$folder/completions/refit.bash" "$bash/refit"
  cp "$folder/completions/_refit" "$zsh/_refit"
  cp "$folder/completions/refit.fish" "$fish/refit.fish"
  cp "$folder/LICENSE" "$folder/NOTICES.txt" "$folder/sbom.cdx.json" "$doc/"
  "$prefix/bin/refit" version
}}

main
"#,
        version = release.version,
        url = release.url,
    )
}
