// How many requests there are, and how they end.

import { element } from "../dom.js";
import { perSecond, timeChart } from "./charts.js";
import { count, details, figures, number, section } from "./figures.js";
import { isFailure } from "./history.js";
import { pointRows } from "./points.js";

export function trafficSection(model) {
  const chart = timeChart([["requests", "first"], ["failures", "bad"]], perSecond);
  const legend = element("p", { class: "legend" }, key("first", "requests/s"), key("bad", "failed/s"));
  const codes = figures("Requests by status", ["status", "last minute", "a second", "since the start"]);
  const points = figures("Requests over time", ["ago", "requests/s", "failed/s"]);
  const node = section("Traffic", chart.node, legend, codes.node, details("The chart as a table", points.node));
  const update = (history) => {
    chart.draw(history.points(model));
    codes.fill(codeRows(history, model));
    points.fill(pointRows(history.points(model), ({ requests, failures }) => [number(requests), number(failures)]));
  };
  return { node, update };
}

export function key(style, text) {
  return element("span", { class: `key ${style}` }, text);
}

function codeRows(history, model) {
  const codes = new Set(history.last.of("requests_total", { model }).map(({ labels }) => labels.code));
  const row = (name, where) => [
    name,
    count(history.increase("requests_total", where)),
    number(history.perSecond("requests_total", where)),
    count(history.last.value("requests_total", where) ?? 0),
  ];
  const rows = [...codes].sort().map((code) => row(isFailure(code) ? `${code} (failed)` : code, { model, code }));
  return [...rows, row("all", { model })];
}
