// Which versions of a model there are, what each does, and how it does.

import { element } from "../dom.js";
import { duration, figures, number, percent, section, tell } from "./figures.js";
import { isFailure } from "./history.js";

const HEADS = ["version", "does", "engine", "requests/s", "share", "failed", "median", "p99", "on test rows"];

export function versionsSection(model) {
  const notice = element("p", { class: "notice" });
  const table = figures("Versions of the model", HEADS);
  const node = section("Versions", notice, table.node);
  const update = (history) => {
    const scrape = history.last;
    tell(notice, notices(scrape, model).join(" "));
    notice.hidden = !notice.textContent;
    const all = history.increase("requests_total", { model });
    table.fill(versionsOf(scrape, model).map((version) => row(history, model, version, all)));
  };
  return { node, update };
}

function versionsOf(scrape, model) {
  const names = ["version_engine", "version_state", "requests_total", "shadow_ratio", "canary_ratio"];
  const found = names.flatMap((name) => scrape.of(name, { model }).map(({ labels }) => labels.version));
  return [...new Set(found)].filter((version) => version !== "none").sort((one, other) => other - one);
}

function row(history, model, version, all) {
  const scrape = history.last;
  const where = { model, version };
  const engine = scrape.of("version_engine", where)[0]?.labels.engine ?? "–";
  const requests = history.increase("requests_total", where);
  const failed = scrape
    .of("requests_total", where)
    .filter(({ labels }) => isFailure(labels.code))
    .reduce((sum, { labels }) => sum + history.increase("requests_total", labels), 0);
  return [
    version,
    roles(scrape, where).join(", "),
    engine,
    number(history.perSecond("requests_total", where)),
    percent(requests / all),
    percent(failed / requests),
    duration(history.quantile(0.5, "request_seconds", where)),
    duration(history.quantile(0.99, "request_seconds", where)),
    scrape.of("test_measure", where).map(measure).join(", ") || "–",
  ];
}

export function measure({ labels, value }) {
  return `${[labels.head, labels.measure].filter(Boolean).join(" ")} ${number(value)}`;
}

function roles(scrape, where) {
  const [canary, shadow] = ["canary_ratio", "shadow_ratio"].map((name) => scrape.value(name, where) ?? 0);
  const isLive = String(scrape.value("live_version", { model: where.model })) === where.version;
  const state = scrape.of("version_state", where)[0]?.labels.state;
  const isLoaded = scrape.of("version_engine", where).length > 0;
  const found = [isLive && "answers", canary && `canary, ${percent(canary)}`, shadow && `shadow, ${percent(shadow)}`];
  const known = found.filter(Boolean);
  return known.length ? known : [isLoaded ? "ready" : (state ?? "gone")];
}

function notices(scrape, model) {
  const of = (name) => scrape.value(name, { model }) ?? 0;
  const [live, desired] = ["live_version", "desired_version"].map(of);
  const [refused, failed] = ["refused_versions", "failed_versions"].map(of);
  return [
    !live && "No version answers.",
    desired && live !== desired && `Version ${desired} should answer, and does not yet.`,
    refused && `${refused} refused: its reason is in /models/${model}.`,
    failed && `${failed} could not be loaded.`,
    scrape.value("unusable_weights") && "CANARY_FILE can't be used; the last good one stays in force.",
  ].filter(Boolean);
}
