// The gateway's API. Paths are relative to the page, so it also works below a prefix.

import { askForKey, keyHeaders } from "./key.js";

const TIMEOUT_MILLISECONDS = 60_000;

// What the gateway answers instead of an answer: RFC 9457's problem, or as much of one as there is.
export class Problem extends Error {
  constructor(told) {
    super(told.detail ?? told.title);
    this.told = told;
  }
}

export async function ask(path, signal) {
  const { told } = await exchange(path, { signal });
  return told;
}

// Sends a body; gives the answer, the milliseconds until it was there, and those of each stage in the gateway.
export async function send(path, { type, body }, signal) {
  const options = { method: "POST", headers: { "Content-Type": type }, body, signal };
  const { reply, told, milliseconds } = await exchange(path, options);
  return { told, milliseconds, stages: stages(reply.headers.get("Server-Timing") ?? "") };
}

// Where the gateway wants a key, the person is asked for one, and the request is sent again.
async function exchange(path, options) {
  for (;;) {
    try {
      return await exchangeOnce(path, { ...options, headers: { ...options.headers, ...keyHeaders() } });
    } catch (error) {
      if (!(error instanceof Problem && error.told.status === 401 && (await askForKey()))) throw error;
    }
  }
}

async function exchangeOnce(path, options) {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MILLISECONDS)]);
  const start = performance.now();
  let reply, told;
  try {
    reply = await fetch(path, { ...options, signal });
    told = await reply.json();
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw new Problem({ title: "No answer", detail: reply ? notJson(reply) : unreachable(error) });
  }
  if (!reply.ok) throw new Problem(told);
  return { reply, told, milliseconds: performance.now() - start };
}

function notJson(reply) {
  return `expected JSON, got status ${reply.status} ${reply.statusText}`.trim();
}

function unreachable(error) {
  return error.name === "TimeoutError" ? "the gateway took too long" : "the gateway can't be reached; is it running?";
}

const FORMER_STAGE = "rpc"; // the former name of "predict", which the header has too until 0.2

// "decode;dur=0.1, predict;dur=4" -> [["decode", 0.1], ["predict", 4]]
function stages(header) {
  const all = [...header.matchAll(/([^\s;,]+);dur=([\d.]+)/g)].map(([, name, duration]) => [name, Number(duration)]);
  return all.filter(([name]) => name !== FORMER_STAGE);
}
