// The API key, if the gateway needs one. It stays in this tab, and is forgotten when the tab is closed.

const STORE = "plumbline-key";
const dialog = document.querySelector("#key");
const input = dialog.querySelector("input");
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
    dialog.querySelector(".reason").textContent = key
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
