// How files of a model's rows are written, if its contract says so: the same rules as those of `plumbline score`.

import { numberOr, listOr, typeOf } from "./values.js";

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const PARTS = {
  d: ["day", "\\d{1,2}"],
  m: ["month", "\\d{1,2}"],
  Y: ["year", "\\d{4}"],
  y: ["short", "\\d{2}"],
  b: ["name", "[a-z]{3}"],
  B: ["name", "[a-z]{3,}"],
  H: ["hour", "\\d{1,2}"],
  M: ["minute", "\\d{1,2}"],
  S: ["second", "\\d{1,2}"],
};

// Text in UTF-8, or in the encoding that the model was trained on. Throws for other bytes.
export function decoded(bytes, encoding = "utf-8") {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  const wide = encoding === "utf-16" && first + second === 0x1fd; // a byte order mark, one way or the other
  try {
    return new TextDecoder(wide ? `utf-16${first === 0xff ? "le" : "be"}` : "utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (encoding === "utf-8" || encoding === "utf-16") throw error;
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

// What reads numbers with a decimal comma; nothing for a point, and for fields that are no numbers.
export function markedReader(decimal, control, property) {
  if (decimal !== "," || !(control === "number" || ["number", "integer"].includes(typeOf(property)))) return undefined;
  return (cell) => {
    const number = cell.includes(".") ? cell : numberOr(cell.replace(",", "."));
    return typeof number === "string" ? cell : number;
  };
}

// What reads dates that are written otherwise than in requests, or tags with something between them.
export function writtenReader(reading, name) {
  const delimiter = reading?.delimiters[name];
  const format = reading?.dates[name];
  if (delimiter) return (cell) => tagsOf(cell, delimiter);
  return format && ((cell) => dateOf(cell.trim(), format) ?? cell.trim());
}

function tagsOf(cell, delimiter) {
  const list = cell.trimStart().startsWith("[") ? listOr(cell) : cell;
  if (Array.isArray(list)) return list;
  return cell.split(delimiter).map((part) => part.trim()).filter(Boolean);
}

// The date of a text, as 2026-11-28 or with a time; undefined if it is none, or the format has other parts.
function dateOf(text, format) {
  const names = [];
  const pattern = format.replace(/%(.)|[.*+?^${}()|[\]\\]/g, (mark, part) => {
    if (!part) return `\\${mark}`;
    const [name, digits] = PARTS[part] ?? ["other", "(?!)"];
    names.push(name);
    return `(${digits})`;
  });
  const found = new RegExp(`^${pattern}$`, "i").exec(text);
  return found && joined(Object.fromEntries(names.map((name, index) => [name, found[index + 1]])));
}

function joined({ year, short, month, name, day, hour, minute = "0", second = "0" }) {
  const full = Number(year ?? (Number(short) < 69 ? 2000 : 1900) + Number(short));
  const number = name ? MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1 : Number(month);
  const moment = new Date(Date.UTC(full, number - 1, Number(day)));
  if (moment.getUTCMonth() !== number - 1 || moment.getUTCDate() !== Number(day)) return undefined;
  const date = moment.toISOString().slice(0, 10);
  return hour === undefined ? date : `${date}T${[hour, minute, second].map((part) => part.padStart(2, "0")).join(":")}`;
}
