// The page: the list of models, and the model that the address names (/#digits).

import { element } from "./dom.js";
import { get, Problem } from "./gateway.js";
import { modelArticle } from "./model.js";

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
    if (!models.length) throw new Problem({ title: "No model", detail: "there is no model yet" });
    const first = models.find((model) => model.ready) ?? models[0];
    const chosen = models.find((model) => address(model.name) === location.hash) ?? first;
    listModels(models, chosen.name);
    const model = await get(`models/${encodeURIComponent(chosen.name)}`, signal);
    const article = await modelArticle(model, signal);
    if (!model.ready) article.querySelector(".notices").append(again());
    main.replaceChildren(article);
    document.title = `${chosen.name} · Plumbline`;
  } catch (error) {
    if (signal.aborted) return; // meanwhile another model was chosen
    if (!(error instanceof Problem)) throw error;
    main.replaceChildren(element("p", { class: "notice", role: "alert" }, error.message), again());
  }
  main.removeAttribute("aria-busy");
}

function listModels(models, chosen) {
  const focused = list.contains(document.activeElement);
  list.replaceChildren(...models.map((model) => element("li", {}, link(model, model.name === chosen))));
  if (focused) list.querySelector("[aria-current]").focus();
}

function address(name) {
  return `#${encodeURIComponent(name)}`;
}

function link({ name, ready, data }, current) {
  const mark = !ready ? "not ready" : data === "sample" ? "sample" : null;
  const attributes = { href: address(name), "aria-current": current && "page" };
  return element("a", attributes, name, mark && " ", mark && element("span", { class: "mark" }, mark));
}

function again() {
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", show);
  return button;
}

addEventListener("hashchange", show);
show();
