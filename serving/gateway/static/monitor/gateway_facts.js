// The gateway as a whole: its processes, what is in flight, what it turned away.

import { element } from "../dom.js";
import { count, number } from "./figures.js";

export function gatewayFacts() {
  const node = element("dl", { class: "facts" });
  const update = (history) => {
    const facts = factsOf(history).filter(([, value]) => value !== undefined);
    node.replaceChildren(...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  };
  return { node, update };
}

function factsOf(history) {
  const value = (name, where) => count(history.last.value(name, where) ?? 0);
  return [
    ["requests/s", number(history.perSecond("requests_total"))],
    ["in flight", value("in_flight_requests")],
    ["queued", value("queued_requests")],
    ["refused as the queue was full", value("shed_requests_total")],
    ["to unknown models", value("requests_total", { model: "unknown" })],
    ["connections", value("connections")],
    ["connections refused", value("connections_refused_total")],
    ["processes", `${value("workers")} (${value("worker_starts_total")} started)`],
  ];
}
