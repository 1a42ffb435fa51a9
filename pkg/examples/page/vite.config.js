// Workers are modules, since the planner compiles its WebAssembly with top-level imports.
export default { base: "./", worker: { format: "es" }, optimizeDeps: { exclude: ["refit-planner"] } };
