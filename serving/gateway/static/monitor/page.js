// The monitoring page: what /metrics says of the model that the address names (monitor#digits), every few seconds.

import { element } from "../dom.js";
import { chosenOf, listModels } from "../nav.js";
import { driftSection, worstVerdict } from "./drift.js";
import { clock, tell } from "./figures.js";
import { gatewayFacts } from "./gateway_facts.js";
import { History } from "./history.js";
import { latencySection } from "./latency.js";
import { loopSection } from "./loop.js";
import { mistakesSection } from "./mistakes.js";
import { poll } from "./polling.js";
import { trafficSection } from "./traffic.js";
import { makeTrouble } from "./trouble.js";
import { versionsSection } from "./versions.js";

const SECTIONS = [versionsSection, trafficSection, latencySection, driftSection, loopSection, mistakesSection];

const [list, state, place] = ["models", "state", "shown"].map((id) => document.getElementById(id));
const history = new History();
const trouble = makeTrouble(document.getElementById("trouble"), start);
const facts = gatewayFacts();
let shown = { sections: [] };

function start() {
  poll(take, fail);
}

function take(scrape) {
  trouble.read(history.add(scrape));
  place.classList.remove("stale");
  const window = history.seconds ? `; "last minute" is the last ${Math.round(history.seconds)} s` : "";
  tell(state, `Read at ${clock()}${window}.`);
  update();
}

function fail(error) {
  place.classList.add("stale");
  return trouble.failed(error);
}

function update() {
  const models = history.last?.models;
  if (!models) return;
  if (!models.length) return place.replaceChildren(element("p", { class: "notice" }, "There is no model yet."));
  const chosen = chosenOf(models);
  listModels(list, models, chosen.name, markOf);
  if (shown.model !== chosen.name) show(chosen.name);
  shown.sections.forEach((each) => each.update(history));
}

function show(model) {
  const sections = SECTIONS.map((make) => make(model));
  shown = { model, sections: [facts, ...sections] };
  document.title = `${model} · Monitor · Plumbline`;
  const board = element("div", { class: "board" }, ...sections.map(({ node }) => node));
  place.replaceChildren(facts.node, element("h2", {}, model), board);
}

function markOf({ name, ready }) {
  if (!ready) return "not ready";
  return worstVerdict(history.last, name) === "drift" ? "drift" : null;
}

addEventListener("hashchange", update);
start();
