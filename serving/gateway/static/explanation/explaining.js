// Asks for the explanation of the last answer, and shows it.

import { element } from "../dom.js";
import { explained } from "./explanation.js";
import { Problem, send } from "../gateway.js";
import { targetsOf } from "./targets.js";

// Returns {offer, withdraw} for the buttons below an answer and the section for reasons: `offer` what was asked and answered, which a button then
// explains, until it is withdrawn. `tell` says something to screen readers, `told` takes the path that is asked.
export function explainer({ buttons, section }, model, tell, told, signal) {
  const body = section.querySelector(".explanation");
  let current = new AbortController();

  function withdraw() {
    current.abort();
    current = new AbortController();
    buttons.replaceChildren();
    section.hidden = true;
    body.replaceChildren();
  }

  function offer(request, { predictions: [prediction], version }) {
    const targets = targetsOf(prediction, model.answer);
    if (!targets.length) return;
    const choice = chooser(targets);
    const button = element("button", { type: "button" }, "Explain");
    button.addEventListener("click", () => explain(button, request, version, targets[choice?.value ?? 0]));
    buttons.replaceChildren(...[button, choice].filter(Boolean));
  }

  async function explain(button, request, version, target) {
    if (button.getAttribute("aria-disabled")) return;
    const run = AbortSignal.any([signal, current.signal]);
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Explaining …";
    tell("Explaining …");
    try {
      const path = pathOf(model, version, target);
      told(path, request);
      const { reply } = await send(path, request, run);
      const { nodes, sentence } = explained(reply, request.instance);
      body.replaceChildren(...nodes);
      tell(sentence);
    } catch (error) {
      if (run.aborted) return;
      if (!(error instanceof Problem)) throw error;
      body.replaceChildren(element("p", { class: "notice" }, inWords(error)));
      tell(inWords(error));
    } finally {
      button.removeAttribute("aria-disabled");
      button.textContent = "Explain";
    }
    section.hidden = false;
    section.scrollIntoView({ block: "nearest" });
  }

  return { offer, withdraw };
}

function chooser(targets) {
  if (targets.length < 2) return null;
  const options = targets.map(({ words }, index) => element("option", { value: index }, words));
  return element("select", { "aria-label": "What to explain" }, ...options);
}

// The version that answered is the one that explains.
function pathOf(model, version, { head, target }) {
  const wanted = Object.entries({ version, head, target }).filter(([, value]) => value !== null);
  return `explain/${encodeURIComponent(model.name)}?${new URLSearchParams(wanted)}`;
}

function inWords({ message, retrySeconds }) {
  return `No explanation: ${message}` + (retrySeconds ? `; try again in ${retrySeconds} s` : "");
}
