import type { SqlValue } from '../values/value.ts';
import { pure, type ScalarFunction, scalar } from './function.ts';

const cache = new Map<string, RegExp>();

function regex(pattern: string): RegExp {
  let known = cache.get(pattern);
  if (known === undefined) {
    known = compile(pattern);
    if (cache.size > 1000) cache.clear();
    cache.set(pattern, known);
  }
  known.lastIndex = 0;
  return known;
}

/** Java's language in JavaScript's: inline flags at the start are flags outside, and characters are code points. */
function compile(pattern: string): RegExp {
  const inline = /^\(\?([ism]+)\)/.exec(pattern);
  const flags = `g${inline?.[1] ?? ''}`;
  const source = translated(inline === null ? pattern : pattern.slice(inline[0].length));
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    // Without the flag JavaScript takes more of what Java takes as well, like a closing brace alone.
    return new RegExp(source, flags);
  }
}

/** Java's names of classes of ASCII characters, as they stand between brackets. */
const CLASSES: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7F',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: '0-9a-zA-Z',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\x0B\\f\\r',
};

const ESCAPE = /\\Q([\s\S]*?)(?:\\E|$)|\\([pP])\{(\w+)\}|\\([\s\S])|[[\]]/g;

/** Quotations, names of classes, and escapes of characters that need none. */
function translated(pattern: string): string {
  let depth = 0;
  return pattern.replace(ESCAPE, (all, quoted?: string, p?: string, name?: string, escaped?: string) => {
    if (quoted !== undefined) return quoted.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    const set = name === undefined ? undefined : CLASSES[name];
    if (set !== undefined) return depth > 0 && p === 'p' ? set : `[${p === 'P' ? '^' : ''}${set}]`;
    if (name?.startsWith('Is') === true) return `\\${p}{${name.slice(2)}}`;
    if (escaped !== undefined)
      return /[\w\\^$.*+?()[\]{}|/]/.test(escaped) || (escaped === '-' && depth > 0) ? all : escaped;
    if (all === '[') depth++;
    else if (all === ']' && depth > 0) depth--;
    return all;
  });
}

function groupCount(pattern: string): number {
  const { source, flags } = regex(pattern);
  return (new RegExp(`${source}|`, flags).exec('')?.length ?? 1) - 1;
}

function extract(pattern: string, text: string, group = 0): SqlValue {
  return regex(pattern).exec(text)?.[group] ?? null;
}

function extractAll(pattern: string, text: string, group = 0): SqlValue {
  if (group > groupCount(pattern)) return null;
  return [...text.matchAll(regex(pattern))].map((match) => match[group] ?? null);
}

/**
 * Java's `\$` and `\\` in a replacement are plain characters, `$0` is the whole match and `${name}` a named group; `$1`
 * means the same in both.
 */
function replacement(text: string): string {
  return text.replace(
    /\\(.)|\$\{(\w+)\}|\$0(?!\d)|\$(?=\D|$)/g,
    (all, escaped: string | undefined, name: string | undefined) => {
      if (escaped !== undefined) return escaped === '$' ? '$$' : escaped;
      if (name !== undefined) return `$<${name}>`;
      return all === '$0' ? '$&' : '$$';
    },
  );
}

function split(text: string, pattern: string): SqlValue {
  const parts: string[] = [];
  if (pattern === '' || regex(pattern).exec('')?.[0] === '') {
    // As Java splits: an empty match at the start makes no part, and empty parts at the end are left out.
    let from = 0;
    for (const match of text.matchAll(regex(pattern === '' ? '(?:)' : pattern))) {
      const end = match.index + match[0].length;
      if (end === 0) continue;
      parts.push(text.slice(from, match.index));
      from = end;
    }
    parts.push(text.slice(from));
    while (parts.length > 1 && parts.at(-1) === '') parts.pop();
    return parts;
  }
  let from = 0;
  for (const match of text.matchAll(regex(pattern))) {
    parts.push(text.slice(from, match.index));
    from = match.index + match[0].length;
  }
  return [...parts, text.slice(from)];
}

export const regexFunctions: readonly ScalarFunction[] = [
  scalar('REGEXP_EXTRACT', 'REGULAR EXPRESSION', 'The first match of a pattern, or a group of it.', [
    pure('STRING, STRING -> STRING', extract),
    pure('STRING, STRING, INT -> STRING', extract),
  ]),
  scalar('REGEXP_EXTRACT_ALL', 'REGULAR EXPRESSION', 'All matches of a pattern, or a group of each.', [
    pure('STRING, STRING -> ARRAY<STRING>', extractAll),
    pure('STRING, STRING, INT -> ARRAY<STRING>', extractAll),
  ]),
  scalar('REGEXP_REPLACE', 'REGULAR EXPRESSION', 'The text with all matches of a pattern replaced.', [
    pure('STRING, STRING, STRING -> STRING', (text: string, pattern: string, fresh: string) =>
      text.replace(regex(pattern), replacement(fresh)),
    ),
  ]),
  scalar('REGEXP_SPLIT_TO_ARRAY', 'REGULAR EXPRESSION', 'The parts of a text between matches of a pattern.', [
    pure('STRING, STRING -> ARRAY<STRING>', split),
  ]),
];
