// A request as a command for a POSIX shell.

export function curl(url, { type, body, name }) {
  const data = name === undefined ? `-d ${quoted(body)}` : `--data-binary ${quoted(`@${name}`)}`;
  return `curl -s ${quoted(url)} \\\n  -H ${quoted(`Content-Type: ${type}`)} \\\n  ${data}`;
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
