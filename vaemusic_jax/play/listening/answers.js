// The answers of one listener: kept in this browser after each of them, and written as one CSV file.
"use strict";

const COLUMNS = ["study", "group", "listener", "trial", "kind", "item", "attribute", "answer", "seconds", "plays", "device"];

// Draws a code for a listener: a letter, so that no spreadsheet takes it for a number, and eight hexadecimal digits.
const drawnCode = () => "p" + Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0")).join("");

class Answers {
  constructor(study, group) {
    Object.assign(this, { study, group, key: `vaemusic-listening-${study}-${group}`, isKept: true });
    this.clear(false);
    try {
      const kept = JSON.parse(localStorage.getItem(this.key));
      if (kept && kept.listener && Number.isInteger(kept.place) && Array.isArray(kept.rows)) Object.assign(this, kept);
    } catch {
      this.isKept = false;
    }
  }

  // Starts with another listener.
  clear(andKeep = true) {
    Object.assign(this, { listener: drawnCode(), place: 0, device: "", rows: [] });
    if (andKeep) this.keep();
  }

  keep() {
    const { listener, place, device, rows } = this;
    try {
      localStorage.setItem(this.key, JSON.stringify({ listener, place, device, rows }));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }

  // Adds an answer. The first one to a trial counts: a reload after practice was answered asks it again.
  add(row) {
    if (!this.rows.some(({ kind, trial }) => trial === row.trial && (kind === "tone") === (row.kind === "tone"))) this.rows.push(row);
    this.keep();
  }

  get file() { return `listening-${this.study}-${this.group}-${this.listener}.csv`; }

  get csv() {
    const { study, group, listener, device } = this;
    const lines = this.rows.map((row) => COLUMNS.map((name) => ({ study, group, listener, device, ...row })[name]).join(","));
    return [COLUMNS.join(","), ...lines].join("\n") + "\n";
  }
}
