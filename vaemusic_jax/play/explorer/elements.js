// Small helpers that make elements of the page, and that write numbers and attributes in words.
"use strict";

// Makes an element: properties that start with "on" are listeners, others attributes; false and null are left out.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);
const button = (words, onclick, properties = {}) => make("button", { type: "button", onclick, ...properties }, words);

// A select whose options are [value, words].
function select(label, options, onchange) {
  const chosen = make("select", { onchange: () => onchange(chosen.value) });
  chosen.append(...options.map(([value, words]) => make("option", { value }, words)));
  return { element: make("label", {}, `${label} `, chosen), chosen };
}

// Radio buttons in a group with a name: options are [value, words].
function radios(label, name, options, onchange) {
  const inputs = options.map(([value]) => make("input", { type: "radio", name, value, onchange: () => onchange(value) }));
  const element = make("fieldset", { class: "radios" }, make("legend", {}, label),
    ...options.map(([, words], i) => make("label", {}, inputs[i], ` ${words}`)));
  return { element, set: (value) => inputs.forEach((input) => { input.checked = input.value === value; }) };
}

// An attribute's value, with its unit if it has a short one: "8 notes", "12 semitones", "0.31".
const hasUnit = ({ unit }) => /^[a-z]+$/.test(unit);

function shown(attribute, value, withUnit = true) {
  const number = (value * attribute.factor).toFixed(attribute.places);
  return withUnit && hasUnit(attribute) ? `${number} ${attribute.unit}` : number;
}

const percentile = (level) => `p${Math.round(100 * level)}`;

// Puts an SVG of this page's own making into an element, in place of what was there.
function draw(element, svg) { element.innerHTML = svg; }

// Offers bytes or text as a file to save.
function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
