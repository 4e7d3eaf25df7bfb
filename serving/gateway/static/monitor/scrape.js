// One reading of /metrics, in the text format of Prometheus.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const MOST_SERIES = 200_000;
const ESCAPED = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

export class Scrape {
  // `moment` is in seconds, on a clock that does not jump.
  constructor(text, moment) {
    this.moment = moment;
    this.series = new Map();
    this.families = new Map();
    text.split("\n", MOST_SERIES).forEach((line) => this.#read(line));
  }

  #read(line) {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined) return;
    const key = `${name}{${labels}}`;
    const sample = { key, name, labels: labelsOf(labels), value: value === "+Inf" ? Infinity : Number(value) };
    this.series.set(key, sample);
    if (!this.families.has(name)) this.families.set(name, []);
    this.families.get(name).push(sample);
  }

  // The samples of a metric whose labels are as in `where`. The names of the gateway's metrics go without their prefix.
  of(name, where = {}) {
    const wanted = Object.entries(where);
    const all = this.families.get(`plumbline_gateway_${name}`) ?? [];
    return wanted.length ? all.filter(({ labels }) => wanted.every(([label, value]) => labels[label] === value)) : all;
  }

  // The sum of these samples; undefined if there is none.
  value(name, where) {
    const found = this.of(name, where);
    return found.length ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
  }

  get models() {
    const found = this.of("model_ready").map(({ labels, value }) => ({ name: labels.model, ready: value === 1 }));
    return found.sort((one, other) => (one.name < other.name ? -1 : 1));
  }
}

function labelsOf(text) {
  const found = [...text.matchAll(LABEL)];
  return Object.fromEntries(found.map(([, name, value]) => [name, value.replace(/\\[n"\\]/g, (each) => ESCAPED[each])]));
}
