// Arrays, hstores and points, read from what the server writes.
import { DataError } from '../../../data/errors.ts';

/** The elements of an array, in order, those of several dimensions one after the other. `{1,NULL,"a,b"}`, `[0:1]={1,2}`. */
export function parseArray(text: string, delimiter: string): (string | null)[] {
  const elements: (string | null)[] = [];
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  let depth = 0;
  const bad = (): DataError => new DataError(`${shown(text)} is no array that PostgreSQL writes`);
  if (text[at] !== '{') throw bad();
  do {
    const char = text[at];
    if (char === undefined) throw bad();
    if (char === '{') depth++;
    else if (char === '}') depth--;
    else if (char === '"') {
      const end = quotedEnd(text, at);
      if (end < 0) throw bad();
      elements.push(unescaped(text.slice(at + 1, end)));
      at = end;
    } else if (char !== delimiter) {
      let end = at;
      while (end < text.length && text[end] !== delimiter && text[end] !== '}') end++;
      const word = text.slice(at, end);
      elements.push(word === 'NULL' ? null : unescaped(word));
      at = end - 1;
    }
    at++;
  } while (depth > 0);
  if (at !== text.length) throw bad();
  return elements;
}

/** The entries of an hstore: `"a"=>"1", "b"=>NULL`. */
export function parseHstore(text: string): Map<string, string | null> {
  const entries = new Map<string, string | null>();
  let at = 0;
  const bad = (): DataError => new DataError(`${shown(text)} is no hstore that PostgreSQL writes`);
  const quoted = (): string => {
    const end = text[at] === '"' ? quotedEnd(text, at) : -1;
    if (end < 0) throw bad();
    const value = unescaped(text.slice(at + 1, end));
    at = end + 1;
    return value;
  };
  while (at < text.length) {
    const key = quoted();
    if (text.slice(at, at + 2) !== '=>') throw bad();
    at += 2;
    if (text.startsWith('NULL', at)) {
      entries.set(key, null);
      at += 4;
    } else entries.set(key, quoted());
    if (at < text.length && text.slice(at, at + 2) !== ', ') throw bad();
    at += 2;
  }
  return entries;
}

/** `(1.5,-2)`. */
export function parsePoint(text: string): { readonly x: number; readonly y: number } {
  const match = /^\(([^,()]+),([^,()]+)\)$/.exec(text);
  if (match === null) throw new DataError(`${shown(text)} is no point that PostgreSQL writes`);
  return { x: Number(match[1]), y: Number(match[2]) };
}

/** Where the quoted text that begins at `from` has its last quote; -1: nowhere. */
function quotedEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}

function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/gs, '$1') : text;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
