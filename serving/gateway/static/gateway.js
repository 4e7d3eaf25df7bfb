// The gateway's API. Paths are relative to the page, so it also works below a prefix.

import { keyHeaders, promptForKey } from "./key.js";
import { parse } from "./values.js";

const TIMEOUT_MILLISECONDS = 60_000;

// An error from the gateway: an RFC 9457 problem, or a part of one. It may say in how many seconds to try again.
export class Problem extends Error {
  constructor(problem, retrySeconds) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
    this.retrySeconds = retrySeconds;
  }
}

export async function get(path, signal) {
  const { body } = await exchange(path, { signal });
  return body;
}

// Gets a text, such as the metrics, within so many milliseconds.
export async function getText(path, signal, timeout) {
  const { body } = await exchange(path, { signal, timeout, cache: "no-store", read: (text) => text });
  return body;
}

// Sends a body. Returns the reply's body, the milliseconds until it arrived, and those of each stage in the gateway.
export async function send(path, { type, body }, signal) {
  const options = { method: "POST", headers: { "Content-Type": type }, body, signal };
  const { headers, body: reply, milliseconds } = await exchange(path, options);
  return { reply, milliseconds, stages: stages(headers.get("Server-Timing") ?? "") };
}

// If the gateway needs a key, prompts for one and sends the request again.
async function exchange(path, options) {
  for (;;) {
    try {
      return await exchangeOnce(path, { ...options, headers: { ...options.headers, ...keyHeaders() } });
    } catch (error) {
      if (!(error instanceof Problem && error.problem.status === 401 && (await promptForKey()))) throw error;
    }
  }
}

async function exchangeOnce(path, { timeout = TIMEOUT_MILLISECONDS, read = parse, ...options }) {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeout)]);
  const start = performance.now();
  let reply, body;
  try {
    reply = await fetch(path, { ...options, signal });
    const text = await reply.text();
    body = reply.ok ? read(text) : parse(text);
  } catch (error) {
    if (options.signal.aborted) throw error;
    const detail = reply ? notJson(reply) : unreachable(error);
    throw new Problem({ title: "No answer", status: reply?.status, detail });
  }
  if (!reply.ok) throw new Problem(body, Number(reply.headers.get("Retry-After")) || null);
  return { headers: reply.headers, body, milliseconds: performance.now() - start };
}

function notJson(reply) {
  return `expected JSON, got status ${reply.status} ${reply.statusText}`.trim();
}

function unreachable(error) {
  return error.name === "TimeoutError" ? "the gateway did not answer in time" : "the gateway can't be reached; is it running?";
}

const FORMER_STAGE = "rpc"; // the former name of "predict", which the header has too until 0.2

// "decode;dur=0.1, predict;dur=4" -> [["decode", 0.1], ["predict", 4]]
function stages(header) {
  const all = [...header.matchAll(/([^\s;,]+);dur=([\d.]+)/g)].map(([, name, duration]) => [name, Number(duration)]);
  return all.filter(([name]) => name !== FORMER_STAGE);
}
