// Where statements end, as far as a prompt has to know: at a semicolon outside of quotes and comments. Everything else
// about SQL is the server's.

export interface ScriptStatement {
  /** Semicolon included, without surrounding blanks. */
  readonly text: string;
  /** The line of the script that its text begins in, from one. */
  readonly line: number;
}

export interface SplitScript {
  /** Those that are complete. */
  readonly statements: readonly ScriptStatement[];
  /** What is behind the last semicolon: a statement still being typed, or blank. */
  readonly rest: string;
}

export function splitStatements(text: string): SplitScript {
  const statements: ScriptStatement[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === ';') {
      const piece = text.slice(start, i + 1);
      if (!isBlank(piece.slice(0, -1))) statements.push({ text: piece.trim(), line: lineOf(text, start) });
      start = i + 1;
    } else i = endOfQuoted(text, i);
  }
  return { statements, rest: text.slice(start) };
}

/** All statements of a text; the last semicolon may be missing. */
export function statementsOf(text: string): readonly ScriptStatement[] {
  const { statements, rest } = splitStatements(text);
  if (isBlank(rest)) return statements;
  return [...statements, { text: `${rest.trim()};`, line: lineOf(text, text.length - rest.length) }];
}

/** True when only blanks and comments are there. */
export function isBlank(text: string): boolean {
  return text.replace(/--[^\n]*|\/\*[^]*?\*\//g, '').trim() === '';
}

/** The quote that is open at the end of a text, if one is: `'`, `"` or a backtick. */
export function openQuote(text: string): { readonly quote: string; readonly at: number } | undefined {
  for (let i = 0; i < text.length; i++) {
    const from = i;
    i = endOfQuoted(text, i);
    if (i >= text.length && `'"\``.includes(text[from]!)) return { quote: text[from]!, at: from };
  }
  return undefined;
}

/** The line of the first letter from `start` on. */
function lineOf(text: string, start: number): number {
  const blanks = /^\s*/.exec(text.slice(start))![0].length;
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < start + blanks; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

/** The last place of the quoted text or comment that begins at `i`; `i` where none does; the text's length where it is open. */
function endOfQuoted(text: string, i: number): number {
  const character = text[i]!;
  if (character === "'" || character === '"' || character === '`') return endOf(text, character, i + 1);
  if (text.startsWith('--', i)) return endOf(text, '\n', i + 2);
  if (text.startsWith('/*', i)) return endOf(text, '*/', i + 2) + 1;
  return i;
}

/** A doubled quote closes and opens again, so it needs no care here. An unclosed one runs to the end. */
function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}
