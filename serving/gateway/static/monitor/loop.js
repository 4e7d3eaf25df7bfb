// What is captured, what is known of the truth, and shadows: each only where it is on.

import { element } from "../dom.js";
import { count, figures, number, percent, section } from "./figures.js";
import { measure } from "./versions.js";

const LIVE = "plumbline_live_measure"; // there only if something adds what `plumbline live` exposes
const LABELS = ["model", "version", "head", "measure"];

export function loopSection(model) {
  const captures = figures("Captures and feedback", ["what", "last minute", "since the start"]);
  const shadows = figures("Shadows", ["version", "share", "compared", "disagree", "rejected", "failed", "not sent"]);
  const measures = figures("Answers whose truth is known", ["version", "measure", "95 % interval", "answers"]);
  const command = element("kbd", {}, "plumbline live");
  const hint = element("p", { class: "hint" }, "How good answers were is told by ", command, ", a process of its own.");
  const node = section("Captures and shadows", captures.node, measures.node, hint, shadows.node);
  const update = (history) => {
    const rows = captureRows(history, model);
    const known = measureRows(history.last, model);
    const shadowed = shadowRows(history.last, model);
    captures.fill(rows);
    measures.fill(known);
    shadows.fill(shadowed);
    hint.hidden = !rows.length || known.length > 0;
    node.hidden = !rows.length && !known.length && !shadowed.length;
  };
  return { node, update };
}

function captureRows(history, model) {
  const dropped = history.last.of("captures_dropped_total", { model }).map(({ labels }) => labels.reason);
  const told = history.last.of("feedback_requests_total", { model }).map(({ labels }) => labels.code);
  const rows = [
    ["instances captured", "captured_total", { model }],
    ...dropped.map((reason) => [`dropped (${reason})`, "captures_dropped_total", { model, reason }]),
    ["truths kept", "feedback_items_total", { model }],
    ...told.map((code) => [`feedback, status ${code}`, "feedback_requests_total", { model, code }]),
  ];
  const there = rows.filter(([, name, where]) => history.last.of(name, where).length);
  return there.map(([text, name, where]) => [text, count(history.increase(name, where)), count(history.last.value(name, where))]);
}

function measureRows(scrape, model) {
  const family = (name) => scrape.families.get(name) ?? [];
  const of = (name, wanted) =>
    family(name).find(({ labels }) => LABELS.every((label) => labels[label] === wanted[label]))?.value;
  const all = family(LIVE).filter(({ labels }) => labels.model === model);
  return all.map((each) => {
    const [low, high] = [of(`${LIVE}_low`, each.labels), of(`${LIVE}_high`, each.labels)];
    const interval = low === undefined ? "–" : `${number(low)} to ${number(high)}`;
    return [each.labels.version, measure(each), interval, count(of("plumbline_live_measured_answers", each.labels))];
  });
}

function shadowRows(scrape, model) {
  return scrape.of("shadow_ratio", { model }).map(({ labels: { version }, value }) => {
    const where = { model, version };
    const ended = (outcome) => count(scrape.value("shadow_requests_total", { ...where, outcome }));
    const disagree = scrape.value("shadow_disagreements_total", where) / scrape.value("shadow_instances_total", where);
    const dropped = count(scrape.value("shadow_dropped_total", where));
    return [version, percent(value), ended("compared"), percent(disagree), ended("rejected"), ended("failed"), dropped];
  });
}
