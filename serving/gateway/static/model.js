// One model: its facts, the form for an instance, and its answer or error.

import { answerNodes, answerSentence } from "./answer.js";
import { curl } from "./curl.js";
import { element } from "./dom.js";
import { isPicture, makeFields } from "./fields.js";
import { get, Problem, send } from "./gateway.js";
import { hasKey } from "./key.js";

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
    return article;
  }
  const { schema, example } = model.instance;
  const fields = makeFields(schema, await padOf(model, signal), signal);
  find(".fields").append(...fields.map((field) => field.node));
  const write = (instance) => fields.forEach((field) => field.write(instance[field.name]));
  write(example);
  find("[name=example]").addEventListener("click", () => write(example));
  find("[name=clear]").addEventListener("click", () => write({}));
  find("[name=copy]").addEventListener("click", (event) => copy(event.target, find("code")));
  predictOnSubmit(find, model, fields, signal);
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

function notices({ ready, problem, data, refused }) {
  const texts = Object.entries(refused ?? {}).map(([version, reason]) => `Version ${version} was refused: ${reason}`);
  if (data === "sample") texts.unshift("Trained on a small built-in sample: its answers mean nothing.");
  if (!ready) texts.unshift(`Not ready: ${problem || "no version of it is served"}`);
  return texts.map((text) => element("p", { class: "notice" }, text));
}

// A person can draw for a model of grey images. The contract has what is needed: whether the input has one channel, and
// the background that replaces transparency.
async function padOf({ instance, contract }, signal) {
  if (!Object.values(instance.schema.properties).some(isPicture)) return null;
  const { preprocessor, signature } = await get(contract.replace(/^\//, ""), signal);
  if (!Object.values(signature.inputs).some(({ shape }) => shape.length === 4 && shape[3] === 1)) return null;
  return preprocessor.background < 128 ? { paper: "#000", ink: "#fff" } : { paper: "#fff", ink: "#000" };
}

function predictOnSubmit(find, model, fields, signal) {
  const form = find("form");
  const button = find("button.main");
  const answer = find(".answer");
  const status = find("[role=status]");
  let busy = false;
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
    try {
      const request = await makeRequest(fields);
      const path = `predict/${encodeURIComponent(model.name)}`;
      find("code").textContent = curl(new URL(path, document.baseURI).href, request, hasKey());
      find(".command").hidden = false;
      const answered = await send(path, request, signal);
      answer.replaceChildren(...answerNodes(answered, model.answer?.labels));
      status.textContent = answerSentence(answered);
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

// A file alone is sent as it is, everything else as JSON.
async function makeRequest(fields) {
  const file = fields.length === 1 && fields[0].file?.();
  if (file) {
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    return { type, body: file, name: file.name };
  }
  const values = await Promise.all(fields.map(async (field) => [field.name, await field.read()]));
  return { type: "application/json", body: JSON.stringify(Object.fromEntries(values)) }; // undefined is left out
}

function clearErrors(find, fields) {
  find(".problem").replaceChildren();
  fields.forEach((field) => field.fail(""));
}

// Shows errors at the fields that they name, and all others below the form.
function showProblem(find, fields, problem) {
  const errors = problem.errors ?? [problem];
  const placed = errors.map((error) => [fields.find((field) => field.name === fieldOf(error)), error]);
  const controls = placed.filter(([field]) => field).map(([field, error]) => field.fail(reason(error, field.name)));
  const elsewhere = placed.filter(([field]) => !field).map(([, error]) => error.detail ?? problem.detail ?? problem.title);
  find(".problem").replaceChildren(...elsewhere.map((text) => element("p", {}, text)));
  controls[0]?.focus();
}

// RFC 9457's "pointer" ("#/instances/0/CRIM"), or the problem's "field".
function fieldOf({ pointer, field }) {
  return pointer ? decodeURIComponent(pointer.split("/").at(-1)).replaceAll("~1", "/").replaceAll("~0", "~") : field;
}

// The error is shown at its field, so the part of the sentence that names the field is left out.
function reason({ detail }, name) {
  const place = `field '${name}': `;
  return detail.includes(place) ? detail.slice(detail.indexOf(place) + place.length) : detail;
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
