// How requests and answers differ from training, by feature: the index, and the two distributions it is of.

import { element } from "../dom.js";
import { histogram } from "./charts.js";
import { count, details, figures, number, percent, section, tell } from "./figures.js";
import { key } from "./traffic.js";

const [WATCH, DRIFT] = [0.1, 0.25];
const MOST_PICTURES = 24;
const MOST_ROWS = 200;

export function driftSection(model) {
  const told = element("p", { class: "hint" });
  const keys = [key("first", "requests"), key("training", "training")];
  const legend = element("p", { class: "legend" }, ...keys, "A bin of numbers is named by its upper edge.");
  const pictures = element("div", { class: "pictures" });
  const table = figures("Drift by feature", ["feature", "PSI", "verdict", "KS", "outside", "missing"]);
  const shown = new Map();
  const node = section("Drift", told, table.node, legend, pictures);
  const update = (history) => {
    const { version, rows, features } = driftOf(history.last, model);
    const judged = features.filter(({ psi }) => psi !== undefined).length;
    tell(told, summary(version, rows, features.length, judged));
    table.fill(features.slice(0, MOST_ROWS).map(row));
    const drawn = features.filter(({ bins }) => bins.some(({ now }) => now > 0)).slice(0, MOST_PICTURES);
    show(pictures, shown, drawn);
    legend.hidden = !drawn.length;
  };
  return { node, update };
}

// The worst verdict of the version that answers; undefined where nothing is judged.
export function worstVerdict(scrape, model) {
  return driftOf(scrape, model).features.find(({ psi }) => psi !== undefined)?.verdict;
}

function driftOf(scrape, model) {
  const version = String(scrape.value("live_version", { model }));
  const where = { model, version };
  const training = byFeature(scrape.of("reference_ratio", where));
  const now = byFeature(scrape.of("drift_window_ratio", where));
  const single = (name) => new Map(scrape.of(name, where).map(({ labels, value }) => [labels.feature, value]));
  const [psis, distances] = ["drift_psi", "drift_ks"].map(single);
  const [outside, missing] = ["outside_range_total", "missing_values_total"].map(single);
  const counted = byFeature(scrape.of("feature_instances_total", where));
  const features = [...training].map(([feature, bins]) => {
    const psi = psis.get(feature);
    const inBins = [...(counted.get(feature)?.values() ?? [])].reduce((sum, value) => sum + value, 0);
    const all = inBins + (missing.get(feature) ?? 0);
    const share = (part) => (all ? (part.get(feature) ?? 0) / all : undefined);
    return {
      feature,
      psi,
      verdict: verdict(psi),
      ks: distances.get(feature),
      outside: share(outside),
      missing: share(missing),
      bins: [...bins].map(([bin, ratio]) => ({ bin, training: ratio, now: now.get(feature)?.get(bin) ?? 0 })),
    };
  });
  features.sort((one, other) => (other.psi ?? -1) - (one.psi ?? -1));
  return { version, rows: scrape.value("drift_window_instances", where), features };
}

function byFeature(samples) {
  const found = new Map();
  for (const { labels, value } of samples) {
    if (!found.has(labels.feature)) found.set(labels.feature, new Map());
    found.get(labels.feature).set(labels.bin, value);
  }
  return found;
}

function verdict(psi) {
  if (psi === undefined) return "too few rows";
  return psi > DRIFT ? "drift" : psi > WATCH ? "watch" : "stable";
}

function summary(version, rows, features, judged) {
  if (!features) return "The contract of the version that answers has no reference: nothing is compared.";
  const few = judged ? "" : " They are too few to judge.";
  const shares = "Outside and missing are shares of all since the start.";
  return `Version ${version}: ${count(rows)} instances of the window against training.${few} ${shares}`;
}

function row({ feature, psi, verdict: word, ks, outside, missing }) {
  const told = element("span", { class: `verdict ${word.split(" ")[0]}` }, word);
  return [feature, number(psi), told, number(ks), percent(outside), percent(missing)];
}

// Figures stay where they are as long as their feature does, so that a table that was opened stays open.
function show(place, shown, features) {
  const names = features.map(({ feature }) => feature);
  [...shown.keys()].filter((name) => !names.includes(name)).forEach((name) => shown.delete(name));
  features.forEach(({ feature }) => shown.has(feature) || shown.set(feature, figure(feature)));
  features.forEach((each) => shown.get(each.feature).update(each));
  const nodes = names.map((name) => shown.get(name).node);
  if (nodes.some((node, index) => place.children[index] !== node) || place.children.length > nodes.length) {
    if (!place.contains(document.activeElement)) place.replaceChildren(...nodes); // else its focus would be lost
  }
}

function figure(feature) {
  const caption = element("figcaption");
  const place = element("div");
  const table = figures(`Shares of ${feature}`, ["bin", "requests", "training"]);
  const node = element("figure", { "aria-label": feature }, caption, place, details("As a table", table.node));
  const update = ({ psi, verdict: word, bins }) => {
    tell(caption, psi === undefined ? `${feature}: ${word}` : `${feature}: ${word}, PSI ${number(psi)}`);
    place.replaceChildren(histogram(bins));
    table.fill(bins.map(({ bin, now, training }) => [bin, percent(now), percent(training)]));
  };
  return { node, update };
}
