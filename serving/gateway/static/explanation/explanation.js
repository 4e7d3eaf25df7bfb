// Shows an explanation: what it is made of, the strongest parts with their signed figures, words in their text, patches
// over their picture. Colour says nothing alone: figures, underlines and hatching say the same.

import { absent, incomplete, quality, sentence, sum } from "./account.js";
import { element } from "../dom.js";
import { counted, figuresOf, MINUS } from "./figures.js";
import { heatMap } from "./heat_map.js";
import { nameOf, shortValue } from "./part_names.js";
import { barWidth, tableParts } from "../tables.js";
import { markedText } from "./words.js";

const MOST_ROWS = 20;

// Returns {nodes, sentence}: what is shown, and what a screen reader says of it. `instance` has what was sent, by field.
export function explained({ explanation, prediction, version }, instance) {
  const { parts } = explanation;
  const figures = figuresOf(explanation, prediction);
  const strongest = Math.max(0, ...parts.map(({ contribution }) => Math.abs(contribution)));
  const weighed = parts.map((part) => ({ ...part, name: nameOf(part, parts), strength: strongest && part.contribution / strongest }));
  const ranked = weighed
    .filter(({ contribution }) => !figures.isNothing(contribution))
    .sort((one, other) => Math.abs(other.strength) - Math.abs(one.strength));
  const nodes = [
    element("p", { class: "sum" }, ...sum(explanation, figures)),
    explanation.complete ? null : element("p", { class: "notice" }, incomplete(explanation)),
    element("div", { class: "reasons" }, marked(weighed, explanation, instance, figures), reasons(ranked, parts, figures)),
    element("p", { class: "hint" }, [absent(parts), quality(explanation, figures, version)].join(" ")),
  ];
  return { nodes: nodes.filter(Boolean), sentence: sentence(ranked, explanation, figures) };
}

function reasons(ranked, parts, { of, signed }) {
  if (!ranked.length) return element("p", {}, "No part changes it.");
  const rows = ranked.slice(0, MOST_ROWS).map((part) => {
    const name = element("th", { scope: "row" }, part.name, ...valueOf(part));
    return element("tr", {}, name, element("td", {}, twoSidedBar(part.strength)), element("td", {}, signed(part.contribution)));
  });
  const table = element("table", { class: "bars signed" }, ...tableParts("Strongest parts", ["part", "", of || "change"], rows));
  const more = parts.length - rows.length;
  return element("div", {}, table, more ? element("p", { class: "hint" }, `And ${counted(more, "weaker part")}.`) : null);
}

function valueOf(part) {
  if (!("value" in part)) return [];
  const usual = "reference" in part ? ` instead of ${shortValue(part.reference)}` : "";
  return [" ", element("span", { class: "hint" }, shortValue(part.value) + usual)];
}

// From the middle to the right what speaks for it, to the left what speaks against it.
function twoSidedBar(strength) {
  const filled = barWidth(element("span"), Math.abs(strength) / 2);
  return element("div", { class: `bar two ${strength > 0 ? "for" : "against"}`, "aria-hidden": "true" }, filled);
}

// The texts and pictures, with their parts marked; null if there are none.
function marked(parts, { pictures = [] }, instance, figures) {
  const fields = Map.groupBy(parts, ({ field }) => field);
  const nodes = [...fields].flatMap(([field, own]) => {
    if (own[0].box) return [heatMap(field, own, pictures.find((each) => each.field === field), instance[field])];
    const titleOf = ({ contribution }) => [figures.signed(contribution), figures.of].filter(Boolean).join(" ");
    return "text" in own[0] ? [markedText(field, own, instance[field], titleOf)] : [];
  });
  return nodes.length ? element("div", {}, ...nodes, legend(figures)) : null;
}

function legend({ isShare, name }) {
  const [up, down] = isShare ? [`for ${name}`, "against it"] : ["raises it", "lowers it"];
  const key = (side, sign, words) =>
    element("span", { class: `key ${side}` }, element("span", { class: "swatch", "aria-hidden": "true" }, sign), " ", element("span", {}, words));
  return element("p", { class: "hint legend" }, key("for", "+", up), key("against", MINUS, down));
}
