// Screens that ask: a pair of measures, one measure to rate, and three tones.
"use strict";

const MOST_PLAYS = 2;
const SOON = 500, SILENT = 2000; // in milliseconds: until a pair is played by itself, and until silence is told of
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

// A button with a key, which the listener of the page presses for it.
function keyButton(words, key, onclick, properties = {}) {
  const name = key === " " ? page.text.space : key.toUpperCase();
  const made = button(words, onclick, { "data-key": key, "aria-keyshortcuts": key === " " ? "Space" : key, ...properties });
  made.append(make("kbd", { "aria-hidden": "true" }, name));
  return made;
}

// Asks a question about something that is played. Answers can be given once it was heard to the end.
// play(onSounds, onEnd) plays it, isSoon says whether by itself; choices are words, whose numbers from 1 are the
// answers; onAnswer(answer, seconds, plays) is called once. Returns the elements and the button that plays.
function asked(words, choices, { play: playIt, playWords, most = MOST_PLAYS, isRating = false, isSoon, onAnswer }) {
  let plays = 0, heardAt = 0, isOver = false;
  const buttons = choices.map((choice, i) => keyButton(choice, String(i + 1), () => answer(i + 1), { disabled: true }));
  const playButton = keyButton(playWords, " ", start, { class: "play" });
  const enable = (isHeard) => {
    for (const each of buttons) each.disabled = !isHeard;
    playButton.disabled = !isHeard || plays >= most;
  };
  const soon = isSoon ? setTimeout(start, SOON) : 0;
  function start() {
    clearTimeout(soon); // whoever presses the key before does not hear it twice
    plays += 1;
    enable(false);
    setTimeout(() => page.tell(player.context?.state === "running" ? "" : page.text.noSound), SILENT);
    playIt((sounds) => buttons.forEach((each, i) => each.classList.toggle("sounds", !isRating && i === sounds)), () => {
      heardAt = performance.now();
      enable(!isOver);
      if (plays < most) playButton.firstChild.textContent = page.text.again;
    });
  }
  function answer(number) {
    if (isOver) return;
    isOver = true;
    enable(false);
    onAnswer(number, (performance.now() - heardAt) / 1000, plays);
  }
  const elements = [
    make("h1", { tabindex: -1 }, words),
    make("div", { class: isRating ? "answers ratings" : "answers" }, ...buttons),
    make("div", { class: "row" }, playButton),
  ];
  return { elements, playButton };
}

// One trial of the plan: practice says what was right, and waits.
function trialScreen(trial, count) {
  const { text, spec, tempo } = page, words = text.questions[trial.attribute], isRating = trial.kind === "rating";
  const said = make("p", { class: "said", role: "status" });
  const question = asked(isRating ? words.rating : words.pair, isRating ? ["1", "2", "3", "4", "5", "6", "7"] : [text.first, text.second], {
    isRating,
    isSoon: true,
    playWords: isRating ? text.playOne : text.play,
    play: (onSounds, onEnd) => playOneByOne(spec, trial.measures, tempo, onSounds, onEnd),
    onAnswer: (answer, seconds, plays) => {
      const { kind, item, attribute } = trial;
      page.answers.add({ trial: trial.trial, kind, item, attribute, answer, seconds: seconds.toFixed(3), plays });
      if (kind !== "practice") { page.next(); return; }
      const isRight = answer === trial.right;
      said.textContent = isRight ? text.right : filled(text.wrong, { which: trial.right === 1 ? text.whichFirst : text.whichSecond });
      const again = button(text.again, () => playOneByOne(spec, trial.measures, tempo, () => {}, () => {}));
      question.playButton.replaceWith(keyButton(text.next, " ", () => page.next(), { class: "play" }), again);
    },
  });
  const ends = isRating ? [make("p", { class: "ends" }, make("span", {}, `1 ${words.least}`), make("span", {}, `7 ${words.most}`))] : [];
  const [title, answers, row] = question.elements;
  const where = trial.kind === "practice" ? text.practice : filled(isRating ? text.rateCount : text.trialCount, count);
  page.show(make("p", { class: "where" }, where), title, answers, ...ends, row, said);
}

function toneScreen(tone, number) {
  const { text } = page, of = page.tones.length;
  const question = asked(text.toneTitle, text.tones, {
    playWords: text.playTones,
    play: (onSounds, onEnd) => playTones(tone, onSounds, onEnd),
    most: 1,
    isSoon: number > 1,
    onAnswer: (answer, seconds, plays) => {
      page.answers.add({ trial: number, kind: "tone", item: "", attribute: "", answer, seconds: seconds.toFixed(3), plays });
      page.next();
    },
  });
  const hint = number === 1 ? [make("p", {}, filled(text.tone, { n: of }))] : [];
  page.show(make("p", { class: "where" }, filled(text.toneCount, { n: number, of })), question.elements[0], ...hint, ...question.elements.slice(1));
}
