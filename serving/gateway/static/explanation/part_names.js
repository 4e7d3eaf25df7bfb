// What the parts of an explanation are called, and their values in short.

import { textOf } from "../values.js";

const MOST_CHARACTERS = 60;

export function nameOf(part, parts) {
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

export function shortValue(value) {
  return value === null || value === undefined ? "none" : short(textOf(value));
}
