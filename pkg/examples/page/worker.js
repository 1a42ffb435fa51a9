import { describe, plan } from "refit-planner";

self.addEventListener("message", async ({ data: { files, to } }) => {
  try {
    const cluster = files.map((file) => ({ name: file.name, content: file }));
    const outcome = await plan({ cluster, to });
    const { headline, verdict } = await describe(outcome);
    self.postMessage({ headline, verdict, findings: outcome.findings });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
});
