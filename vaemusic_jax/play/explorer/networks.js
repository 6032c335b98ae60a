// Reads models in the safetensors format, and encodes and decodes measures with them, as play/numpy_networks.py does.
// A matrix is {shape: [rows, columns], data: Float32Array}, rows first; a code or a state is a Float32Array.
"use strict";

const EMBEDDING_SIZE = 10;

function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// Returns the arrays of a safetensors file by name, as float32.
function readArrays(buffer) {
  const view = new DataView(buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  const arrays = {};
  delete header.__metadata__;
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    const size = dtype === "F16" ? 2 : 4, data = new Float32Array((to - from) / size);
    for (let i = 0; i < data.length; i++) {
      const at = start + from + i * size;
      data[i] = size === 2 ? float16(view.getUint16(at, true)) : view.getFloat32(at, true);
    }
    arrays[name] = { shape, data };
  }
  return arrays;
}

const sums = new Map(); // by length, an array that is used again and again

// Returns x times rows `first`, `first + 1`, ... of a matrix, plus a bias if there is one, in an array that the next call
// uses again. Four rows at a time are fastest.
function product(x, matrix, bias, first = 0) {
  const columns = matrix.shape[1], data = matrix.data, n = x.length;
  if (!sums.has(columns)) sums.set(columns, new Float64Array(columns));
  const sum = sums.get(columns);
  if (bias) sum.set(bias.data); else sum.fill(0);
  let i = 0, row = first * columns;
  for (; i + 3 < n; i += 4, row += 4 * columns) {
    const a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
    const row1 = row + columns, row2 = row1 + columns, row3 = row2 + columns;
    for (let j = 0; j < columns; j++) {
      sum[j] += a * data[row + j] + b * data[row1 + j] + c * data[row2 + j] + d * data[row3 + j];
    }
  }
  for (; i < n; i++, row += columns) for (let j = 0; j < columns; j++) sum[j] += x[i] * data[row + j];
  return sum;
}

const affine = (x, matrix, bias, first) => new Float32Array(product(x, matrix, bias, first));

const sigmoid = (x) => 0.5 * Math.tanh(0.5 * x) + 0.5;
const selu = (x) => x.map((v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)));
const halves = (x) => [x.slice(0, x.length / 2), x.slice(x.length / 2)];
const rowOf = (matrix, i) => matrix.data.subarray(i * matrix.shape[1], (i + 1) * matrix.shape[1]);

function plus(x, y) {
  const sum = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) sum[i] = x[i] + y[i];
  return sum;
}

function joined(...parts) {
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
}

function argmax(x) {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i;
  return best;
}

class Network {
  // sizes: {hidden, nTicks, nBeats, nTokens, reluLogits, ownStart}
  constructor(arrays, sizes) { this.arrays = arrays; this.sizes = sizes; }

  linear(name, x) { return affine(x, this.arrays[name + "/w"], this.arrays[name + "/b"]); }

  project(name, x) { return affine(x, this.arrays[name + "/w_ih"], this.arrays[name + "/b_ih"]); }

  // The next state of a GRU layer from its projected input; the gates are stored in the order r, u, n.
  cell(name, input, state) {
    const n = state.length, inner = product(state, this.arrays[name + "/w_hh"], this.arrays[name + "/b_hh"]);
    const next = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      const reset = sigmoid(input[i] + inner[i]), update = sigmoid(input[n + i] + inner[n + i]);
      const fresh = Math.tanh(input[2 * n + i] + reset * inner[2 * n + i]);
      next[i] = fresh + update * (state[i] - fresh);
    }
    return next;
  }

  // The states after every input, in the order of time; a backward scan starts at the last.
  scan(name, inputs, backward, first) {
    let state = first || new Float32Array(inputs[0].length / 3);
    const states = new Array(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const at = backward ? inputs.length - 1 - i : i;
      states[at] = state = this.cell(name, inputs[at], state);
    }
    return states;
  }
}

