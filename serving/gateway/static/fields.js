// The fields of a form, from the JSON schema of an instance and the control that suits each. A field is {name, node,
// read, write, fail}: `read` returns the value (undefined if there is none), `write` sets it, `fail` shows an error in
// the value or at a place in it, and returns the control to focus. Nothing is checked here: the gateway checks, and
// reports what is wrong.

import { choiceField, checkboxField, tagsField } from "./choices.js";
import { element } from "./dom.js";
import { pictureField } from "./picture.js";
import { listOr, numberOr, textOf } from "./values.js";

// `pads` has the pad of each picture that can be drawn, by name.
export function makeFields({ schema, controls, example }, pads) {
  return Object.entries(schema.properties).map(([name, property], index) => {
    const frame = makeFrame(name, `field-${index}`, property, schema.required?.includes(name) ?? false);
    if (controls[name] === "picture") return pictureField(frame, pads[name] ?? null);
    return (MAKERS[controls[name]] ?? textField)(frame, property, example[name]);
  });
}

const MAKERS = {
  number: (frame) => lineField(frame, "short", "decimal", numberOr),
  date: (frame) => lineField(frame, "medium", "text", (text) => text),
  choice: choiceField,
  checkbox: checkboxField,
  choices: tagsField,
  list: (frame) => areaField(frame, 4, listOr),
};

// The parts of every field: a name, a place for the control and for an error, and perhaps a description.
function makeFrame(name, id, { description }, required) {
  const error = element("p", { class: "error", id: `${id}-error` });
  const hint = description ? element("p", { class: "hint", id: `${id}-hint` }, description) : null;
  const title = [name, required ? "" : element("span", { class: "hint" }, " optional")];
  const describedBy = [hint && hint.id, error.id].filter(Boolean).join(" ");
  const attributes = { id, "aria-describedby": describedBy };
  const wrap = (kind, ...controls) =>
    element("div", { class: `field ${kind}` }, element("label", { for: id }, ...title), ...controls, hint, error);
  const group = (kind, ...controls) =>
    element("fieldset", { ...attributes, class: `field ${kind}` }, element("legend", {}, ...title), ...controls, hint, error);
  // `at` returns the control of a place in the value.
  const failAt = (controls, at = () => controls[0]) => (message, path = []) => {
    error.textContent = message;
    controls.forEach((control) => control.removeAttribute("aria-invalid"));
    const control = at(path) ?? controls[0];
    if (message) control.setAttribute("aria-invalid", "true");
    return control;
  };
  const controlAttributes = { ...attributes, "aria-required": required && "true" };
  return { name, id, required, controlAttributes, wrap, group, failAt };
}

function textField(frame) {
  return areaField(frame, 9, (text) => text);
}

function areaField({ name, controlAttributes, wrap, failAt }, rows, read) {
  const area = element("textarea", { ...controlAttributes, rows });
  return {
    name,
    node: wrap("wide", area),
    read: () => (area.value ? read(area.value) : undefined),
    write: (value) => void (area.value = value === undefined || value === null ? "" : textOf(value)),
    fail: failAt([area]),
  };
}

// Not of the types for numbers and dates, which would hide invalid text from the gateway, and so from its error message.
function lineField({ name, controlAttributes, wrap, failAt }, size, inputmode, read) {
  const input = element("input", { ...controlAttributes, inputmode, autocomplete: "off" });
  return {
    name,
    node: wrap(size, input),
    read: () => (input.value.trim() ? read(input.value) : undefined),
    write: (value) => void (input.value = value === undefined || value === null ? "" : textOf(value)),
    fail: failAt([input]),
  };
}
