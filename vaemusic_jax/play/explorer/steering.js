// Attributes of measures, and steering: the same as music/attributes.py and play/steer.py.
// A spec describes a model and its measures, see play/explorer/spec.py.
"use strict";

const HOLD = 0, REST = 1, LEVELS = 100;
const CANDIDATES = 48, JITTER = 0.15, OTHERS = 0.1;

const overWhole = (whole, divisor) => Math.fround(whole * Math.fround(1 / divisor));

// units: pitches of the onsets, in spec.unit to the semitone; ticks: where they are.
const FORMULAS = {
  rhythmic_complexity(spec, units, ticks) {
    const total = spec.weights.reduce((sum, weight) => sum + weight, 0);
    return overWhole(ticks.reduce((sum, tick) => sum + spec.weights[tick], 0), total);
  },
  note_range(spec, units) {
    return units.length < 2 ? 0 : overWhole(Math.max(...units) - Math.min(...units), 26 * spec.unit);
  },
  note_density(spec, units) { return overWhole(units.length, spec.grid.onsets.length); },
  average_interval_jump(spec, units) {
    let sum = 0;
    for (let i = 1; i < units.length; i++) sum += Math.abs(units[i] - units[i - 1]);
    return Math.fround(sum / (Math.max(units.length - 1, 1) * spec.unit));
  },
};

// Returns the values of all attributes of a measure.
function attributesOf(spec, tokens) {
  const ticks = [...tokens.keys()].filter((tick) => spec.units[tokens[tick]] >= 0);
  const units = ticks.map((tick) => spec.units[tokens[tick]]);
  return spec.attributes.map(({ name }) => FORMULAS[name](spec, units, ticks));
}

const ownOf = (spec, values) => spec.controls.map((name) => values[columnOf(spec, name)]);
const columnOf = (spec, name) => spec.attributes.findIndex((each) => each.name === name);

// Returns the value at a level from 0 to 1 of 101 quantiles.
function valueAt(quantiles, level) {
  const at = Math.min(Math.max(level, 0), 1) * LEVELS, low = Math.min(Math.floor(at), LEVELS - 1);
  return quantiles[low] + (at - low) * (quantiles[low + 1] - quantiles[low]);
}

// Returns the share of training measures below a value, counting ties as half.
function levelOf(quantiles, value) {
  let low = 0, high = 0;
  while (low <= LEVELS && quantiles[low] < value) low++;
  while (high <= LEVELS && quantiles[high] <= value) high++;
  if (low !== high) return (low + high - 1) / 2 / LEVELS;
  if (low === 0) return 0;
  if (low > LEVELS) return 1;
  return (low - 1 + (value - quantiles[low - 1]) / (quantiles[low] - quantiles[low - 1])) / LEVELS;
}

function spreadOf(quantiles) {
  const mean = quantiles.reduce((sum, x) => sum + x, 0) / quantiles.length;
  return Math.sqrt(quantiles.reduce((sum, x) => sum + (x - mean) ** 2, 0) / quantiles.length) || 1;
}

