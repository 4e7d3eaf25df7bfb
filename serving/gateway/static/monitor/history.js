// The readings of the last minute, what was counted between them, and a few numbers of each of the last ten minutes.

import { quantile } from "./quantile.js";

const WINDOW_SECONDS = 60;
const MOST_SCRAPES = 30;
const POINT_SECONDS = 600;
const MOST_POINTS = 250; // of each model

export class History {
  #scrapes = [];
  #points = new Map();

  // Takes a reading. Returns whether the counters fell: then all that is older is forgotten.
  add(scrape) {
    const fell = this.#scrapes.length > 0 && haveFallen(this.last, scrape);
    if (fell) this.#scrapes = [];
    this.#scrapes.push(scrape);
    const isOld = () => this.#scrapes.length > 2 && scrape.moment - this.#scrapes[1].moment >= WINDOW_SECONDS;
    while (isOld() || this.#scrapes.length > MOST_SCRAPES) this.#scrapes.shift();
    this.#addPoints(scrape);
    return fell;
  }

  get last() {
    return this.#scrapes.at(-1);
  }

  // How long the window is, in seconds: 0 after the first reading.
  get seconds() {
    return this.last.moment - this.#scrapes[0].moment;
  }

  // What was counted within the window, or since the reading `from`.
  increase(name, where, from = this.#scrapes[0]) {
    return this.last.of(name, where).reduce((sum, { key, value }) => sum + value - (from.series.get(key)?.value ?? 0), 0);
  }

  perSecond(name, where) {
    return this.seconds ? this.increase(name, where) / this.seconds : undefined;
  }

  // The quantile of a histogram within the window, in seconds; undefined if it counted nothing.
  quantile(share, name, where, from = this.#scrapes[0]) {
    const buckets = new Map();
    for (const { key, labels, value } of this.last.of(`${name}_bucket`, where)) {
      const edge = labels.le === "+Inf" ? Infinity : Number(labels.le);
      buckets.set(edge, (buckets.get(edge) ?? 0) + value - (from.series.get(key)?.value ?? 0));
    }
    return quantile(share, [...buckets]);
  }

  // {moment, requests and failures a second, median and p99 in seconds} of a model, oldest first.
  points(model) {
    return this.#points.get(model) ?? [];
  }

  #addPoints(scrape) {
    const from = this.#scrapes.at(-2);
    const models = scrape.models.map(({ name }) => name);
    [...this.#points.keys()].filter((name) => !models.includes(name)).forEach((name) => this.#points.delete(name));
    if (!from) return;
    for (const model of models) {
      const points = [...this.points(model), this.#point(model, from)];
      this.#points.set(model, points.filter(({ moment }) => scrape.moment - moment <= POINT_SECONDS).slice(-MOST_POINTS));
    }
  }

  #point(model, from) {
    const seconds = this.last.moment - from.moment;
    const codes = [...new Set(this.last.of("requests_total", { model }).map(({ labels }) => labels.code))];
    const counted = (code) => this.increase("requests_total", { model, code }, from) / seconds;
    return {
      moment: this.last.moment,
      requests: codes.reduce((sum, code) => sum + counted(code), 0),
      failures: codes.filter(isFailure).reduce((sum, code) => sum + counted(code), 0),
      median: this.quantile(0.5, "request_seconds", { model }, from),
      p99: this.quantile(0.99, "request_seconds", { model }, from),
    };
  }
}

export function isFailure(code) {
  return Number(code) >= 400;
}

// A counter of a version may end while the gateway runs, and all of a model that is gone; no other does.
function haveFallen(before, now) {
  const models = new Set(now.models.map(({ name }) => name));
  return [...before.series.values()].some(({ key, name, labels, value }) => {
    if (!/_(total|count|bucket)$/.test(name)) return false;
    const later = now.series.get(key)?.value;
    if (later !== undefined) return later < value;
    return labels.version === undefined && (labels.model === undefined || models.has(labels.model));
  });
}
