// Texts of boxes and of files' cells as the JSON values that fields take. What can't be read stays a text: the gateway
// tells what it expected instead.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const WHOLE = /^[+-]?\d+$/;
const TRUTHS = { true: true, false: false, 1: true, 0: false };

// The JSON schema's type of a value that is there.
export function typeOf(schema) {
  return [schema.type].flat().find((type) => type !== "null");
}

// What reads a text for a field with this form control.
export function reader(control, schema) {
  if (control === "choice") return { integer: numberOr, number: numberOr, boolean: truthOr }[typeOf(schema)] ?? asItIs;
  return { number: numberOr, checkbox: truthOr, choices: listOr, list: listOr }[control] ?? asItIs;
}

function asItIs(text) {
  return text;
}

export function numberOr(text) {
  const digits = text.trim();
  if (WHOLE.test(digits)) return wholeNumber(digits);
  return NUMBER.test(digits) && Number.isFinite(Number(digits)) ? Number(digits) : text;
}

function truthOr(text) {
  return TRUTHS[text.trim().toLowerCase()] ?? text;
}

export function listOr(text) {
  try {
    const value = parse(text);
    return Array.isArray(value) ? value : text;
  } catch {
    return text;
  }
}

// JSON, with every digit of whole numbers: those of 64 bits are more than a number of JavaScript holds.
export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && WHOLE.test(context?.source) ? wholeNumber(context.source) : value,
  );
}

function wholeNumber(digits) {
  const number = Number(digits);
  if (Number.isSafeInteger(number) || !JSON.rawJSON) return number;
  return JSON.rawJSON(BigInt(digits.replace("+", "")).toString());
}

// The text of a value, which its reader reads as the same.
export function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
