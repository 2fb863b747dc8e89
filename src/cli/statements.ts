// Where statements end, as far as a prompt has to know: at a semicolon outside of quotes and comments. Everything else
// about SQL is the server's.

export interface SplitScript {
  /** Complete statements, semicolon included, without surrounding blanks. */
  readonly statements: readonly string[];
  /** What is behind the last semicolon: a statement still being typed, or blank. */
  readonly rest: string;
}

export function splitStatements(text: string): SplitScript {
  const statements: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === ';') {
      const statement = text.slice(start, i + 1).trim();
      if (!isBlank(statement.slice(0, -1))) statements.push(statement);
      start = i + 1;
    } else if (character === "'" || character === '"' || character === '`') {
      i = endOf(text, character, i + 1);
    } else if (text.startsWith('--', i)) {
      i = endOf(text, '\n', i + 2);
    } else if (text.startsWith('/*', i)) {
      i = endOf(text, '*/', i + 2) + 1;
    }
  }
  return { statements, rest: text.slice(start) };
}

/** True when only blanks and comments are there. */
export function isBlank(text: string): boolean {
  return text.replace(/--[^\n]*|\/\*[^]*?\*\//g, '').trim() === '';
}

/** A doubled quote closes and opens again, so it needs no care here. An unclosed one runs to the end. */
function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}
