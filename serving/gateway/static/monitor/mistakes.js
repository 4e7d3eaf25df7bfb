// The last captured answers that turned out to be wrong: read only when asked for, by a key that may read captures.

import { element } from "../dom.js";
import { get, Problem } from "../gateway.js";
import { isObject } from "../heads.js";
import { textOf } from "../values.js";
import { count, figures, number, section, tell } from "./figures.js";

const NEEDED = "They show what callers sent: a key with the right captures=read is needed.";

export function mistakesSection(model) {
  const button = element("button", { type: "button" }, "Show the last mistakes");
  const told = element("p", { class: "told", "aria-live": "polite" }, NEEDED);
  const measures = figures("Of the answers that were read", ["version", "measure", "95 % interval", "answers"]);
  const table = figures("The last mistakes", ["time", "version", "answer", "truth", "instance"]);
  table.node.classList.add("mistakes");
  measures.fill([]);
  table.fill([]);
  const node = section("Mistakes", told, measures.node, table.node, element("div", { class: "buttons" }, button));
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      const found = await get(`captures/mistakes/${encodeURIComponent(model)}`, new AbortController().signal);
      tell(told, summary(found));
      measures.fill(found.measures.map(measureRow));
      table.fill(found.mistakes.map(row));
      tell(button, "Look again");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      tell(told, `Not shown: ${error.message}`);
    }
    button.removeAttribute("aria-busy");
  });
  const update = (history) => {
    node.hidden = !history.last.of("captured_total", { model }).length;
  };
  return { node, update };
}

function summary({ known, since, complete, damaged, order, mistakes }) {
  if (!known) return "No answer that was read has a truth yet.";
  const which = order === "newest" ? "wrong answers, the newest first" : "answers that were farthest off";
  return [
    `The ${mistakes.length} last ${which}, of ${count(known)} whose truth is known.`,
    !complete && since && `Only what was captured since ${since.slice(0, 19).replace("T", " ")} UTC was read.`,
    damaged && `${count(damaged)} damaged parts or lines were left out.`,
  ]
    .filter(Boolean)
    .join(" ");
}

function measureRow({ version, head, measure, value, low, high, answers }) {
  const interval = low === null ? "–" : `${number(low)} to ${number(high)}`;
  return [String(version), `${[head, measure].filter(Boolean).join(" ")} ${number(value)}`, interval, count(answers)];
}

function row({ time, request_id: id, version, answer, truth, instance }) {
  const when = element("span", { title: `${time}, request ${id}` }, time.slice(5, 19).replace("T", " "));
  return [when, String(version), inWords(answer), inWords(truth), inWords(instance) || "nothing of it may be shown"];
}

function inWords(value) {
  if (typeof value === "number") return number(value);
  if (!isObject(value)) return textOf(value);
  const parts = Object.entries(value).map(([name, part]) => `${name} ${inWords(part)}`);
  return parts.join(", ");
}
