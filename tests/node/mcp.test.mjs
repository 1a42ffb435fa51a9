// `refit mcp`, asked by the official client: each tool gives the bytes of the command line, and changes nothing.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const refit = process.env.REFIT;
const skip = !refit && "needs REFIT";
const golden = (path) => fileURLToPath(new URL(`../golden/${path}`, import.meta.url));
const cwd = await mkdtemp(join(tmpdir(), "refit-mcp-"));
const env = { ...process.env, XDG_CACHE_HOME: cwd };
delete env.REFIT_ISTIO_DATA;
const client = new Client({ name: "refit-tests", version: "1" });

after(async () => {
  await client.close();
  await rm(cwd, { recursive: true });
});

function commandLine(args) {
  const run = spawnSync(refit, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });
  assert.ok([0, 3, 4].includes(run.status), run.stderr);
  return run.stdout;
}

const cluster = golden("version-skew/export");
const sample = golden("sample/export");

/** A tool with what it is given, and the command line that it stands for. */
const CALLS = [
  [
    "plan",
    { files: [sample], to: "1.30.3", offline: true, asOf: "2026-06-01", sets: ["values.pilot.traceSampling=10"] },
    ["plan", "-o", "json", "--offline", "--as-of", "2026-06-01"].concat([
      "--to",
      "1.30.3",
      "--set",
      "values.pilot.traceSampling=10",
      sample,
    ]),
  ],
  [
    "plan",
    { files: [cluster], to: "1.30.3", offline: true, asOf: "2026-06-01" },
    ["plan", "-o", "json", "--offline", "--as-of", "2026-06-01", "--to", "1.30.3", cluster],
  ],
  ["explain", { code: "version-skew" }, ["explain", "-o", "json", "version-skew"]],
  ["explain", {}, ["explain", "-o", "json"]],
  [
    "defaults",
    { from: "1.29.6", to: "1.30.3", profile: "demo" },
    ["profile", "diff", "demo@1.29.6", "demo@1.30.3", "--effective"],
  ],
  [
    "images",
    { files: [sample], to: "1.30.3", offline: true },
    ["images", "-o", "json", "--offline", "--to", "1.30.3", sample],
  ],
  ["recover", { files: [sample], offline: true }, ["recover", "--offline", sample]],
  [
    "check_inject",
    { files: [sample], namespaceLabels: "istio-injection=enabled", labels: "app=web" },
    ["check-inject", "-o", "json", "--namespace-labels", "istio-injection=enabled", "--labels", "app=web", sample],
  ],
];

test("the official client finds six tools that read", { skip }, async () => {
  await client.connect(new StdioClientTransport({ command: refit, args: ["mcp"], cwd, env, stderr: "inherit" }));
  assert.equal(client.getServerVersion().name, "refit");
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((it) => it.name).sort(), [...new Set(CALLS.map(([name]) => name))].sort());
  for (const tool of tools) {
    assert.equal(tool.annotations.readOnlyHint, true, tool.name);
    assert.equal(tool.inputSchema.type, "object", tool.name);
    assert.ok(tool.description.length > 20, tool.name);
  }
});

for (const [name, args, line] of CALLS) {
  test(`${name} ${JSON.stringify(args).slice(0, 40)}: the bytes of the command line`, { skip }, async () => {
    const result = await client.callTool({ name, arguments: args });
    assert.ok(!result.isError, JSON.stringify(result.content));
    const expected = commandLine(line);
    assert.equal(result.content[0].text, expected);
    if (expected.startsWith("{")) {
      assert.deepEqual(result.structuredContent, JSON.parse(expected));
    }
  });
}

test("what fails is told in words, and the server stays", { skip }, async () => {
  const missing = await client.callTool({ name: "recover", arguments: { files: ["/nonexistent"] } });
  assert.equal(missing.isError, true);
  assert.match(missing.content[0].text, /nonexistent/);
  await assert.rejects(client.callTool({ name: "upgrade", arguments: { to: "1.30.3" } }), /no tool/);
  await assert.rejects(client.callTool({ name: "plan", arguments: { to: "1.30.3", out: "plan.json" } }), /out/);
  const wrong = await client.callTool({
    name: "plan",
    arguments: { files: [cluster], to: "1.30.3", request: ["-"], offline: true },
  });
  assert.ok(wrong.content.length > 0);
  assert.ok((await client.listTools()).tools.length > 0);
  const left = (await readdir(cwd)).filter((it) => it !== "refit");
  assert.deepEqual(left, []);
});
