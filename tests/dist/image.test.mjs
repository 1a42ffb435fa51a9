// The image, as go-containerregistry and OpenSSL read it. That the Job runs in it, `suite/control_plane/job.rs` shows.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { REPOSITORY, file, folder, run } from "./dist.mjs";

const here = await folder();
const files = join(here, "rootfs.tar");
const told = JSON.parse(run(process.env.IMAGE_ORACLE, [file("-image.tar"), files]));

test("it runs refit, as nobody who has a name on a node", () => {
  const { User, Entrypoint, Labels } = told.config.config;
  assert.equal(User, "65532:65532");
  assert.deepEqual(Entrypoint, ["/usr/bin/refit"]);
  assert.equal(Labels["org.opencontainers.image.source"], REPOSITORY);
  assert.ok(told.platforms.includes("linux/amd64"), told.platforms.join());
});

test("it is laid out as distroless images are", async () => {
  const list = run("tar", ["--utc", "--numeric-owner", "-tvf", files]);
  for (const line of [
    /^-rwxr-xr-x 0\/0 +\d+ 1970-01-01 00:00 usr\/bin\/refit$/m,
    /^-rw-r--r-- 0\/0 .* etc\/passwd$/m,
    /^drwx------ 65532\/65532 .* home\/nonroot\/?$/m,
    /^drwxrwxrwt 0\/0 .* tmp\/?$/m,
    /usr\/share\/doc\/refit\/LICENSE$/m,
    /usr\/share\/doc\/refit\/NOTICES.txt$/m,
    /usr\/share\/doc\/refit\/CERTIFICATES-LICENSE.txt$/m,
  ]) {
    assert.match(list, line);
  }
  assert.doesNotMatch(list, /bin\/(sh|bash|busybox)$/m);
});

test("its authorities are certificates that sign themselves", async () => {
  run("tar", ["-xf", files, "-C", here]);
  const text = await readFile(join(here, "etc/ssl/certs/ca-certificates.crt"), "utf8");
  const all = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g);
  assert.ok(all.length > 100 && all.join("") === text, `${all.length}`);
  for (const it of all) {
    const certificate = new X509Certificate(it);
    assert.ok(certificate.ca && certificate.verify(certificate.publicKey), certificate.subject);
  }
});
