// What is said of an explanation: how far it adds up, how stable it is, and what was done for it.

import { element } from "../dom.js";
import { counted } from "./figures.js";

const STABLE = 0.9;
const FAIRLY_STABLE = 0.7;

export function sum({ score, base, gap }, { name, isShare, whole, size, isNothing }) {
  const off = `${size(gap)}${isShare ? " points" : ""} ${gap > 0 ? "less" : "more"} than that`;
  return [
    element("strong", {}, name),
    isShare ? " has a score of " : " is ",
    element("strong", {}, whole(score)),
    `. With none of its parts it would be ${whole(base)}. The parts add up to ${isNothing(gap) ? "the difference" : off}.`,
  ];
}

export function incomplete({ evaluations }) {
  return `Not complete: its time or budget ended after ${counted(evaluations, "evaluation")}, so the figures are rough.`;
}

const ABSENT = [
  ["text", "words are taken out"],
  ["box", "a patch gets the mean colour of its picture"],
  ["value", "a field gets the value that is usual in training"],
];

export function absent(parts) {
  const told = ABSENT.filter(([key]) => parts.some((part) => key in part)).map(([, words]) => words);
  return told.length ? `To leave out a part, ${told.join("; ")}.` : "";
}

export function quality({ method, evaluations, exact, stability, parts }, figures, version) {
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

// For screen readers.
export function sentence(ranked, { complete }, { name, signed, of }) {
  const told = ranked.slice(0, 3).map((part) => `${part.name} ${signed(part.contribution)}`);
  const what = name.replace("The value", "the value");
  return `Explanation of ${what}${of && `, ${of}`}: ${told.join("; ") || "no part changes it"}.${complete ? "" : " Not complete."}`;
}
