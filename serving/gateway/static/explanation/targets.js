// What of an answer can be explained: each label, tag or value, of each head.

import { headsOf, isObject } from "../heads.js";

const MOST_OF_A_HEAD = 200;

// [{head, target, words}], what the model answered first. `head` is null for the only one. `facts` are those of the only
// head, or of each by its name. The numbers of a vector have no names: there are none of it.
export function targetsOf(prediction, facts) {
  return headsOf(prediction).flatMap(([name, answer]) =>
    namesOf(answer, name ? facts?.[name] : facts)
      .slice(0, MOST_OF_A_HEAD)
      .map((target) => ({ head: name || null, target, words: [name, target].filter(Boolean).join(": ") })),
  );
}

function namesOf({ label, tags, scores, values, value, low, high }, facts) {
  if (typeof label === "string") return unique([label, ...bestFirst(scores), ...(facts?.labels ?? [])]);
  if (Array.isArray(tags)) return unique([...tags, ...bestFirst(scores)]);
  if (isObject(values)) return Object.keys(values);
  return Object.entries({ value, low, high }).flatMap(([name, number]) => (Number.isFinite(number) ? [name] : []));
}

function bestFirst(scores) {
  return Object.entries(scores ?? {})
    .sort(([, one], [, other]) => other - one)
    .map(([name]) => name);
}

function unique(names) {
  return [...new Set(names)];
}
