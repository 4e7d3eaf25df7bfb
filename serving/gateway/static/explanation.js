// Shows an explanation: what it is made of, the strongest parts with their signed figures, words in their text, patches
// over their picture. Colour says nothing alone: figures, underlines and hatching say the same.

import { element } from "./dom.js";
import { headsOf, isObject, percent } from "./heads.js";
import { barWidth, tableParts } from "./tables.js";
import { textOf } from "./values.js";
import { heatMap } from "./heat_map.js";
import { markedText } from "./words.js";

const MOST_ROWS = 20;
const MOST_CHARACTERS = 60; // of a value in the table
const MINUS = "\u2212"; // which screen readers say, unlike the hyphen
const VALUE = "value"; // the target of heads with one number
const STABLE = 0.9;
const FAIRLY_STABLE = 0.7;
const rough = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

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

// How figures are written: scores of labels and tags as percent and points of these, others in their unit. As many
// decimals as give the largest figure three digits.
function figuresOf({ score, base, target, unit, head, parts }, prediction) {
  const [, answer] = headsOf(prediction).find(([name]) => name === (head ?? "")) ?? [];
  const isShare = isObject(answer?.scores);
  const factor = isShare ? 100 : 1;
  const largest = factor * Math.max(Math.abs(score - base), ...parts.map(({ contribution }) => Math.abs(contribution)));
  const digits = largest ? Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(largest)))) : 1;
  const format = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const size = (number) => format.format(Math.abs(factor * number));
  const isNothing = (number) => !/[1-9]/.test(size(number));
  const signed = (number) => (isNothing(number) ? "" : number < 0 ? MINUS : "+") + size(number);
  return {
    name: target === VALUE ? (head ?? "The value") : [head, target].filter(Boolean).join(": "),
    isShare,
    of: isShare ? "points" : unit ? `in ${unit}` : "",
    size,
    isNothing,
    signed,
    rough: (number) => rough.format(factor * number),
    whole: (number) => (isShare ? percent(number) : [signed(number).replace("+", ""), unit && `in ${unit}`].filter(Boolean).join(" ")),
  };
}

function sum({ score, base, gap }, { name, isShare, whole, size, isNothing }) {
  const off = `${size(gap)}${isShare ? " points" : ""} ${gap > 0 ? "less" : "more"} than that`;
  return [
    element("strong", {}, name),
    isShare ? " has a score of " : " is ",
    element("strong", {}, whole(score)),
    `. With none of its parts it would be ${whole(base)}. The parts add up to ${isNothing(gap) ? "the difference" : off}.`,
  ];
}

function incomplete({ evaluations }) {
  return `Not complete: its time or budget ended after ${counted(evaluations, "evaluation")}, so the figures are rough.`;
}

const ABSENT = [
  ["text", "words are taken out"],
  ["box", "a patch gets the mean colour of its picture"],
  ["value", "a field gets the value that is usual in training"],
];

function absent(parts) {
  const told = ABSENT.filter(([key]) => parts.some((part) => key in part)).map(([, words]) => words);
  return `To leave out a part, ${told.join("; ")}.`;
}

function quality({ method, evaluations, exact, stability, parts }, figures, version) {
  const by = `${counted(evaluations, "evaluation")} by version ${version}`;
  if (method === "occlusion") return `Each figure is what leaving out that part alone changes (${by}).`;
  if (exact) return `Shapley values over all combinations of the parts (${by}): they are exact.`;
  const errors = parts.map(({ error }) => error).filter(Number.isFinite);
  const within = errors.length ? ` The standard error is at most ${figures.rough(Math.max(...errors))}${figures.isShare ? " points" : ""}.` : "";
  return `Shapley values from ${by}.${stable(stability)}${within}`;
}

function stable(stability) {
  if (!Number.isFinite(stability)) return " Too few of them to tell how stable they are.";
  const words = stability >= STABLE ? "alike: stable" : stability >= FAIRLY_STABLE ? "much alike: fairly stable" : "differently: not stable";
  return ` Two halves of these rank the parts ${words} (rank correlation ${stability.toFixed(2)}).`;
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// What stands in the table, and is told.
function nameOf(part, parts) {
  const before = parts.some(({ field }) => field !== part.field) ? `${part.field}: ` : "";
  if (part.box) return before + placeOf(part, parts);
  return "text" in part ? `${before}“${short(part.text)}”` : part.field;
}

// "row 2, column 5" of a picture's patches.
function placeOf({ field, box }, parts) {
  const boxes = parts.filter((part) => part.field === field && part.box).map((part) => part.box);
  const rank = (axis) => [...new Set(boxes.map((each) => each[axis]))].sort((one, other) => one - other).indexOf(box[axis]) + 1;
  return `row ${rank(1)}, column ${rank(0)}`;
}

function short(text) {
  const characters = [...text];
  return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS).join("")} …` : text;
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

function shortValue(value) {
  return value === null || value === undefined ? "none" : short(textOf(value));
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

function sentence(ranked, { complete }, { name, signed, of }) {
  const told = ranked.slice(0, 3).map((part) => `${part.name} ${signed(part.contribution)}`);
  const what = name.replace("The value", "the value");
  return `Explanation of ${what}${of && `, ${of}`}: ${told.join("; ") || "no part changes it"}.${complete ? "" : " Not complete."}`;
}
