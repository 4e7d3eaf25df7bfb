// The points of a chart as rows of a table, not more than anybody reads.

const MOST_ROWS = 20;

export function pointRows(points, cells) {
  const now = points.at(-1)?.moment;
  const step = Math.max(1, Math.ceil(points.length / MOST_ROWS));
  const chosen = points.filter((_, index) => (points.length - 1 - index) % step === 0).reverse();
  return chosen.map((point) => [`${Math.round(now - point.moment)} s`, ...cells(point)]);
}