// Returns a function that draws standard normal numbers, the same ones for the same seed.
function normals(seed) {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function uniforms(seed) { // mulberry32
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Model {
  constructor(spec, buffer) {
    this.spec = spec;
    this.arrays = readArrays(buffer);
    this.network = new NETWORKS[spec.model](this.arrays, spec.sizes);
    this.controls = spec.controls.map((_, k) => rowOf(this.arrays["about/controls"], k));
    this.quantiles = spec.attributes.map((_, a) => rowOf(this.arrays["about/attributes"], a));
    this.codes = new Map();
  }

  encode(tokens) {
    const key = tokens.join();
    if (!this.codes.has(key)) {
      if (this.codes.size > 500) this.codes.clear();
      this.codes.set(key, this.network.encode(tokens));
    }
    return this.codes.get(key);
  }

  decode(code, own) {
    if (!this.spec.told) return this.network.decode(code);
    const standardise = this.arrays.standardise;
    const [mean, deviation] = [rowOf(standardise, 0), rowOf(standardise, 1)];
    return this.network.decode(code, Float32Array.from(own, (value, k) => (value - mean[k]) / deviation[k]));
  }

  // Decodes a code with some controls set to values: {control: value}.
  set(code, own, values) {
    const z = code.slice(), told = [...own];
    for (const [name, value] of Object.entries(values)) {
      (this.spec.told ? told : z)[this.spec.controls.indexOf(name)] = value;
    }
    return this.decode(z, told);
  }

  // The levels of the controls of a measure in those of training measures.
  controlLevels(tokens) {
    const values = this.spec.told ? ownOf(this.spec, attributesOf(this.spec, tokens)) : this.encode(tokens);
    return this.controls.map((quantiles, k) => levelOf(quantiles, values[k]));
  }

  // Sets controls to levels from 0 to 1, {control: level}, and decodes once.
  turn(tokens, levels) {
    const own = ownOf(this.spec, attributesOf(this.spec, tokens)), values = {};
    for (const [name, level] of Object.entries(levels)) {
      const k = this.spec.controls.indexOf(name);
      if (k >= 0) values[name] = valueAt(this.controls[k], level);
    }
    return this.set(this.encode(tokens), own, values);
  }

  // Decodes candidates and returns the one whose attributes are nearest to those at levels: {tokens, distance}.
  aim(tokens, levels, seed = 0) {
    const { spec } = this, normal = normals(seed), start = attributesOf(spec, tokens), own = ownOf(spec, start);
    const names = Object.keys(levels).filter((name) => spec.controls.includes(name));
    if (!names.length) return { tokens: this.turn(tokens, {}), distance: 0 };
    const asked = {};
    for (const name of names) asked[name] = valueAt(this.quantiles[columnOf(spec, name)], levels[name]);
    const code = this.encode(tokens), deviation = this.arrays["about/code_std"].data;
    let best = null;
    for (let candidate = 0; candidate < CANDIDATES; candidate++) {
      const noise = candidate / (CANDIDATES - 1), values = {};
      const z = code.map((value, d) => {
        const draw = noise * deviation[d] * normal();
        return !spec.told && d < spec.controls.length ? value : value + draw;
      });
      for (const name of names) {
        const k = spec.controls.indexOf(name), level = levelOf(this.quantiles[columnOf(spec, name)], asked[name]);
        values[name] = valueAt(this.controls[k], candidate ? level + JITTER * normal() : level);
        if (spec.told && candidate === 0) values[name] = asked[name];
      }
      const found = this.set(z, own, values), obtained = attributesOf(spec, found);
      const others = {};
      spec.attributes.forEach(({ name }, a) => { if (!(name in asked)) others[name] = start[a]; });
      const distance = this.off(obtained, asked), cost = distance + OTHERS * this.off(obtained, others);
      if (!best || cost < best.cost) best = { tokens: found, distance, cost };
    }
    return best;
  }

  // The root mean square of obtained less asked, in standard deviations of training measures.
  off(obtained, asked) {
    const squares = Object.entries(asked).map(([name, value]) => {
      const a = columnOf(this.spec, name);
      return ((obtained[a] - value) / spreadOf(this.quantiles[a])) ** 2;
    });
    return squares.length ? Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / squares.length) : 0;
  }

  // A measure of a code like those of training measures.
  draw(seed) {
    const normal = normals(seed), uniform = uniforms(seed + 1e6), { data: mean } = this.arrays["about/code_mean"];
    const deviation = this.arrays["about/code_std"].data;
    const own = this.spec.controls.map((name) => valueAt(this.quantiles[columnOf(this.spec, name)], uniform()));
    return this.decode(mean.map((value, d) => value + deviation[d] * normal()), own);
  }
}
