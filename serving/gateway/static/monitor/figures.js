// Numbers as people read them, and the tables and sections that they stand in.

import { element } from "../dom.js";

const NOTHING = "–";
const three = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

export const count = (value) => (value === undefined ? NOTHING : whole.format(value));
export const number = (value) => (value === undefined ? NOTHING : three.format(value));
export const percent = (value) => (value === undefined || Number.isNaN(value) ? NOTHING : tenths.format(value));

export function duration(seconds) {
  if (seconds === undefined) return NOTHING;
  if (seconds === Infinity) return "over 5 s";
  return seconds < 1 ? `${three.format(seconds * 1000)} ms` : `${three.format(seconds)} s`;
}

// A table that is filled again and again. It scrolls by itself where the screen is narrow.
export function figures(caption, heads) {
  const body = element("tbody");
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const table = element("table", {}, element("caption", {}, caption), element("thead", {}, head), body);
  const node = element("div", { class: "figures", tabindex: 0, role: "region", "aria-label": caption }, table);
  // Rows of texts or nodes, the first of which names the row.
  const fill = (rows) => {
    body.replaceChildren(
      ...rows.map(([name, ...cells]) =>
        element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", {}, cell))),
      ),
    );
    node.hidden = !rows.length;
  };
  return { node, fill };
}

export function section(title, ...children) {
  const id = `${title.toLowerCase().replaceAll(" ", "-")}-heading`;
  return element("section", { "aria-labelledby": id }, element("h3", { id }, title), ...children);
}

export function details(summary, ...children) {
  return element("details", {}, element("summary", {}, summary), ...children);
}

// Sets the text only if it is another, so that nothing is selected or read aloud anew without need.
export function tell(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function clock() {
  return new Date().toLocaleTimeString("en-GB");
}
