// What tables of figures share.

import { element } from "./dom.js";

export function tableParts(caption, heads, rows) {
  const cells = heads.map((head) => (head ? element("th", { scope: "col" }, head) : element("td", {})));
  const head = element("thead", {}, element("tr", {}, ...cells));
  return [element("caption", {}, caption), head, element("tbody", {}, ...rows)];
}

// Gives `node` a share of the full width, by script, which the security policy allows, unlike in markup.
export function barWidth(node, share) {
  node.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  return node;
}
