// The page of a listening test: its screens one after the other, from the welcome to the file of answers.
"use strict";

const page = JSON.parse(byId("data").textContent);
page.answers = new Answers(page.study, page.group);

// Shows a screen; its heading is read out, and the progress of the listener is shown above it.
page.show = (...elements) => {
  const screen = byId("screen");
  hush();
  screen.replaceChildren(...elements);
  screen.querySelector("h1").focus();
  byId("progress").value = page.answers.place / (page.steps.length - 1);
  page.tell("");
};

// Says above the screen what the listener has to know, or that nothing is kept.
page.tell = (words) => {
  const said = words || (page.answers.isKept ? "" : page.text.noStorage), problem = byId("problem");
  problem.hidden = !said;
  if (problem.textContent !== said) problem.textContent = said;
};

// Goes on to the next screen, and keeps where the listener is.
page.next = () => {
  page.answers.place += 1;
  page.answers.keep();
  page.here();
};

page.here = () => page.steps[Math.min(page.answers.place, page.steps.length - 1)]();

const title = (words) => make("h1", { tabindex: -1 }, words);
const paragraphs = (texts) => texts.map((text) => make("p", {}, text));
const onward = (words = page.text.next) => make("div", { class: "row" }, keyButton(words, " ", () => page.next(), { class: "play" }));

function welcome() {
  const { text, trials, blocks, minutes } = page, pairs = trials.filter(({ kind }) => kind === "main" || kind === "catch").length;
  const agreed = make("input", { type: "checkbox", onchange: () => { begin.disabled = !agreed.checked; } });
  const begin = button(text.start, () => page.next(), { class: "play", disabled: true });
  const told = text.welcome.map((each) => filled(each, { minutes, trials: pairs, blocks: blocks.length }));
  page.show(title(text.welcomeTitle), ...paragraphs(told), make("h2", {}, text.consentTitle), ...paragraphs(text.consent),
    make("label", { class: "agree" }, agreed, text.agree), make("div", { class: "row" }, begin));
}

function sound() {
  const { text, spec, tempo, melody } = page;
  const listen = keyButton(text.playMelody, "p", () => playOneByOne(spec, melody, tempo, () => {}, () => {}));
  const chosen = (device) => () => { page.answers.device = device; page.next(); };
  page.show(title(text.soundTitle), make("p", {}, text.sound), make("div", { class: "row" }, listen),
    make("h2", {}, text.headphonesQuestion),
    make("div", { class: "answers" }, keyButton(text.headphones, "1", chosen("headphones")), keyButton(text.loudspeakers, "2", chosen("loudspeakers"))));
}

function block(attribute, number) {
  const { text, blocks } = page;
  const stop = make("details", {}, make("summary", {}, text.stopTitle), make("div", { class: "row" }, button(text.stop, saveAnswers)));
  page.show(make("p", { class: "where" }, filled(text.blockTitle, { n: number, of: blocks.length })), title(text.questions[attribute].pair),
    ...paragraphs([text.blockHint]), onward(), stop, make("p", { id: "saved", class: "said", role: "status" }));
}

function ratings() {
  page.show(title(page.text.rateTitle), make("p", {}, page.text.rateStart), onward());
}

let isSaved = false;

function saveAnswers() {
  const { answers, text } = page;
  save(answers.file, answers.csv, "text/csv");
  byId("saved").textContent = filled(text.saved, { file: answers.file });
  isSaved = true;
}

function end() {
  const { text, answers } = page, shown = make("textarea", { readonly: true, "aria-label": text.asText });
  shown.value = answers.csv;
  const other = button(text.otherListener, startAgain, { disabled: !isSaved });
  page.show(title(text.endTitle), make("p", {}, text.end),
    make("div", { class: "row" }, keyButton(text.saveAnswers, " ", () => { saveAnswers(); other.disabled = false; }, { class: "play" })),
    make("p", { id: "saved", class: "said", role: "status" }), make("details", {}, make("summary", {}, text.asText), shown),
    make("div", { class: "row" }, other));
}

function startAgain() {
  isSaved = false;
  page.answers.clear();
  page.here();
}

// Who comes back is asked first: sound needs an action of the user, and it may be somebody else.
function comeBack() {
  const { text } = page;
  page.show(title(text.title), make("p", {}, text.resumed),
    make("div", { class: "row" }, keyButton(text.goOn, " ", () => page.here(), { class: "play" }), button(text.otherListener, startAgain)));
}

function steps() {
  const { trials, tones, blocks } = page, rated = trials.filter(({ kind }) => kind === "rating");
  const pairs = trials.filter(({ kind }) => kind !== "practice" && kind !== "rating");
  const screen = (trial) => {
    const among = trial.kind === "rating" ? rated : pairs;
    return () => trialScreen(trial, { n: among.indexOf(trial) + 1, of: among.length });
  };
  return [
    welcome, sound, ...tones.map((tone, i) => () => toneScreen(tone, i + 1)),
    ...blocks.flatMap((attribute, i) => [
      () => block(attribute, i + 1),
      ...trials.filter((trial) => trial.attribute === attribute && trial.kind !== "rating").map(screen),
    ]),
    ...(rated.length ? [ratings, ...rated.map(screen)] : []),
    end,
  ];
}

addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, summary")) return;
  if (event.key === " " && event.target.matches("button")) return; // it is pressed by itself
  // Digits are meant also where a keyboard has them with shift only.
  const keys = [event.key.toLowerCase(), event.code.replace(/^(Digit|Numpad)(?=\d$)/, "")];
  const pressed = [...document.querySelectorAll("[data-key]")].find(({ dataset }) => keys.includes(dataset.key));
  if (!pressed) return;
  event.preventDefault();
  pressed.click();
});

document.documentElement.lang = page.text.language;
document.title = page.text.title;
page.steps = steps();
page.answers.keep(); // to know whether it can be
// Who is about to lose answers is asked first.
addEventListener("beforeunload", (event) => {
  if (page.answers.rows.length && !page.answers.isKept && !isSaved) event.preventDefault();
});
if (page.answers.place > 0 && page.answers.place < page.steps.length - 1) comeBack();
else page.here();
