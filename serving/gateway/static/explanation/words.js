// A text whose parts are marked by how much they speak for an answer, or against it.

import { element } from "../dom.js";

const FAINT = 0.1; // of the strongest part: what is weaker is not marked
const STRONG = 0.5;

// `parts` have their place in `text` in code points, and their strength from -1 to 1. `titleOf` gives a part's figure.
export function markedText(field, parts, text, titleOf) {
  const characters = [...text];
  const nodes = [];
  let place = 0;
  for (const part of parts) {
    const { start, end, strength } = part;
    nodes.push(characters.slice(place, start).join(""));
    nodes.push(marked(characters.slice(start, end).join(""), strength, titleOf(part)));
    place = end;
  }
  nodes.push(characters.slice(place).join(""));
  const label = `${field}, with the words for and against the answer marked`;
  return element("p", { class: "words", tabindex: 0, role: "group", "aria-label": label }, ...nodes);
}

function marked(text, strength, title) {
  const size = Math.abs(strength);
  if (size < FAINT) return text;
  const side = strength > 0 ? "for" : "against";
  const node = element("span", { class: `${side}${size >= STRONG ? " strong" : ""}`, title }, text);
  node.style.setProperty("--strength", size.toFixed(3));
  return node;
}
