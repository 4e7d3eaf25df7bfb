// A request as a command for a POSIX shell.

export function curl(url, { type, body, name }, withKey) {
  const data = name === undefined ? `-d ${quoted(body)}` : `--data-binary ${quoted(`@${name}`)}`;
  const key = withKey ? ` \\\n  -H "X-API-Key: $API_KEY"` : ""; // the key itself is not shown
  return `curl -s ${quoted(url)}${key} \\\n  -H ${quoted(`Content-Type: ${type}`)} \\\n  ${data}`;
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
