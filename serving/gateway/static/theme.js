// Light or dark: the system's setting, until the button is used. Not a module, so that it runs before the page is
// painted.
{
  const root = document.documentElement;
  const store = (theme) => {
    try {
      return theme ? localStorage.setItem("theme", theme) : localStorage.getItem("theme");
    } catch {
      return null; // the browser stores nothing for this site
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

  const stored = store();
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;

  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("#theme");
    const update = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      update();
    });
    system.addEventListener("change", update);
    update();
  });
}
