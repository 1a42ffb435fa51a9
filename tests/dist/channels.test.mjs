// krew, Homebrew and npm: what they read, judged by their own programs where these can be had.

import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { DIST, REPOSITORY, file, folder, run, running, serve } from "./dist.mjs";

const { KREW, KREW_VALIDATOR, KUBECTL = "kubectl" } = process.env;

test("krew takes the manifest, and installs a plugin that kubectl runs", async () => {
  const here = await folder();
  // Its own validator calls `kubectl krew install`.
  await mkdir(join(here, "bin"));
  await copyFile(KREW, join(here, "bin/kubectl-krew"));
  const kubectl = run("sh", ["-c", `command -v "${KUBECTL}"`]).trim();
  await writeFile(join(here, "bin/kubectl"), `#!/bin/sh\nexec "${kubectl}" "$@"\n`, { mode: 0o755 });
  const text = await readFile(file("istio-upgrade.yaml"), "utf8");
  assert.ok(text.includes(`homepage: ${REPOSITORY}\n`), text);
  const address = await serve();
  const local = text.replaceAll(`${REPOSITORY}/releases/download/v`, `${address}/?`).replaceAll(/\?[\d.]+\//g, "");
  assert.ok(local.includes(`uri: ${address}/refit-`), local);
  const manifest = join(here, "istio-upgrade.yaml");
  await writeFile(manifest, local);
  const env = { ...process.env, PATH: `${here}/bin:${process.env.PATH}`, KREW_ROOT: join(here, "krew") };
  const judged = await running(KREW_VALIDATOR, ["-manifest", manifest], { env });
  assert.equal(judged.code, 0, judged.said);
  assert.match(judged.said, /all \d spec\.platforms installed fine/);

  const installed = await running("kubectl", ["krew", "install", "--manifest", manifest], { env });
  assert.equal(installed.code, 0, installed.said);
  env.PATH = `${env.KREW_ROOT}/bin:${env.PATH}`;
  assert.match(run("kubectl", ["istio-upgrade", "version"], { env }), /^refit \d/);

  // Counter-case: the validator is awake.
  await writeFile(manifest, local.replace("bin: refit", "bin: nothing"));
  assert.notEqual((await running(KREW_VALIDATOR, ["-manifest", manifest], { env })).code, 0);
});

/** As much of a formula's language as this one speaks: files go below a prefix. */
const FORMULA = `
require "pathname"
require "fileutils"
class Formula
  def self.say(name, value) = (@said ||= {})[name] = value
  def self.said = @said
  %i[desc homepage version license url sha256].each { |it| define_singleton_method(it) { |value| say(it, value) } }
  def self.depends_on(_) = nil
  def self.on_intel = yield
  def self.on_arm = nil
  def self.test = nil
  Folder = Struct.new(:path) do
    def install(*names)
      FileUtils.mkdir_p(path)
      names.flatten.each do |it|
        pairs = it.is_a?(Hash) ? it : { it => File.basename(it) }
        pairs.each { |from, to| FileUtils.cp(from, File.join(path, to)) }
      end
    end
    def install_symlink(pairs) = pairs.each { |from, to| File.symlink(from, File.join(path, to)) }
    def /(name) = File.join(path, name)
    def to_s = path
  end
  PLACES = { bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d", doc: "share/doc/refit",
             zsh_completion: "share/zsh/site-functions", fish_completion: "share/fish/vendor_completions.d" }
  PLACES.each { |name, path| define_method(name) { Folder.new(File.join(ENV["PREFIX"], path)) } }
end
load ARGV[0]
Refit.new.install
puts Refit.said.values_at(:homepage, :url, :sha256, :license)
`;

test("Homebrew's formula is Ruby, and names files that the archive has", async () => {
  const [here, prefix] = [await folder(), await folder()];
  const archive = file("linux-amd64.tar.gz");
  run("tar", ["-xzf", archive, "-C", here, "--strip-components=1"]);
  run("ruby", ["-wc", file("refit.rb")]);
  await writeFile(join(prefix, "formula.rb"), FORMULA);
  const env = { ...process.env, PREFIX: prefix };
  const said = run("ruby", [join(prefix, "formula.rb"), file("refit.rb")], { cwd: here, env })
    .trim()
    .split("\n");
  const sum = run("sha256sum", [archive]).slice(0, 64);
  assert.equal(said[0], REPOSITORY);
  assert.ok(said[1].startsWith(`${REPOSITORY}/`) && said[1].endsWith("linux-amd64.tar.gz"), said[1]);
  assert.deepEqual(said.slice(2), [sum, "Apache-2.0"]);
  assert.match(run(join(prefix, "bin/kubectl-refit"), ["version"]), /^refit \d/);
  assert.ok((await readdir(join(prefix, "share/man/man1"))).length > 20);
});

test("the npm package is ready to be published with provenance", async () => {
  const tarball = file(".tgz");
  const here = await folder();
  run("tar", ["-xzf", tarball, "-C", here]);
  const said = JSON.parse(await readFile(join(here, "package/package.json"), "utf8"));
  assert.deepEqual(said.repository, { type: "git", url: `git+${REPOSITORY}.git`, directory: "pkg" });
  assert.deepEqual(said.publishConfig, { access: "public", provenance: true });
  assert.equal(said.license, "Apache-2.0");
  const files = await readdir(join(here, "package"), { recursive: true });
  for (const it of ["LICENSE", "NOTICES.txt", "README.md", "dist/index.js", "dist/wasm/planner_bg.wasm"]) {
    assert.ok(files.includes(it), `${it}: ${files}`);
  }
  assert.ok(!files.some((it) => it.includes("node_modules")));
  // The linter of packages: what `exports` names is there, in the form that it says.
  const { publint } = await import("publint");
  const content = new Uint8Array(await readFile(tarball));
  const { messages } = await publint({ pack: { tarball: content.buffer }, strict: true, level: "warning" });
  assert.deepEqual(messages, []);
  // npm itself takes it, with nothing from elsewhere.
  await writeFile(join(here, "package.json"), '{ "private": true, "type": "module" }');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: here });
  const program = 'import { explain } from "refit-planner"; process.stdout.write(await explain("version-skew"));';
  assert.match(run("node", ["--input-type=module", "-e", program], { cwd: here }), /minor/);
  run("npm", ["publish", "--dry-run", "--offline", "--provenance=false", tarball], { cwd: here });
});

