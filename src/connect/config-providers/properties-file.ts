// The text of a .properties file, as java.util.Properties reads it.

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };
const ENTRY = /^((?:\\[\s\S]|[^\\=:\s])*)[ \t\f]*(?:[=:][ \t\f]*)?([\s\S]*)$/;

/** The values by key. A line that ends with a backslash goes on in the next one; `#` and `!` begin comments. */
export function parseProperties(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const lines = text.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!.replace(/^[ \t\f]+/, '');
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (/(?:^|[^\\])(?:\\\\)*\\$/.test(line) && i + 1 < lines.length)
      line = line.slice(0, -1) + lines[++i]!.replace(/^[ \t\f]+/, '');
    const [, key = '', value = ''] = ENTRY.exec(line) ?? [];
    values.set(unescaped(key), unescaped(value));
  }
  return values;
}

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_all, code: string | undefined, character: string) =>
    code === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
