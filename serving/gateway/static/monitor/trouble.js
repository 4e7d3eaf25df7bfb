// Why there are no figures, or why they begin anew.

import { element } from "../dom.js";
import { clock, tell } from "./figures.js";

const RECENT_MILLISECONDS = 600_000;
const TURNS = 3; // so many restarts, and it is rather several gateways behind one address
const IN_TURNS = "several gateways seem to answer at this address in turns. Open the monitor of one of them.";
const REASONS = {
  401: "Something before the gateway wants a key for /metrics that this page does not have.",
  403: "/metrics may not be read from here: something before the gateway forbids it.",
  404: "/metrics is not at this address, for it is often kept inside: open this page at the gateway itself.",
};

// Tells it in `node`, with a button that calls `start` where reading has ended.
export function makeTrouble(node, start) {
  let restarts = [];
  let since = null;

  function show(text) {
    node.className = text ? "notice" : "";
    tell(node, text);
  }

  // After a reading, of which the counters perhaps fell.
  function read(fell) {
    since = null;
    if (fell) restarts.push({ at: performance.now(), clock: clock() });
    restarts = restarts.filter(({ at }) => performance.now() - at < RECENT_MILLISECONDS);
    show(restarts.length ? told(restarts) : "");
  }

  // Returns whether to go on reading.
  function failed(error) {
    since ??= clock();
    const reason = REASONS[error.problem.status];
    show(reason ?? `No metrics since ${since}: ${error.message}. Trying again every few seconds.`);
    if (reason) node.append(" ", again());
    return !reason;
  }

  function again() {
    const button = element("button", { type: "button" }, "Try again");
    button.addEventListener("click", () => {
      show("");
      start();
    });
    return button;
  }

  return { read, failed };
}

function told(restarts) {
  if (restarts.length >= TURNS) return `The counters fell ${restarts.length} times: ${IN_TURNS}`;
  const { clock: time } = restarts.at(-1);
  return `The gateway started again at ${time}, or another one answers: its counters fell. All is counted from then.`;
}
