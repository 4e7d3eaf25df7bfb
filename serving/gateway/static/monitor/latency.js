// How long requests take, and in which stage.

import { element } from "../dom.js";
import { seconds, timeChart } from "./charts.js";
import { count, details, duration, figures, section } from "./figures.js";
import { pointRows } from "./points.js";
import { key } from "./traffic.js";

const FORMER_STAGE = "rpc"; // the former name of "predict", which is exposed too until 0.2
const ORDER = ["queue", "decode", "preprocess", "predict", "postprocess"];

export function latencySection(model) {
  const chart = timeChart([["median", "first"], ["p99", "second"]], seconds);
  const legend = element("p", { class: "legend" }, key("first", "median"), key("second", "99th percentile"));
  const stages = figures("Time by stage, in the last minute", ["stage", "median", "p99", "requests"]);
  const hint = element("p", { class: "hint" }, "Between the edges of the histograms' buckets, these are estimates.");
  const points = figures("Time over time", ["ago", "median", "p99"]);
  const node = section("Latency", chart.node, legend, stages.node, hint, details("The chart as a table", points.node));
  const update = (history) => {
    chart.draw(history.points(model));
    stages.fill(stageRows(history, model));
    points.fill(pointRows(history.points(model), ({ median, p99 }) => [duration(median), duration(p99)]));
  };
  return { node, update };
}

function stageRows(history, model) {
  const known = new Set(history.last.of("stage_seconds_count", { model }).map(({ labels }) => labels.stage));
  const stages = [...known].filter((stage) => stage !== FORMER_STAGE);
  stages.sort((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other));
  const row = (name, metric, where) => [
    name,
    duration(history.quantile(0.5, metric, where)),
    duration(history.quantile(0.99, metric, where)),
    count(history.increase(`${metric}_count`, where)),
  ];
  const whole = row("the whole request", "request_seconds", { model });
  return [...stages.map((stage) => row(stage, "stage_seconds", { model, stage })), whole];
}
