// Files that are dropped or pasted anywhere on the page: rows go to the table, pictures to a field for them.

import { isRows } from "./records.js";

// `pictures` are fields with `node`, `take` and `isEmpty`; `takeRows` takes a file of rows. `signal` ends it.
export function acceptFiles(pictures, rows, takeRows, signal) {
  const on = (name, listener) => document.addEventListener(name, listener, { signal });
  const clear = () => [rows, ...pictures.map(({ node }) => node)].forEach((node) => node.classList.remove("over"));
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");

  // The picture below the pointer, else the one that has the focus, the first that is empty, or the first.
  function pictureFor(target) {
    const holds = (node) => pictures.find((picture) => picture.node.contains(node));
    return holds(target) ?? holds(document.activeElement) ?? pictures.find(({ isEmpty }) => isEmpty()) ?? pictures[0];
  }

  function give(files, target) {
    const [file] = files;
    if (!file) return;
    const picture = pictureFor(target);
    if (isRows(file) || !picture) takeRows(file);
    else picture.take(files);
  }

  // What kind of file it is, only the drop itself tells.
  on("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // else the browser would leave the page and open the file
    clear();
    (rows.contains(event.target) ? rows : (pictureFor(event.target)?.node ?? rows)).classList.add("over");
  });
  on("dragleave", (event) => {
    if (!event.relatedTarget) clear();
  });
  on("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    clear();
    give(event.dataTransfer.files, event.target);
  });
  on("paste", (event) => give(event.clipboardData.files, event.target));
}
