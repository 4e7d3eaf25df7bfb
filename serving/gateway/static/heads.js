// What the answers of each kind of head say: {main, aside} as a headline, bars, a table or numbers below it, a note, and
// all of it as words. Kinds are told apart by what an answer has, so that an answer of another version is shown as well.

const figure = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });
const tenths = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const MOST_BARS = 30;
const MOST_NUMBERS = 100;

// No score is rounded to 0% or 100%.
export function percent(score) {
  if (score > 0 && score < 0.001) return "< 0.1%";
  return score > 0.999 && score < 1 ? "> 99.9%" : tenths.format(score);
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// [name, answer] of each head: a model with several names them; the only one has no name.
export function headsOf(prediction) {
  const parts = Object.entries(prediction);
  return parts.length > 1 && parts.every(([, part]) => isObject(part)) ? parts : [["", prediction]];
}

// `facts` are those of the head, from GET /models/<model>.
export function described(answer, facts) {
  const [, describe] = KINDS.find(([fits]) => fits(answer)) ?? [null, unknown];
  return describe(answer, facts ?? {});
}

const KINDS = [
  [({ label, scores }) => typeof label === "string" && isObject(scores), label],
  [({ tags, scores }) => Array.isArray(tags) && isObject(scores), tags],
  [({ value, low, high }) => [value, low, high].every(Number.isFinite), interval],
  [({ value }) => Number.isFinite(value), number],
  [({ values }) => isObject(values) && Object.values(values).every(Number.isFinite), numbers],
  [({ vector }) => Array.isArray(vector), vector],
];

function label({ label: best, score, scores }, { labels }) {
  const ranked = bestFirst(scores);
  const note = labels?.length > ranked.length ? `The best ${ranked.length} of ${labels.length} labels.` : "";
  const bars = { heads: ["label", "score"], rows: ranked.map(([name, value]) => [name, value, percent(value)]) };
  return { main: best, aside: percent(score), bars, note, words: `${best}, ${percent(score)}` };
}

function tags({ tags: reached, scores }, { thresholds }) {
  const ranked = bestFirst(scores);
  const shown = ranked.slice(0, MOST_BARS);
  const needed = (name) => (isObject(thresholds) && name in thresholds ? ` of ${percent(thresholds[name])} needed` : "");
  const rows = shown.map(([name, value]) => [name, value, percent(value) + needed(name)]);
  const words = reached.map((name) => `${name} ${percent(scores[name])}`).join(", ") || "no tag";
  return {
    main: reached.join(", ") || "no tag",
    aside: `${reached.length} of ${ranked.length} tags`,
    bars: { heads: ["tag", "score"], rows },
    note: ranked.length > shown.length ? `The best ${shown.length} of ${ranked.length} tags.` : "",
    words,
  };
}

function bestFirst(scores) {
  return Object.entries(scores).sort(([, one], [, other]) => other - one);
}

function interval({ value, low, high, unit }, { coverage }) {
  const bounds = `${figure.format(low)} to ${figure.format(high)}`;
  const aside = [unit && `in ${unit},`, bounds].filter(Boolean).join(" ");
  const held = Number.isFinite(coverage) ? `That range held the true value of ${percent(coverage)} of the test rows.` : "";
  return { main: figure.format(value), aside, note: held, words: `${withUnit(value, unit)}, ${bounds}` };
}

function number({ value, unit }) {
  return { main: figure.format(value), aside: unit ? `in ${unit}` : "", words: withUnit(value, unit) };
}

function numbers({ values }, { units }) {
  const parts = Object.entries(values).map(([name, value]) => [name, figure.format(value), units?.[name] ?? ""]);
  const words = Object.entries(values).map(([name, value]) => `${name} ${withUnit(value, units?.[name])}`).join(", ");
  return { table: { heads: ["name", "value", "unit"], rows: parts }, words };
}

function withUnit(value, unit) {
  return unit ? `${figure.format(value)} in ${unit}` : figure.format(value);
}

function vector({ vector: all }) {
  const shown = all.slice(0, MOST_NUMBERS).map((each) => figure.format(each)).join(", ");
  const text = all.length > MOST_NUMBERS ? `${shown}, …` : shown;
  const noun = all.length === 1 ? "number" : "numbers";
  return { main: all.length.toLocaleString("en"), aside: noun, text, words: `${all.length} ${noun}: ${text}` };
}

function unknown(answer) {
  return { text: JSON.stringify(answer, null, 2), words: JSON.stringify(answer) };
}

// A part of an answer in one line, for a table's cell.
export function inShort(value) {
  if (Number.isFinite(value)) return figure.format(value);
  if (Array.isArray(value)) return listed(value.map(inShort));
  if (isObject(value)) return listed(Object.entries(value).map(([name, part]) => `${name} ${inShort(part)}`));
  return String(value ?? "");
}

function listed(texts) {
  return texts.length > 5 ? `${texts.slice(0, 5).join(", ")}, …` : texts.join(", ");
}
