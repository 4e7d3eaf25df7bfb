// One model: its facts, the form for an instance, and its answer or error.

import { answerNodes, answerSentence } from "./answer.js";
import { placeInWords, placeOf } from "./asking.js";
import { curl } from "./curl.js";
import { element } from "./dom.js";
import { acceptFiles } from "./drops.js";
import { explainer } from "./explanation/explaining.js";
import { makeFields } from "./fields.js";
import { get, Problem, send } from "./gateway.js";
import { hasKey } from "./key.js";
import { answerFiles } from "./rows.js";

const figure = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

// Makes the article about a model, from its description (GET /models/<model>). `signal` ends it.
export async function modelArticle(model, signal) {
  const article = document.querySelector("#model").content.firstElementChild.cloneNode(true);
  const find = (selector) => article.querySelector(selector);
  find("h2").textContent = model.name;
  find(".facts").append(...facts(model));
  find(".notices").append(...notices(model));
  if (!model.instance) {
    find(".columns").remove();
    find(".file").remove();
    return article;
  }
  const { example } = model.instance;
  const fields = makeFields(model.instance, await padsOf(model, signal));
  find(".fields").append(...fields.map((field) => field.node));
  const write = (instance) => fields.forEach((field) => field.write(instance[field.name]));
  write(example);
  find("[name=example]").addEventListener("click", () => write(example));
  find("[name=clear]").addEventListener("click", () => write({}));
  find("[name=copy]").addEventListener("click", (event) => copy(event.target, find("code")));
  predictOnSubmit(find, model, fields, signal);
  const pictures = fields.filter((field) => field.take);
  acceptFiles(pictures, find(".file"), answerFiles(find(".file"), model, signal), signal);
  return article;
}

function facts({ version, data, recipe, metrics }) {
  const metric = metrics?.metric;
  const test = metrics?.test?.[metric];
  const naive = metrics?.baseline?.[metric];
  const rows = metrics?.test?.rows;
  const shown = {
    version,
    data,
    recipe,
    [metric]: test !== undefined && figure.format(test) + (rows ? ` on ${rows.toLocaleString("en")} test rows` : ""),
    [`naive ${metric}`]: naive !== undefined && figure.format(naive),
  };
  return Object.entries(shown)
    .filter(([, value]) => value)
    .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))));
}

export function notReady({ problem }) {
  return `Not ready: ${problem || "no version of it is served"}`;
}

function notices({ ready, problem, data, refused }) {
  const texts = Object.entries(refused ?? {}).map(([version, reason]) => `Version ${version} was refused: ${reason}`);
  if (data === "sample") texts.unshift("Trained on a small built-in sample: its answers mean nothing.");
  if (!ready) texts.unshift(notReady({ problem }));
  return texts.map((text) => element("p", { class: "notice" }, text));
}

// A person can draw for a model of grey images. The contract has what is needed: which fields are such, and the background
// that replaces transparency. In schema 1 there was one field, and the model's input told whether it is grey.
async function padsOf({ instance, contract }, signal) {
  const pictures = Object.keys(instance.controls).filter((name) => instance.controls[name] === "picture");
  if (!pictures.length) return {};
  const { fields, preprocessor } = await get(contract.replace(/^\//, ""), signal);
  const states = fields ?? pictures.map((name) => ({ name, colour: preprocessor.mode, background: preprocessor.background }));
  const grey = states.filter(({ name, colour }) => pictures.includes(name) && colour === "L");
  return Object.fromEntries(grey.map(({ name, background }) => [name, padOf(background)]));
}

function padOf(background) {
  return background < 128 ? { paper: "#000", ink: "#fff" } : { paper: "#fff", ink: "#000" };
}

function predictOnSubmit(find, model, fields, signal) {
  const form = find("form");
  const button = find("button.main");
  const answer = find(".answer");
  const status = find("[role=status]");
  const buttons = element("div", { class: "buttons explain" });
  const tell = (text) => void (status.textContent = text);
  const explaining = explainer({ buttons, section: find(".why") }, model, tell, showCommand, signal);
  let busy = false;

  function showCommand(path, request) {
    find("code").textContent = curl(new URL(path, document.baseURI).href, request, hasKey());
    find(".command").hidden = false;
  }

  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    form.setAttribute("aria-busy", "true");
    button.textContent = status.textContent = "Predicting …";
    clearErrors(find, fields);
    explaining.withdraw();
    try {
      const request = await makeRequest(fields);
      const path = `predict/${encodeURIComponent(model.name)}`;
      showCommand(path, request);
      const answered = await send(path, request, signal);
      explaining.offer(request, answered.reply);
      answer.replaceChildren(...answerNodes(answered, model.answer, buttons));
      status.textContent = answerSentence(answered, model.answer);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      answer.replaceChildren(element("p", { class: "quiet" }, "None: see the errors in the form."));
      status.textContent = "No answer";
      showProblem(find, fields, error.problem);
    } finally {
      busy = false;
      form.removeAttribute("aria-busy");
      button.textContent = "Predict";
    }
  });
}

// A file alone is sent as it is, everything else as JSON. `instance` has what is sent by field, for explanations.
async function makeRequest(fields) {
  const file = fields.length === 1 && fields[0].file?.();
  if (file) {
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    return { type, body: file, name: file.name, instance: { [fields[0].name]: file } };
  }
  const values = await Promise.all(fields.map(async (field) => [field.name, await field.read()]));
  const instance = Object.fromEntries(values);
  return { type: "application/json", body: JSON.stringify(instance), instance }; // undefined is left out
}

function clearErrors(find, fields) {
  find(".problem").replaceChildren();
  fields.forEach((field) => field.fail(""));
}

// Shows errors at the fields that they name, and all others below the form.
function showProblem(find, fields, problem) {
  const errors = (problem.errors ?? [problem]).map((error) => ({ ...error, place: placeOf(error) }));
  const atFields = fields.map((field) => [field, errors.filter(({ place }) => place[0] === field.name)]);
  const failed = atFields.filter(([, found]) => found.length);
  const controls = failed.map(([field, found]) => field.fail(found.map(inWords).join("; "), found[0].place[1]));
  const names = fields.map(({ name }) => name);
  const elsewhere = errors.filter(({ place }) => !names.includes(place[0]));
  const texts = elsewhere.map(({ detail }) => detail ?? problem.detail ?? problem.title);
  const more = (problem.error_count ?? 0) - errors.length;
  if (more > 0) texts.push(`And ${more.toLocaleString("en")} more.`);
  find(".problem").replaceChildren(...texts.map((text) => element("p", {}, text)));
  controls[0]?.focus();
}

function inWords({ detail, place: [, path] }) {
  return path.length ? `${placeInWords(path)}: ${detail}` : detail;
}

async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code); // browsers allow the clipboard only to pages over HTTPS
    button.textContent = "Selected";
  }
  setTimeout(() => void (button.textContent = "Copy"), 2000);
}
