// Charts that were written to never end or to fill the memory, in the module: each ends with an error at its place, and
// the module goes on.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";

import { renderManifests } from "refit-planner";

const charts = JSON.parse(readFileSync(new URL("../hostile-charts.json", import.meta.url), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "refit-hostile-"));
after(() => rmSync(folder, { recursive: true }));

/** A release whose base chart has one template, packed as Istio packs its own. */
function release(template) {
  const files = {
    "manifest.yaml": "version: 1.30.3\n",
    "manifests/profiles/default.yaml":
      "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  hub: example.com/istio\n  tag: 1.30.3\n  components:\n    base: {enabled: true}\n    pilot: {enabled: false}\n    ingressGateways: [{name: istio-ingressgateway, enabled: false}]\n",
    "manifests/charts/base/Chart.yaml": "apiVersion: v2\nname: base\nversion: 1.30.3\n",
    "manifests/charts/base/values.yaml": "_internal_defaults_do_not_set: {}\n",
    "manifests/charts/base/templates/t.yaml": template,
  };
  const root = join(folder, "istio-1.30.3");
  rmSync(root, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const packed = spawnSync("tar", ["-czf", "-", "-C", folder, "istio-1.30.3"], { maxBuffer: 1 << 28 });
  return { name: "istio-1.30.3.tar.gz", content: packed.stdout };
}

const HONEST = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {x: {{ repeat 3 "y" }}}\n';

test("hostile charts end with an error at its place, and the module goes on", async () => {
  assert.ok(charts.length >= 50);
  for (const { before, template, says } of charts) {
    await assert.rejects(renderManifests({ release: release(before + template) }), (error) => {
      const words = String(error.message).slice(0, 2000);
      assert.ok(error.message.includes(says), `${template}: ${words}`);
      assert.match(error.message, /templates\/t\.yaml:\d+:\d+: /, `${template}: ${words}`);
      return true;
    });
  }
  const { manifests } = await renderManifests({ release: release(HONEST) });
  assert.match(manifests, /yyy/);
});
