// The API key, where the gateway asks for one. It stays in this tab, and goes when the tab is closed.

const STORE = "plumbline-key";
const dialog = document.querySelector("#key");
const input = dialog.querySelector("input");
let key = stored();
let asking = null;

export function hasKey() {
  return Boolean(key);
}

export function keyHeaders() {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

// Asks the person for a key; gives whether there is a new one.
export function askForKey() {
  asking ??= new Promise((resolve) => {
    dialog.querySelector(".reason").textContent = key
      ? "The gateway does not know the key that this page has."
      : "This gateway answers only who has a key.";
    input.value = "";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(take()), { once: true });
    dialog.showModal();
  }).finally(() => (asking = null));
  return asking;
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
    return null; // the browser keeps nothing for this site: then it is in memory only
  }
}
