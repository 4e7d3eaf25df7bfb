// A file of rows, and the table of its answers.

import { answersOf } from "./asking.js";
import { element } from "./dom.js";
import { Problem } from "./gateway.js";
import { BadFile, MOST_ROWS, readRows } from "./records.js";
import { makeTable, MOST_COLUMNS } from "./table.js";

// Answers files that are chosen in `section`. Returns what takes a file that came another way. `signal` ends it.
export function answerFiles(section, model, signal) {
  const find = (selector) => section.querySelector(selector);
  const input = find("input");
  let current = new AbortController();

  async function take(file) {
    current.abort();
    current = new AbortController();
    const run = AbortSignal.any([signal, current.signal]);
    const view = makeView(find);
    try {
      await answerFile(file, model, view, run);
    } catch (error) {
      if (run.aborted) return;
      if (!(error instanceof Problem || error instanceof BadFile)) throw error;
      view.fail(`${file.name}: ${error.message}`);
    }
  }

  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // so that the same file can be chosen again
    if (file) take(file);
  });
  return take;
}

async function answerFile(file, model, view, signal) {
  view.tell(`Reading ${file.name} …`);
  const { columns, rows, count, ignored, as } = await readRows(file, model.instance);
  if (signal.aborted) return;
  const shown = columns.filter((name) => model.instance.controls[name] !== "picture");
  const table = makeTable(shown);
  view.start(table.node, rows.length);
  const path = `predict/${encodeURIComponent(model.name)}`;
  const versions = new Set();
  let done = 0;
  let failed = 0;
  try {
    for await (const answered of answersOf(path, rows, signal)) {
      if (signal.aborted) return;
      answered.forEach((each, index) => table.add(done + index + 1, rows[done + index][0], each));
      done += answered.length;
      failed += answered.filter(({ faults }) => faults).length;
      answered.forEach(({ version }) => version && versions.add(version));
      view.progress(done, rows.length);
    }
  } finally {
    if (!signal.aborted) view.finish(() => table.csv(), file.name, done > 0);
  }
  view.tell(summary({ file, done, failed, count, ignored, versions, columns, as }));
}

function summary({ file, done, failed, count, ignored, versions, columns, as }) {
  const from = versions.size ? `, by version ${[...versions].join(" and ")}` : "";
  return [
    `${file.name}: ${counted(done - failed)} of ${counted(done)} rows answered${from}.`,
    failed && `${counted(failed)} with faults: the table tells them.`,
    count > done && `The file has ${counted(count)} rows; only the first ${counted(MOST_ROWS)} are answered here.`,
    columns.length > MOST_COLUMNS && `Only the first fields are shown here: the download has all ${columns.length}.`,
    as && "Read as the file that the model was trained on is written.",
    ignored.length && `Not sent, since the model has no such field: ${ignored.join(", ")}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

function counted(number) {
  return number.toLocaleString("en");
}

// The parts of the section: what is told, the progress, the table, and the button that downloads it.
function makeView(find) {
  const [told, progress, place, download] = [find(".told"), find("progress"), find(".rows"), find("[name=download]")];
  const tell = (text, isError = false) => {
    told.textContent = text;
    told.classList.toggle("error", isError);
  };
  place.replaceChildren();
  place.hidden = download.hidden = progress.hidden = true;
  return {
    tell,
    fail: (text) => tell(text, true),
    start: (table, count) => {
      place.replaceChildren(table);
      place.hidden = progress.hidden = false;
      Object.assign(progress, { max: count, value: 0 });
      tell(`Answering ${counted(count)} rows …`);
    },
    progress: (done, count) => {
      progress.value = done;
      progress.title = `${counted(done)} of ${counted(count)} rows`; // not told aloud each time
    },
    finish: (csv, name, any) => {
      progress.hidden = true;
      download.hidden = !any;
      download.onclick = () => save(csv(), name.replace(/\.\w+$/, "") + "-answers.csv");
    },
  };
}

function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
