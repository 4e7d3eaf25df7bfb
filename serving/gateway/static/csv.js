// CSV as lists of cells, and what separates them.

const SEPARATORS = [",", ";", "\t", "|"];

// The usual one, unless only another separator finds a field in the header.
export function separatorOf(text, fields, usual = ",") {
  const [header] = text.split(/\r?\n/, 1);
  const finds = (mark) => cellsOf(header, mark)[0]?.some((name) => fields.includes(name));
  return [usual, ...SEPARATORS].find(finds) ?? usual;
}

// RFC 4180: a quoted cell may hold separators, line breaks, and quotes that are written twice. Empty lines are left out,
// and a line whose last quote is missing is `open`.
export function cellsOf(text, separator) {
  const lines = [];
  let cells = [];
  for (let place = 0; place <= text.length; ) {
    const close = text[place] === '"' ? closingQuote(text, place) : -1;
    const end = endOfCell(text, close < 0 ? place : close + 1, separator);
    if (close < 0) cells.push(text.slice(place, end));
    else cells.push(text.slice(place + 1, close).replaceAll('""', '"') + text.slice(close + 1, end));
    if (close === text.length) cells.open = true;
    place = end + 1;
    if (text[end] === separator) continue;
    if (text.startsWith("\r\n", end)) place += 1;
    if (cells.length > 1 || cells[0] !== "") lines.push(cells);
    cells = [];
  }
  return lines;
}

// The end of the text if there is none.
function closingQuote(text, open) {
  let place = text.indexOf('"', open + 1);
  while (place >= 0 && text[place + 1] === '"') place = text.indexOf('"', place + 2);
  return place < 0 ? text.length : place;
}

function endOfCell(text, start, separator) {
  let end = start;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return end;
}