class MeasureVAE extends Network {
  encode(tokens) {
    const embedding = this.arrays["encoder/embedding"], last = tokens.length - 1, both = [];
    for (const layer of ["l0", "l1"]) {
      const inputs = layer === "l0"
        ? Array.from(tokens, (token) => rowOf(embedding, token))
        : both[0].map((forward, t) => joined(forward, both[1][t]));
      for (const [direction, backward] of [["fwd", false], ["bwd", true]]) {
        const name = `encoder/${layer}_${direction}`;
        both.push(this.scan(name, inputs.map((x) => this.project(name, x)), backward));
      }
    }
    const end = joined(both[0][last], both[1][0], both[2][last], both[3][0]);
    return this.linear("encoder/mean_fc2", selu(this.linear("encoder/mean_fc1", end)));
  }

  decode(code) {
    const { nTicks, nBeats, nTokens, reluLogits } = this.sizes, arrays = this.arrays;
    let [h0, h1] = halves(selu(this.linear("decoder/z_to_beat_h0", code)));
    const constant = this.project("decoder/beat_l0", arrays["decoder/b0"].data);
    const lower = this.scan("decoder/beat_l0", new Array(nBeats).fill(constant), false, h0);
    const beats = this.scan("decoder/beat_l1", lower.map((x) => this.project("decoder/beat_l1", x)), false, h1);
    const input = arrays["decoder/tick_l0/w_ih"], embedding = arrays["decoder/embedding"];
    const ofBeat = beats.map((x) =>
      affine(selu(this.linear("decoder/beat_to_tick_in", x)), input, arrays["decoder/tick_l0/b_ih"], EMBEDDING_SIZE));
    this.ofToken ||= Array.from({ length: nTokens + 1 }, (_, token) => // the last is the start symbol
      affine(token < nTokens ? rowOf(embedding, token) : arrays["decoder/x0"].data, input));
    const tokens = new Uint8Array(nTicks), ticksPerBeat = nTicks / nBeats;
    let before = nTokens;
    for (let tick = 0; tick < nTicks; tick++) {
      const beat = Math.floor(tick / ticksPerBeat);
      if (tick % ticksPerBeat === 0) [h0, h1] = halves(selu(this.linear("decoder/beat_to_tick_h0", beats[beat])));
      h0 = this.cell("decoder/tick_l0", plus(this.ofToken[before], ofBeat[beat]), h0);
      h1 = this.cell("decoder/tick_l1", this.project("decoder/tick_l1", h0), h1);
      const logits = this.linear("decoder/out", h1);
      before = tokens[tick] = argmax(reluLogits ? logits.map((x) => Math.max(x, 0)) : logits);
    }
    return tokens;
  }
}

class AdversarialVAE extends Network {
  encode(tokens) {
    const ends = [["fwd", false], ["bwd", true]].map(([direction, backward]) => {
      const name = `encoder/${direction}`, bias = this.arrays[name + "/b_ih"].data;
      const inputs = Array.from(tokens, (token) => plus(rowOf(this.arrays[name + "/w_ih"], token), bias));
      return this.scan(name, inputs, backward)[backward ? 0 : inputs.length - 1];
    });
    return this.linear("encoder/mean", joined(...ends));
  }

  // told: standardised attribute values.
  decode(code, told) {
    const { nTicks, nTokens, ownStart } = this.sizes, cell = "decoder/cell1", arrays = this.arrays;
    const constant = plus(affine(code, arrays[cell + "/w_z"], arrays[cell + "/b_ih"]),
      affine(told, arrays[cell + "/w_attributes"]));
    const tokens = new Uint8Array(nTicks);
    let h1 = this.linear("decoder/z_to_h0", code).map(Math.tanh), h2 = null;
    let before = ownStart ? nTokens : nTokens - 1;
    for (let tick = 0; tick < nTicks; tick++) {
      h1 = this.cell(cell, plus(rowOf(arrays[cell + "/w_token"], before), constant), h1);
      h2 = this.cell("decoder/cell2", this.project("decoder/cell2", h1), h2 || h1);
      before = tokens[tick] = argmax(this.linear("decoder/out", h2));
    }
    return tokens;
  }
}

const NETWORKS = { measure_vae: MeasureVAE, adversarial_vae: AdversarialVAE };
