// The API key, if the gateway needs one. It stays in this tab, and is forgotten when the tab is closed.

import { element } from "./dom.js";

const STORE = "plumbline-key";
const input = element("input", {
  id: "key-input",
  type: "password",
  autocomplete: "off",
  spellcheck: "false",
  required: true,
  pattern: "\\s*[\\x21-\\x7E]+\\s*",
  title: "A key has only letters, digits and punctuation.",
});
const reason = element("p");
const dialog = makeDialog();
let key = stored();
let prompting = null;

export function hasKey() {
  return Boolean(key);
}

export function keyHeaders() {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

// Prompts for a key. Resolves to whether there is a new one.
export function promptForKey() {
  prompting ??= new Promise((resolve) => {
    reason.textContent = key
      ? "The gateway does not accept the key that this page has."
      : "This gateway needs an API key.";
    input.value = "";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(take()), { once: true });
    dialog.showModal();
  }).finally(() => (prompting = null));
  return prompting;
}

function take() {
  const given = input.value.trim();
  if (dialog.returnValue !== "use" || !given) return false;
  key = given;
  stored(key);
  return true;
}

function stored(value) {
  try {
    return value ? sessionStorage.setItem(STORE, value) : sessionStorage.getItem(STORE);
  } catch {
    return null; // the browser stores nothing for this site: keep it in memory only
  }
}

function makeDialog() {
  const buttons = [
    element("button", { type: "submit", class: "main", value: "use" }, "Use"),
    element("button", { type: "submit", value: "", formnovalidate: true }, "Cancel"),
  ];
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "key-heading" }, "API key"),
    reason,
    element("label", { for: input.id }, "Key"),
    input,
    element("p", { class: "hint" }, "It stays in this tab and is forgotten with it."),
    element("div", { class: "buttons" }, ...buttons),
  );
  const made = element("dialog", { "aria-labelledby": "key-heading" }, form);
  document.body.append(made);
  return made;
}
