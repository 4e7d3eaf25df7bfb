// A picture below its patches: filled where they speak for an answer, hatched where they speak against it.

import { element } from "../dom.js";

const LONGER = 560; // pixels of the canvas's longer side
const FAINT = 0.08; // of the strongest patch: what is weaker is not painted
const MARKED = 0.35; // what is stronger has its sign in it
const LEAST_ALPHA = 0.15;
const MOST_ALPHA = 0.75;
const SIDES = { for: "51 128 255", against: "245 120 20" }; // seen on black as on white

// `parts` have boxes in pixels of the picture that `size` describes, and their strength from -1 to 1. `source` is what
// was sent: a file, or base64.
export function heatMap(field, parts, size, source) {
  const width = size?.width ?? Math.max(...parts.map(({ box }) => box[2]));
  const height = size?.height ?? Math.max(...parts.map(({ box }) => box[3]));
  const scale = LONGER / Math.max(width, height);
  const canvas = element("canvas", {
    class: "heat",
    role: "img",
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
    "aria-label": `${field}, with the patches for and against the answer marked; the table has the strongest`,
  });
  paint(canvas, parts, scale, source);
  return canvas;
}

async function paint(canvas, parts, scale, source) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#888";
  context.fillRect(0, 0, canvas.width, canvas.height);
  try {
    const bitmap = await createImageBitmap(source instanceof Blob ? source : toBlob(source));
    context.filter = "grayscale(1)"; // so that the patches' colours are the only ones
    context.imageSmoothingEnabled = bitmap.width * 4 > canvas.width; // small drawings show their pixels
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    context.filter = "none";
    bitmap.close();
  } catch {
    canvas.setAttribute("aria-label", `${canvas.getAttribute("aria-label")}. This browser can't show the picture below them.`);
  }
  parts.filter(({ strength }) => Math.abs(strength) >= FAINT).forEach((part) => paintPatch(context, part, scale));
  canvas.dataset.painted = "true";
}

function paintPatch(context, { box, strength }, scale) {
  const [left, top, right, bottom] = box.map((each) => each * scale);
  const [side, size] = [strength > 0 ? "for" : "against", Math.abs(strength)];
  const colour = (alpha) => `rgb(${SIDES[side]} / ${alpha})`;
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  const alpha = LEAST_ALPHA + (MOST_ALPHA - LEAST_ALPHA) * size;
  context.fillStyle = colour(side === "for" ? alpha : alpha / 2);
  context.fill();
  context.strokeStyle = colour(0.4 + 0.6 * size);
  if (side === "against") hatch(context, left, top, right, bottom);
  context.restore();
  if (size >= MARKED) sign(context, left, top, right, bottom, strength > 0 ? "+" : "\u2212");
}

function hatch(context, left, top, right, bottom) {
  const [height, step] = [bottom - top, 10];
  context.lineWidth = 3;
  for (let x = left - height; x < right; x += step) {
    context.beginPath();
    context.moveTo(x, bottom);
    context.lineTo(x + height, top);
    context.stroke();
  }
}

function sign(context, left, top, right, bottom, text) {
  context.font = `bold ${Math.round(Math.min(28, (bottom - top) * 0.5))}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  context.strokeStyle = "rgb(0 0 0 / .8)";
  context.fillStyle = "#fff";
  context.strokeText(text, (left + right) / 2, (top + bottom) / 2);
  context.fillText(text, (left + right) / 2, (top + bottom) / 2);
}

function toBlob(base64) {
  return new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))]);
}
