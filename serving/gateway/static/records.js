// The rows of a file, as records for the gateway: of CSV with a header, or JSON with a record on each line.

import { cellsOf, separatorOf } from "./csv.js";
import { decoded, markedReader, writtenReader } from "./reading.js";
import { parse, reader, typeOf } from "./values.js";

export const MOST_ROWS = 5000;
const MOST_BYTES = 50_000_000;
const MOST_TOLD = 20;
const MISSING = ["NA", "N/A", "NaN", "nan", "null", "NULL", "None"];

// A file that can't be read at all.
export class BadFile extends Error {}

// Returns {columns, rows, count, ignored, as}: the record's fields that the file has, up to MOST_ROWS of [record, fault],
// how many rows there are, the names that the model has no field for, and whether it was read as in training.
export async function readRows(file, instance) {
  const read = readerOf(file.name);
  if (file.size > MOST_BYTES) throw new BadFile(`expected at most ${counted(MOST_BYTES)} bytes, got ${counted(file.size)}`);
  const { names, rows, count, as } = read(await textOf(file, instance.reading), instance);
  if (!count) throw new BadFile("expected rows, got none");
  const known = Object.keys(instance.schema.properties);
  const columns = known.filter((name) => names.has(name));
  if (!columns.length) throw new BadFile(`expected the fields ${listed(known)}, got ${listed([...names]) || "none"}`);
  return { columns, rows, count, as, ignored: [...names].filter((name) => !known.includes(name)) };
}

function counted(number) {
  return number.toLocaleString("en");
}

function listed(names) {
  return [...names.slice(0, MOST_TOLD), ...(names.length > MOST_TOLD ? ["…"] : [])].join(", ");
}

export function isRows(file) {
  return /\.(csv|jsonl|ndjson)$/i.test(file.name);
}

function readerOf(name) {
  if (/\.csv$/i.test(name)) return fromCsv;
  if (/\.(jsonl|ndjson)$/i.test(name)) return fromJsonLines;
  throw new BadFile(`expected a file whose name ends in .csv or .jsonl, got ${name}`);
}

async function textOf(file, reading) {
  try {
    return decoded(await file.arrayBuffer(), /\.csv$/i.test(file.name) ? reading?.encoding : undefined);
  } catch {
    throw new BadFile("expected text in UTF-8, got something else: save the file as UTF-8");
  }
}

function fromJsonLines(text, { schema }) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const names = new Set();
  const rows = lines.slice(0, MOST_ROWS).map((line) => {
    try {
      const value = parse(line);
      const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
      if (!isRecord) return [value, ""]; // the gateway says what is wrong with it
      Object.keys(value).forEach((name) => names.add(name));
      return [Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(schema.properties, name))), ""];
    } catch {
      return [null, "expected JSON, got a line that is none"];
    }
  });
  return { names, rows, count: lines.length };
}

function fromCsv(text, { schema, controls, reading }) {
  const separator = separatorOf(text, Object.keys(schema.properties), reading?.separator);
  const decimal = reading?.separator === separator ? reading.decimal : ".";
  const [header, ...lines] = cellsOf(text, separator);
  const twice = header?.find((name, index) => header.indexOf(name) < index);
  if (twice !== undefined) throw new BadFile(`expected columns of different names, got ${twice || "an empty name"} twice`);
  const cell = cellReader(schema, controls, reading, decimal);
  const rows = lines.slice(0, MOST_ROWS).map((cells) => {
    if (cells.open) return [null, "expected a quote at the end of the cell, got the end of the file"];
    if (cells.length !== header.length) return [null, `expected ${header.length} cells, as the header has, got ${cells.length}`];
    const read = header.map((name, index) => [name, cell(name, cells[index])]);
    return [Object.fromEntries(read.filter(([, value]) => value !== undefined)), ""];
  });
  return { names: new Set(header), rows, count: lines.length, as: reading };
}

// Reads the cells of a column; undefined for one that is empty, or whose column the model has no field for.
function cellReader(schema, controls, reading, decimal) {
  const readers = Object.entries(schema.properties).map(([name, property]) => {
    const missing = missingWords(property, controls[name], schema.required?.includes(name), reading);
    const isGap = (cell) => missing.includes(reading ? cell.trim() : cell);
    const read = writtenReader(reading, name) ?? markedReader(decimal, controls[name], property) ?? reader(controls[name], property);
    return [name, (cell) => (!cell || isGap(cell) ? undefined : read(cell))];
  });
  const byName = new Map(readers);
  return (name, cell) => byName.get(name)?.(cell);
}

// The words for a value that is missing, where one may be: the same as in files for `plumbline score`.
function missingWords(property, control, required, reading) {
  if (required) return [];
  if (control === "text") return reading ? [""] : [];
  const known = [...(property.enum ?? []), ...(property.examples ?? [])];
  const usual = MISSING.filter((word) => !known.includes(word));
  if (!reading) return usual;
  const isText = control === "choices" || (control === "choice" && typeOf(property) === "string");
  return reading.separator && isText ? reading.missing : [...reading.missing, ...usual];
}
