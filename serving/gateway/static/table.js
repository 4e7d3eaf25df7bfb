// The table of answers to the rows of a file, and the same as CSV.

import { element } from "./dom.js";
import { headsOf, inShort } from "./heads.js";
import { textOf } from "./values.js";

export const MOST_COLUMNS = 4; // of a file that are shown beside the answers
const MOST_CHARACTERS = 200; // of a cell
const MOST_FAULTS = 20; // of a row

// The columns of answers become known with the first of them.
export function makeTable(columns) {
  const shown = columns.slice(0, MOST_COLUMNS);
  const head = element("tr");
  const body = element("tbody");
  const node = element("table", { class: "answers" }, element("caption", { class: "unseen" }, "Answers to the rows"));
  node.append(element("thead", {}, head), body);
  const kept = [];
  const parts = [];
  const wide = []; // cells with faults, which take the place of all parts

  function showHead() {
    head.replaceChildren(...["row", ...shown, ...parts].map((name) => element("th", { scope: "col" }, name)));
    wide.forEach((cell) => (cell.colSpan = Math.max(1, parts.length)));
  }

  showHead();

  function add(number, record, { prediction, faults }) {
    const flat = new Map(prediction ? flattened(prediction) : []);
    const added = [...flat.keys()].filter((name) => !parts.includes(name));
    if (added.length) {
      parts.push(...added);
      showHead();
    }
    kept.push({ number, record, flat, faults: inOne(faults) });
    const given = shown.map((name) => element("td", {}, asGiven(record?.[name])));
    const answered = faults
      ? [element("td", { class: "error", colspan: Math.max(1, parts.length) }, inOne(faults))]
      : parts.map((name) => element("td", {}, inShort(flat.get(name))));
    if (faults) wide.push(...answered);
    body.append(element("tr", {}, element("th", { scope: "row" }, String(number)), ...given, ...answered));
  }

  // All that the file had for the model, then the answers, then what was wrong.
  function csv() {
    const own = parts.map((name) => (columns.includes(name) ? `answer_${name}` : name));
    const lines = kept.map(({ number, record, flat, faults }) => {
      return [number, ...columns.map((name) => record?.[name]), ...parts.map((name) => flat.get(name)), faults];
    });
    return [["row", ...columns, ...own, "faults"], ...lines].map((cells) => cells.map(cellOf).join(",") + "\r\n").join("");
  }

  return { node, add, csv };
}

function inOne(faults = []) {
  const more = faults.length > MOST_FAULTS ? "; and more" : "";
  return faults.slice(0, MOST_FAULTS).join("; ") + more;
}

// [column, value]: the parts of an answer, after the name of their head if there are several.
function flattened(prediction) {
  return headsOf(prediction).flatMap(([head, answer]) =>
    Object.entries(answer).map(([part, value]) => [head ? `${head}_${part}` : part, value]),
  );
}

function asGiven(value) {
  return value === undefined || value === null ? "" : textOf(value).slice(0, MOST_CHARACTERS);
}

function cellOf(value) {
  const text = value === undefined || value === null ? "" : textOf(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
