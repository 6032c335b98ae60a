// A model in a worker of its own: the page asks, the worker answers in order.
// The worker runs the script of the page, which knows by the missing document what it is.
"use strict";

const IN_WORKER = typeof document === "undefined";

if (IN_WORKER) {
  let model = null;
  onmessage = ({ data: { id, call, args } }) => {
    const start = performance.now();
    let value = null, error = "";
    try {
      if (call === "start") {
        model = new Model(...args);
        value = { quantiles: model.quantiles, controls: model.controls };
      }
      else if (call === "settings") value = args[1].map((levels) => attributesOf(model.spec, model.turn(args[0], levels)));
      else value = model[call](...args);
    } catch (problem) { error = String(problem); }
    postMessage({ id, value, error, ms: performance.now() - start });
  };
}

// Makes a worker of this page's script. Returns {ask, ready}: ask(call, ...args) is a promise of the value of a method of
// the model, and ready a promise of the quantiles of attributes and controls in its training measures.
function startModel(spec, file) {
  const source = new Blob([document.getElementById("script").textContent], { type: "text/javascript" });
  const address = URL.createObjectURL(source), worker = new Worker(address), waiting = new Map();
  let count = 0;
  worker.onmessage = ({ data: { id, value, error, ms } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    ask.ms = ms;
    if (error) reject(new Error(error)); else resolve(value);
  };
  const ask = (call, ...args) => new Promise((resolve, reject) => {
    waiting.set(++count, { resolve, reject });
    worker.postMessage({ id: count, call, args });
  });
  const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
  return { ask, ready: ask("start", spec, bytes.buffer).finally(() => URL.revokeObjectURL(address)) };
}
