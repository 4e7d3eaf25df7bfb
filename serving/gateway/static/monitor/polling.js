// Reads /metrics again and again, while somebody looks.

import { getText, Problem } from "../gateway.js";
import { Scrape } from "./scrape.js";

const POLL_MILLISECONDS = 3000;
const TIMEOUT_MILLISECONDS = 10_000;
const MOST_CHARACTERS = 32 * 1024 * 1024;

// Gives each reading to `take`, and each Problem to `fail`, which returns whether to go on.
export async function poll(take, fail) {
  for (;;) {
    while (document.hidden) await shownAgain();
    const found = await read().catch(problemOnly);
    if (!(found instanceof Problem)) take(found);
    else if (!fail(found)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

async function read() {
  const text = await getText("metrics", new AbortController().signal, TIMEOUT_MILLISECONDS);
  const scrape = new Scrape(text.slice(0, MOST_CHARACTERS), performance.now() / 1000);
  if (scrape.value("workers") !== undefined) return scrape;
  throw new Problem({ status: 404, title: "No metrics", detail: "expected the gateway's metrics, got something else" });
}

function shownAgain() {
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

function problemOnly(error) {
  if (error instanceof Problem) return error;
  throw error;
}
