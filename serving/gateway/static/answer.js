// Shows a model's answer, and how long it took.

import { element } from "./dom.js";
import { described, headsOf } from "./heads.js";
import { barWidth, tableParts } from "./tables.js";

const duration = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const fineDuration = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// `facts` are those of the only head, or of each by its name.
// `between` stands below the answer.
export function answerNodes({ reply, milliseconds, stages }, facts, between) {
  const [prediction] = reply.predictions;
  return [...predictionNodes(headsOf(prediction), facts), between, ...timeNodes(reply.version, milliseconds, stages)];
}

// The answer as one sentence, for screen readers.
export function answerSentence({ reply }, facts) {
  const heads = headsOf(reply.predictions[0]);
  const words = heads.map(([name, answer]) => (name ? `${name} ` : "") + described(answer, factsOf(name, facts)).words);
  return `Answer: ${words.join("; ")}`;
}

function factsOf(name, facts) {
  return name ? facts?.[name] : facts;
}

function predictionNodes(heads, facts) {
  if (heads.length === 1) return headNodes("", described(heads[0][1], facts));
  const rows = heads.map(([name, answer]) => {
    const nodes = headNodes(name, described(answer, factsOf(name, facts)));
    return element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, ...nodes));
  });
  return [element("table", { class: "heads" }, ...tableParts("Answers", ["head", "answer"], rows))];
}

function headNodes(name, { main, aside, bars, table, text, note }) {
  const of = name && ` of ${name}`;
  return [
    main && headline(main, aside),
    bars && barTable(`Scores${of}`, bars.heads, bars.rows),
    table && plainTable(`Values${of}`, table.heads, table.rows),
    text && element("pre", { class: "numbers", tabindex: 0, role: "group", "aria-label": `Details${of}` }, text),
    note && element("p", { class: "hint" }, note),
  ].filter(Boolean);
}

function headline(text, aside) {
  return element("p", { class: "headline" }, element("strong", {}, text), " ", element("span", {}, aside));
}

function timeNodes(version, milliseconds, stages) {
  const inside = stages.reduce((sum, [, value]) => sum + value, 0);
  const all = stages.length ? [...stages, ["everything else", Math.max(0, milliseconds - inside)]] : [];
  const rows = all.map(([name, value]) => [name, value / milliseconds, `${fineDuration.format(value)} ms`]);
  const summary = element("p", { class: "summary" }, `Version ${version} answered in ${duration.format(milliseconds)} ms.`);
  return rows.length ? [summary, barTable("Time by stage", ["stage", "time"], rows)] : [summary];
}

// Rows of [name, share of the full width, figure].
function barTable(caption, [nameHead, figureHead], rows) {
  const body = rows.map(([name, share, text]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, bar(share)), element("td", {}, text)),
  );
  return element("table", { class: "bars" }, ...tableParts(caption, [nameHead, "", figureHead], body));
}

// Rows of texts, the first of which names the row.
function plainTable(caption, heads, rows) {
  const body = rows.map(([name, ...texts]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...texts.map((text) => element("td", {}, text))),
  );
  return element("table", { class: "values" }, ...tableParts(caption, heads, body));
}

function bar(share) {
  return element("div", { class: "bar", "aria-hidden": "true" }, barWidth(element("span"), share));
}
