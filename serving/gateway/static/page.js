// The page: the list of models, and the model that the address names (/#digits).

import { element } from "./dom.js";
import { get, Problem } from "./gateway.js";
import { modelArticle, notReady } from "./model.js";
import { chosenOf, listModels } from "./nav.js";

const POLL_MILLISECONDS = 1000;
const main = document.querySelector("#main");
const list = document.querySelector("#models");
let shown = new AbortController();

async function show() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  main.setAttribute("aria-busy", "true");
  try {
    const { models } = await get("models", signal);
    if (!models.length) {
      follow(models, null, signal);
      throw new Problem({ title: "No model", detail: "there is no model yet" });
    }
    const chosen = chosenOf(models);
    listModels(list, models, chosen.name, markOf);
    const model = await get(`models/${encodeURIComponent(chosen.name)}`, signal);
    const article = await modelArticle(model, signal);
    if (!model.ready) article.querySelector(".notices").append(again());
    main.replaceChildren(article);
    document.title = `${chosen.name} · Plumbline`;
    follow(models, chosen, signal);
  } catch (error) {
    if (signal.aborted) return; // meanwhile another model was chosen
    if (!(error instanceof Problem)) throw error;
    main.replaceChildren(element("p", { class: "notice", role: "alert" }, error.message), again());
  }
  main.removeAttribute("aria-busy");
}

// As long as there is no model, or one that was seen in training is not ready, keeps the list up to date, and shows the
// chosen model once it is ready. What is shown of another stays as it is, for somebody may be typing in it.
async function follow(models, chosen, signal) {
  const awaited = new Set();
  for (;;) {
    models.filter(({ training }) => training !== undefined).forEach(({ name }) => awaited.add(name));
    if (models.length && !models.some(({ name, ready }) => awaited.has(name) && !ready)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    try {
      ({ models } = await get("models", signal));
    } catch (error) {
      if (signal.aborted || error instanceof Problem) return;
      throw error;
    }
    if (!models.length) continue;
    const now = models.find(({ name }) => name === chosen?.name);
    if (!chosen?.ready && (!now || chosenOf(models).ready)) return show();
    listModels(list, models, chosen.name, markOf);
    if (now && !now.ready) main.querySelector(".notice").textContent = notReady(now);
  }
}

function markOf({ ready, training, data }) {
  if (ready) return data === "sample" ? "sample" : null;
  if (training === undefined) return "not ready";
  return training === null ? "waiting" : `training, ${Math.round(training * 100)} %`;
}

function again() {
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", show);
  return button;
}

addEventListener("hashchange", show);
show();
