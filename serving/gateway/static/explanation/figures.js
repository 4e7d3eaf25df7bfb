// How the figures of an explanation are written.

import { headsOf, isObject, percent } from "../heads.js";

export const MINUS = "\u2212"; // which screen readers say, unlike the hyphen
const VALUE = "value"; // the target of heads with one number
const rough = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

// Scores of labels and tags are percent and points of these, others in their unit. There are as many decimals as
// give the largest figure three digits.
export function figuresOf({ score, base, target, unit, head, parts }, prediction) {
  const [, answer] = headsOf(prediction).find(([name]) => name === (head ?? "")) ?? [];
  const isShare = isObject(answer?.scores);
  const factor = isShare ? 100 : 1;
  const largest = factor * Math.max(Math.abs(score - base), ...parts.map(({ contribution }) => Math.abs(contribution)));
  const digits = largest ? Math.min(10, Math.max(0, 2 - Math.floor(Math.log10(largest)))) : 1;
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

export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