test("the workflows and the templates are what GitHub and GitLab read", async () => {
  const { ACTIONLINT, SCHEMAS } = process.env;
  const ci = fileURLToPath(new URL("../../docs/ci/", import.meta.url));
  const example = fileURLToPath(new URL("../../pkg/examples/upgrade-check.yaml", import.meta.url));
  const names = await readdir(ci);
  const github = names.filter((it) => it.startsWith("github-")).map((it) => join(ci, it));
  const gitlab = names.filter((it) => it.startsWith("gitlab-")).map((it) => join(ci, it));
  assert.ok(github.length > 1 && gitlab.length > 1, names.join());
  run(ACTIONLINT, ["-no-color", "-shellcheck=", "-pyflakes=", ...github, example]);
  run(SCHEMAS, ["--builtin-schema", "vendor.github-workflows", ...github, example]);
  run(SCHEMAS, ["--builtin-schema", "vendor.gitlab-ci", ...gitlab]);
  // What a script names is there; not everywhere a compiler for arm64 is.
  for (const path of [...github, ...gitlab]) {
    const text = await readFile(path, "utf8");
    for (const [, name] of text.matchAll(/dist\/((?!\*)[\w*.-]*\.(?:tar\.gz|tar|tgz|sh|yaml|rb))\b/g)) {
      const pattern = new RegExp(`^${name.replace("arm64", "amd64").replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
      assert.ok(
        (await readdir(DIST)).some((it) => pattern.test(it)),
        `${dirname(path)}: ${name}`,
      );
    }
  }
});

test("the lines by which the templates plan end as the verdict does", async () => {
  const here = await folder();
  run("tar", ["-xzf", file("linux-amd64.tar.gz"), "-C", here, "--strip-components=1"]);
  const golden = fileURLToPath(new URL("../golden/version-skew/", import.meta.url));
  run("tar", ["-czf", join(here, "export.tar.gz"), "-C", golden, "export"]);
  const request = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  profile: default\n";
  await writeFile(join(here, "istio-operator.yaml"), request);
  const summary = join(here, "summary.md");
  const env = { PATH: `${here}:/usr/bin:/bin`, HOME: here, REFIT_TO: "1.30.3", GITHUB_STEP_SUMMARY: summary };
  env.REFIT_OFFLINE = "true";
  for (const name of ["github-plan.yaml", "gitlab-plan.yaml"]) {
    const text = await readFile(new URL(`../../docs/ci/${name}`, import.meta.url), "utf8");
    const lines = text.match(/(?<=(?:run:|-) )refit plan .*/g);
    assert.equal(lines.length, 2, text);
    for (const line of lines) {
      const ended = await running("bash", ["-e", "-c", line], { cwd: here, env });
      assert.equal(ended.code, 3, `${line}: ${ended.said}`);
    }
  }
  for (const name of ["plan.sarif", "summary.md", "junit.xml", "plan.html"]) {
    assert.match(await readFile(join(here, name), "utf8"), /version-skew/, name);
  }
});
