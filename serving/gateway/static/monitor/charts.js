// Plain SVG. Whoever can't see it has the table beside it.

import { duration, number } from "./figures.js";

const SVG = "http://www.w3.org/2000/svg";
const [USUAL_WIDTH, HEIGHT, TOP, BOTTOM] = [600, 140, 16, 18];
const SPAN_SECONDS = 600;

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

function picture(width, height, name) {
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, class: name, "aria-hidden": "true", focusable: "false" });
}

// Lines over the last minutes. `lines` are names of the points' numbers, each with the class of its line.
export function timeChart(lines, format) {
  const node = picture(USUAL_WIDTH, HEIGHT, "times");
  const draw = (points) => {
    const width = node.clientWidth || USUAL_WIDTH; // so that texts keep their size
    node.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const values = points.flatMap((point) => lines.map(([name]) => point[name])).filter(Number.isFinite);
    const most = ceiling(Math.max(0, ...values));
    const now = points.at(-1)?.moment ?? 0;
    const span = Math.min(SPAN_SECONDS, Math.max(60, now - (points[0]?.moment ?? now)));
    const x = ({ moment }) => width * (1 - (now - moment) / span);
    const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * Math.min(value, most)) / most;
    node.replaceChildren(
      shape("line", { x1: 0, x2: width, y1: y(0), y2: y(0), class: "axis" }),
      shape("line", { x1: 0, x2: width, y1: y(most), y2: y(most), class: "grid" }),
      shape("text", { x: 0, y: TOP - 4 }, format(most)),
      shape("text", { x: 0, y: HEIGHT - 4 }, `${span < 90 ? `${Math.round(span)} s` : `${Math.round(span / 60)} min`} ago`),
      shape("text", { x: width, y: HEIGHT - 4, "text-anchor": "end" }, "now"),
      ...lines.flatMap(([name, style]) => parts(points, name).map((part) => line(part, name, style, x, y))),
    );
  };
  return { node, draw };
}

// A line ends where there is no value, or one beyond all buckets.
function parts(points, name) {
  const found = [[]];
  points.forEach((point) => (Number.isFinite(point[name]) ? found.at(-1).push(point) : found.push([])));
  return found.filter((part) => part.length);
}

function line(part, name, style, x, y) {
  const at = part.map((point) => `${x(point).toFixed(1)},${y(point[name]).toFixed(1)}`);
  return shape("polyline", { points: (at.length > 1 ? at : [...at, ...at]).join(" "), class: `line ${style}` });
}

// The next of 1, 2, 5, 10, ... and their tenths.
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value * 0.9999);
}

export const perSecond = (value) => `${number(value)}/s`;
export const seconds = duration;

// Bars of the shares of now, and steps of those of training. `bins` are {now, training}.
export function histogram(bins) {
  const [width, height] = [240, 80];
  const node = picture(width, height, "histogram");
  const most = Math.max(...bins.flatMap(({ now, training }) => [now, training])) || 1;
  const wide = width / bins.length;
  const tall = (share) => ((height - 4) * share) / most;
  const bars = bins.map(({ now }, index) =>
    shape("rect", { x: index * wide + 1, y: height - tall(now), width: Math.max(1, wide - 2), height: tall(now) }),
  );
  const steps = bins.map(({ training }, index) => {
    const y = height - tall(training);
    return `${index * wide},${y} ${(index + 1) * wide},${y}`;
  });
  node.append(...bars, shape("polyline", { points: steps.join(" "), class: "training" }));
  return node;
}
