// Asks the gateway for the answers of many records: some at a time, and again without those that have faults.

import { Problem, send } from "./gateway.js";

const CHUNK = 100;
const MOST_RETRIES = 3;
const MOST_SECONDS = 30;
const [MALFORMED, TOO_LARGE, INVALID, BUSY, UNAVAILABLE] = [400, 413, 422, 429, 503];

// Rows are [record, fault]. Yields [{version, prediction} or {faults}] of up to CHUNK rows at a time, in their order.
export async function* answersOf(path, rows, signal) {
  for (let start = 0; start < rows.length; start += CHUNK) yield ask(path, rows.slice(start, start + CHUNK), signal);
}

async function ask(path, rows, signal) {
  const given = rows.map(([record, fault]) => (fault ? { faults: [fault] } : { record }));
  await fill(path, given.filter(({ faults }) => !faults), signal);
  return given;
}

// Sets the answer or the faults of each of `asked`.
async function fill(path, asked, signal) {
  if (!asked.length) return;
  try {
    const { predictions, version } = await sendPatiently(path, asked.map(({ record }) => record), signal);
    asked.forEach((each, index) => Object.assign(each, { prediction: predictions[index], version }));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { status, errors } = error.problem;
    if (status === INVALID && errors?.some(({ index }) => asked[index])) {
      errors.forEach(({ index, ...each }) => (asked[index].faults ??= []).push(inWords(each)));
      await fill(path, asked.filter(({ faults }) => !faults), signal);
    } else if ([MALFORMED, TOO_LARGE, INVALID].includes(status)) {
      await fillHalves(path, asked, error, signal);
    } else throw error;
  }
}

// For a request that is too large, or that one row spoils.
async function fillHalves(path, asked, error, signal) {
  if (asked.length === 1) return void (asked[0].faults = [error.message]);
  const middle = Math.ceil(asked.length / 2);
  await fill(path, asked.slice(0, middle), signal);
  await fill(path, asked.slice(middle), signal);
}

async function sendPatiently(path, instances, signal) {
  const request = { type: "application/json", body: JSON.stringify({ instances }) };
  for (let tries = 0; ; tries += 1) {
    try {
      return (await send(path, request, signal)).reply;
    } catch (error) {
      const busy = error instanceof Problem && [BUSY, UNAVAILABLE].includes(error.problem.status);
      if (!busy || !error.retrySeconds || error.retrySeconds > MOST_SECONDS || tries === MOST_RETRIES) throw error;
      await pause(error.retrySeconds, signal);
    }
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function inWords(error) {
  const [field, place] = placeOf(error);
  return `${[field, placeInWords(place)].filter(Boolean).join(", ")}: ${error.detail}`.replace(/^: /, "");
}

// The field, and the path within its value: RFC 9457's "pointer" ("#/instances/0/habits/3") says both, "field" the first.
export function placeOf({ pointer, field }) {
  if (!pointer) return [field, []];
  const names = pointer.split("/").slice(1).map((name) => decoded(name).replaceAll("~1", "/").replaceAll("~0", "~"));
  const [name, ...place] = names[0] === "instances" && /^\d+$/.test(names[1]) ? names.slice(2) : names;
  return [name, place.map(Number)];
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

// [3] -> "item 4"
export function placeInWords(place) {
  return place.length ? `item ${place.map((index) => index + 1).join(".")}` : "";
}
