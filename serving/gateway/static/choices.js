// Fields whose values are known, or some of them: one of them, several, or true and false.

import { element } from "./dom.js";
import { listOr, reader, same, textOf } from "./values.js";

const MOST_BOXES = 30;
const MOST_TOLD = 10;

// A drop-down if only known values are taken, otherwise a box that suggests them.
export function choiceField(frame, schema) {
  return schema.enum ? dropDown(frame, schema.enum) : suggestions(frame, schema);
}

function dropDown({ name, required, controlAttributes, wrap, failAt }, listed) {
  const values = listed.filter((value) => value !== null);
  const none = element("option", { value: "" }, required ? "(choose)" : "(no value)");
  const options = values.map((value, index) => element("option", { value: index }, textOf(value) || '""'));
  const select = element("select", controlAttributes, none, ...options);
  return {
    name,
    node: wrap("medium", select),
    read: () => values[select.value],
    write: (value) => {
      const index = values.findIndex((known) => same(known, value));
      select.value = index < 0 ? "" : index;
    },
    fail: failAt([select]),
  };
}

function suggestions({ name, id, controlAttributes, wrap, failAt }, schema) {
  const known = (schema.examples ?? []).map((value) => element("option", { value: textOf(value) }));
  const list = element("datalist", { id: `${id}-known` }, ...known);
  const input = element("input", { ...controlAttributes, list: list.id, autocomplete: "off" });
  const read = reader("choice", schema);
  return {
    name,
    node: wrap("medium", input, list),
    read: () => (input.value ? read(input.value) : undefined),
    write: (value) => void (input.value = value === undefined || value === null ? "" : textOf(value)),
    fail: failAt([input]),
  };
}

export function checkboxField({ name, controlAttributes, wrap, failAt }) {
  const { "aria-required": _, ...attributes } = controlAttributes; // an empty one is a value too
  const box = element("input", { ...attributes, type: "checkbox" });
  return {
    name,
    node: wrap("short", box),
    read: () => box.checked,
    write: (value) => void (box.checked = value === true),
    fail: failAt([box]),
  };
}

// Boxes for few known tags; lines where there are more, or others are taken, or a tag may come twice, as the example's do.
export function tagsField(frame, schema, example) {
  const known = schema.items?.enum;
  const repeats = new Set(example?.map(textOf)).size < (example?.length ?? 0);
  return known && known.length <= MOST_BOXES && !repeats ? boxes(frame, known) : lines(frame, schema.items ?? {});
}

// An optional list has one more box: no list is something else than an empty one.
function boxes({ name, required, group, failAt }, tags) {
  const controls = tags.map(() => element("input", { type: "checkbox" }));
  const none = required ? null : element("input", { type: "checkbox" });
  const labelled = (box, text) => element("label", { class: "box" }, box, " ", text);
  const shown = controls.map((box, index) => labelled(box, textOf(tags[index]) || '""'));
  controls.forEach((box) => box.addEventListener("change", () => none && box.checked && (none.checked = false)));
  none?.addEventListener("change", () => none.checked && controls.forEach((box) => (box.checked = false)));
  const ticked = () => controls.filter((box) => box.checked);
  return {
    name,
    node: group("wide boxes", element("div", {}, ...shown, none && labelled(none, "(no value)"))),
    read: () => (none?.checked ? undefined : tags.filter((_, index) => controls[index].checked)),
    write: (value) => {
      controls.forEach((box, index) => (box.checked = value?.some((tag) => same(tag, tags[index])) ?? false));
      if (none) none.checked = value === undefined || value === null;
    },
    fail: failAt(controls, ([place]) => ticked()[place]),
  };
}

// One tag on each line, or all of them as JSON, which alone can say an empty list where none may be missing.
function lines({ name, required, controlAttributes, wrap, failAt }, items) {
  const area = element("textarea", { ...controlAttributes, rows: 4 });
  const read = reader("choice", items);
  const known = items.enum ?? items.examples ?? [];
  const more = known.length > MOST_TOLD ? ", …" : "";
  const told = known.length ? `, such as ${known.slice(0, MOST_TOLD).map(textOf).join(", ")}${more}` : "";
  const asLines = (tags) => tags.every((tag) => /^[^[\s][^\r\n]*$/.test(textOf(tag))) && (tags.length || required);
  return {
    name,
    node: wrap("wide", area, element("p", { class: "hint" }, `One on each line, or a JSON list${told}.`)),
    read: () => {
      if (!area.value.trim()) return required ? [] : undefined;
      const list = listOr(area.value);
      return Array.isArray(list) ? list : area.value.split(/\r?\n/).filter(Boolean).map(read);
    },
    write: (value) => {
      if (!Array.isArray(value)) area.value = "";
      else area.value = asLines(value) ? value.map(textOf).join("\n") : JSON.stringify(value);
    },
    fail: failAt([area]),
  };
}
