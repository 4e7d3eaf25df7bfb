// The quantile of a histogram, interpolated within its bucket as Prometheus does.

// `buckets` are [upper edge, count up to there]. Returns undefined if nothing was counted, and Infinity beyond the last
// finite edge.
export function quantile(share, buckets) {
  const sorted = buckets.toSorted(([one], [other]) => one - other);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total <= 0) return undefined;
  const rank = share * total;
  const at = sorted.findIndex(([, count]) => count >= rank);
  const [edge, count] = sorted[at];
  if (edge === Infinity) return Infinity;
  const [low, below] = at > 0 ? sorted[at - 1] : [0, 0];
  return count > below ? low + ((edge - low) * (rank - below)) / (count - below) : edge;
}
