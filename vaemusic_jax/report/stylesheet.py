"""The style sheet of the report's page: wide screens and phones, light and dark, and A4 in print."""

STYLE = """
:root {
  color-scheme: light dark;
  --text: #1b1b1b; --muted: #555; --line: #d6d6d6; --paper: #fff; --panel: #f5f5f4; --accent: #0072b2; --drawn: none;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --text: #e6e6e6; --muted: #a8a8a8; --line: #3c3c3c; --paper: #121212; --panel: #1d1d1d; --accent: #6fb9e6;
    --drawn: invert(.93) hue-rotate(180deg);
  }
}
* { box-sizing: border-box; }
body {
  font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 0 auto; padding: 1rem 2rem 4rem;
  color: var(--text); background: var(--paper);
}
a { color: var(--accent); }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 2rem; }
h2, h3, h4 { break-after: avoid; line-height: 1.25; }
p, caption, figcaption, ul.footnotes { max-width: 50rem; }
nav ol { columns: 16rem; padding-left: 1.4rem; }
section > p:first-of-type { margin-top: .5rem; }
#chapter-answer p:not(.banner) { font-size: 1.1rem; }
.banner { border: 2px solid currentColor; padding: .6rem .8rem; font-weight: bold; }

.wide { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-size: .8rem; line-height: 1.35; }
caption, figcaption { text-align: left; color: var(--muted); font-size: .85rem; padding: .3rem 0; }
td, th { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
th { vertical-align: bottom; }
td { white-space: nowrap; }
td.words, td.sentence, th.words { text-align: left; white-space: normal; }
td.short { text-align: left; }
td.again { color: var(--muted); opacity: .6; }
tr.part th { padding-top: .9rem; font-size: 1.05em; }
sup { line-height: 0; }
td small { display: block; font-size: .85em; color: var(--muted); }
ul.footnotes { list-style: none; padding: 0; font-size: .8rem; color: var(--muted); }
td.sentence { min-width: 9rem; }
summary { cursor: pointer; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 0 2rem; }
.figures > .full { grid-column: 1 / -1; }
.legend { margin: 1rem 0 0; }
figure { margin: 1rem 0; min-width: 0; }
img { max-width: 100%; height: auto; filter: var(--drawn); }
.map img { filter: none; }  /* Colours of maps keep their meaning: light stays light. */
pre { background: var(--panel); padding: .8rem; overflow-x: auto; font-size: .8rem; line-height: 1.4; }

.strip { margin: 1.2rem 0; break-inside: avoid; }
.strip h4 { margin: 0 0 .2rem; font-size: .9rem; }
.strip ol {
  list-style: none; padding: 0; margin: 0;
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem .8rem;
}
.strip li { font-size: .75rem; line-height: 1.35; border-top: 2px solid var(--line); padding-top: .3rem; min-width: 0; }
.strip li.playing { border-color: var(--accent); }
.strip li img { display: block; }
.values { color: var(--muted); }
.values span { display: block; }
.values .own { color: var(--text); font-weight: bold; }
button.play {
  font: inherit; color: var(--text); background: var(--panel); border: 1px solid var(--line); border-radius: 1rem;
  padding: .15rem .7rem; margin-right: .4rem; cursor: pointer;
}
button.play:hover, button.play:focus-visible { border-color: var(--accent); }

@media (max-width: 40rem) {
  body { padding: .5rem 1rem 3rem; }
  figure { overflow-x: auto; }
  caption { max-width: calc(100vw - 2rem); }
  figure img { max-width: 200%; }
  .strip ol { grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
}
@page { size: A4; margin: 12mm 10mm; }
@media print {
  :root { font-size: 9pt; }
  body { font-size: 1rem; max-width: none; padding: 0; }
  table { font-size: 6.2pt; }
  td, th { padding: .1rem .2rem .1rem 0; }
  td.sentence { min-width: 4rem; }
  td small { font-size: .8em; }
  thead { display: table-header-group; }
  figure, tr, .banner, .few { break-inside: avoid; }
  .wide, pre { overflow: visible; }
  pre { white-space: pre-wrap; }
  button.play { display: none; }
  .strip ol { grid-template-columns: repeat(6, 1fr); gap: 2mm 3mm; }
  .strip li { font-size: 6.5pt; }
}
"""
