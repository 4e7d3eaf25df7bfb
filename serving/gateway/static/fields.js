// The fields of a form, from the JSON schema of an instance. Each is {name, node, read, write, fail}: `read` returns the
// value (undefined if there is none), `write` sets it, `fail` shows an error and returns the control to focus.
// Nothing is checked here: the gateway checks, and reports what is wrong.

import { element } from "./dom.js";
import { pictureField } from "./picture.js";

export function isPicture(schema) {
  return schema.contentEncoding === "base64";
}

export function makeFields(schema, pad, signal) {
  return Object.entries(schema.properties).map(([name, property], index) => {
    const required = schema.required?.includes(name) ?? false;
    const frame = makeFrame(name, `field-${index}`, property.description, required);
    if (isPicture(property)) return pictureField(frame, pad, signal);
    return [property.type].flat().includes("string") ? textField(frame) : valueField(frame);
  });
}

// The parts of every field: a label, a place for the control and for an error, and perhaps a description.
function makeFrame(name, id, description, required) {
  const error = element("p", { class: "error", id: `${id}-error` });
  const hint = description ? element("p", { class: "hint", id: `${id}-hint` }, description) : null;
  const label = element("label", { for: id }, name, required ? "" : element("span", { class: "hint" }, " optional"));
  const describedBy = [hint && hint.id, error.id].filter(Boolean).join(" ");
  const controlAttributes = { id, "aria-describedby": describedBy, "aria-required": required && "true" };
  const wrap = (kind, ...controls) => element("div", { class: `field ${kind}` }, label, ...controls, hint, error);
  const failAt = (control) => (message) => {
    error.textContent = message;
    if (message) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    return control;
  };
  return { name, controlAttributes, wrap, failAt };
}

function textField({ name, controlAttributes, wrap, failAt }) {
  const area = element("textarea", { ...controlAttributes, rows: 9 });
  return {
    name,
    node: wrap("wide", area),
    read: () => area.value || undefined,
    write: (value) => void (area.value = value ?? ""),
    fail: failAt(area),
  };
}

// Not type="number", which would hide invalid text from the gateway, and so from its error message.
function valueField({ name, controlAttributes, wrap, failAt }) {
  const input = element("input", { ...controlAttributes, inputmode: "decimal", autocomplete: "off" });
  return {
    name,
    node: wrap("number", input),
    read: () => (input.value.trim() ? numberOr(input.value) : undefined),
    write: (value) => void (input.value = value ?? ""),
    fail: failAt(input),
  };
}

function numberOr(text) {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
