// The list of models as links to `#name`, one of which is current.

import { element } from "./dom.js";

// Links to the same models stay, so that neither the focus nor a click that has begun is lost. `markOf` gives a model's
// mark, or null.
export function listModels(list, models, chosen, markOf) {
  const links = [...list.querySelectorAll("a")];
  const listed = links.map((each) => each.getAttribute("href")).join() === models.map(({ name }) => address(name)).join();
  if (!listed) {
    const focused = list.contains(document.activeElement);
    links.splice(0, links.length, ...models.map(({ name }) => element("a", { href: address(name) })));
    list.replaceChildren(...links.map((each) => element("li", {}, each)));
    if (focused) links[models.findIndex(({ name }) => name === chosen)].focus();
  }
  links.forEach((each, index) => fill(each, models[index], models[index].name === chosen, markOf));
}

export function chosenOf(models) {
  const first = models.find((model) => model.ready) ?? models[0];
  return models.find((model) => address(model.name) === location.hash) ?? first;
}

function address(name) {
  return `#${encodeURIComponent(name)}`;
}

function fill(link, model, current, markOf) {
  const mark = markOf(model);
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  link.replaceChildren(model.name, ...(mark ? [" ", element("span", { class: "mark" }, mark)] : []));
}
