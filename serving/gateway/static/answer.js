// Shows a model's answer, and how long it took.

import { element } from "./dom.js";

const figure = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });
const tenths = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const duration = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const fineDuration = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// No score is rounded to 0% or 100%.
function percent(score) {
  if (score < 0.001) return "< 0.1%";
  return score > 0.999 && score < 1 ? "> 99.9%" : tenths.format(score);
}

export function answerNodes({ reply, milliseconds, stages }, labels) {
  const [prediction] = reply.predictions;
  return [...predictionNodes(prediction, labels), ...timeNodes(reply.version, milliseconds, stages)];
}

// The answer as one sentence, for screen readers.
export function answerSentence({ reply }) {
  const [{ label, score, value, unit }] = reply.predictions;
  const result = label === undefined ? `${figure.format(value)} in ${unit}` : `${label}, ${percent(score)}`;
  return `Answer: ${result}`;
}

function predictionNodes(prediction, labels) {
  if (prediction.scores) return labelNodes(prediction, labels);
  if ("value" in prediction) return [headline(figure.format(prediction.value), `in ${prediction.unit}`)];
  return [element("pre", {}, JSON.stringify(prediction, null, 2))];
}

function labelNodes({ label, score, scores }, labels) {
  const rows = Object.entries(scores).sort(([, one], [, other]) => other - one);
  const shown = rows.map(([name, value]) => [name, value, percent(value)]);
  const rest = (labels?.length ?? 0) - rows.length;
  const note = rest > 0 ? element("p", { class: "hint" }, `The best ${rows.length} of ${labels.length} labels.`) : null;
  return [headline(label, percent(score)), barTable("Scores", ["label", "score"], shown), note].filter(Boolean);
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
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, nameHead),
    element("td", {}),
    element("th", { scope: "col" }, figureHead),
  );
  const body = rows.map(([name, share, text]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, bar(share)), element("td", {}, text)),
  );
  const table = [element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...body)];
  return element("table", { class: "bars" }, ...table);
}

function bar(share) {
  const filled = element("span");
  filled.style.width = `${100 * Math.min(1, Math.max(0, share))}%`; // set by script, which the security policy allows, unlike in markup
  return element("div", { class: "bar", "aria-hidden": "true" }, filled);
}
