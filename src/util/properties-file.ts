// The text of a .properties file, as java.util.Properties reads it.

/** A key and its value. */
export interface Property {
  readonly key: string;
  readonly value: string;
  /** Where it begins, from 1. */
  readonly line: number;
  /** Whether `=`, `:` or a space stands between the two; a key may also stand alone. */
  readonly hasSeparator: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };
const ENTRY = /^((?:\\[\s\S]|[^\\=:\s])*)([ \t\f]*(?:[=:][ \t\f]*)?)([\s\S]*)$/;

/** In their order. A line that ends with a backslash goes on in the next one; `#` and `!` begin comments. */
export function propertiesIn(text: string): Property[] {
  const found: Property[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    const begin = i + 1;
    let line = lines[i]!.replace(/^[ \t\f]+/, '');
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (/(?:^|[^\\])(?:\\\\)*\\$/.test(line) && i + 1 < lines.length)
      line = line.slice(0, -1) + lines[++i]!.replace(/^[ \t\f]+/, '');
    const [, key = '', separator = '', value = ''] = ENTRY.exec(line) ?? [];
    found.push({ key: unescaped(key), value: unescaped(value), line: begin, hasSeparator: separator !== '' });
  }
  return found;
}

/** The values by key; of several, the last. */
export function parseProperties(text: string): Map<string, string> {
  return new Map(propertiesIn(text).map(({ key, value }) => [key, value]));
}

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_all, code: string | undefined, character: string) =>
    code === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
