// A page with a bundler (`vite build`): the planner runs in a worker, the page shows what it says.

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const files = document.querySelector("#files");

files.addEventListener("change", () => {
  worker.postMessage({ files: [...files.files], to: document.querySelector("#to").value });
});

worker.addEventListener("message", ({ data }) => {
  document.querySelector("#verdict").textContent = data.error ?? `${data.headline}: ${data.verdict}`;
  document.querySelector("#findings").replaceChildren(
    ...(data.findings ?? []).map(({ level, title }) => {
      const item = document.createElement("li");
      item.textContent = `${level}: ${title}`;
      return item;
    }),
  );
});
