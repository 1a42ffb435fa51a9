// Real exports: the package's outcome against the command line's, byte by byte.
// Needs the data (REFIT_ISTIO_DATA) and a build of the executor (REFIT).

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArgs } from "node:util";

import { Cluster } from "refit-planner";

const { REFIT_ISTIO_DATA: data, REFIT: refit } = process.env;
const exports = data && join(data, "exports");
const skip = !(refit && exports && existsSync(exports)) && "needs REFIT and REFIT_ISTIO_DATA";
const AS_OF = "2026-06-01";

const folder = mkdtempSync(join(tmpdir(), "refit-node-"));
after(() => rmSync(folder, { recursive: true }));

for (const name of skip ? [] : readdirSync(exports).filter((it) => existsSync(join(exports, it, "expected.json")))) {
  test(`real export: ${name}`, async () => {
    const scenario = join(exports, name);
    const { args } = JSON.parse(readFileSync(join(scenario, "expected.json"), "utf8"));
    const here = mkdtempSync(join(folder, `${name}-`));
    spawnSync("tar", ["xzf", join(scenario, "export.tar.gz"), "-C", here]);
    if (existsSync(join(scenario, "request"))) {
      symlinkSync(join(scenario, "request"), join(here, "request"));
    }
    const files = readdirSync(join(here, "export"))
      .sort()
      .map((it) => join("export", it));
    const releases = join(data, "istio/releases");

    const native = spawnSync(
      refit,
      ["plan", ...files, ...args, "--as-of", AS_OF, "--releases", releases, "-o", "json"],
      {
        cwd: here,
        encoding: "utf8",
        maxBuffer: 1 << 28,
      },
    );
    const cluster = await Cluster.read(files.map((it) => ({ name: it, content: readFileSync(join(here, it)) })));
    const request = await requested(args, here);
    for (const version of cluster.releases(request)) {
      const path = join(releases, `istio-${version}.tar.gz`);
      if (existsSync(path)) {
        await cluster.addReleases({ name: path, content: readFileSync(path) });
      }
    }
    const text = cluster.planText({ ...request, asOf: AS_OF });
    cluster.close();
    assert.equal(text, native.stdout, native.stderr);
  });
}

test("real exports are there to be compared", { skip }, () => {});

/** The request that the command line's arguments mean. */
async function requested(args, here) {
  const { values } = parseArgs({
    args,
    options: {
      to: { type: "string" },
      filename: { type: "string", short: "f", multiple: true, default: [] },
      set: { type: "string", multiple: true, default: [] },
      revision: { type: "string" },
      force: { type: "boolean", default: false },
    },
  });
  const { filename, set: sets, ...rest } = values;
  const files = await Promise.all(
    filename
      .flatMap((it) => it.split(","))
      .map(async (it) => ({ name: it, text: await readFile(join(here, it), "utf8") })),
  );
  return { ...rest, files, sets };
}
