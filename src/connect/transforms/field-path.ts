// The path of a field (KIP-821): a name at the root (V1), or names separated by dots (V2), where those that have dots stand in
// backticks, and a backtick of a name behind a backslash.
import type { ConfigDef } from '../api/config-def.ts';
import { oneOfTexts } from '../api/config-def.ts';
import { ConfigError } from '../data/errors.ts';

/** The setting that says which paths there are. */
export const FIELD_SYNTAX = {
  'field.syntax.version': {
    type: 'STRING',
    default: 'V1',
    importance: 'HIGH',
    doc: 'V1: a field is a name at the root of the value. V2: names separated by dots lead into structs and maps; a name with dots stands in backticks.',
    validator: (value) => oneOfTexts('V1', 'V2')(value?.toUpperCase() ?? null),
  },
} as const satisfies ConfigDef;

/** The names that a path leads through. Throws `ConfigError`. */
export function fieldPath(path: string, version: string): string[] {
  if (version.toUpperCase() === 'V1') return [path];
  if (path === '') throw new ConfigError('The path of a field must not be empty');
  const names: string[] = [];
  let at = 0;
  while (at <= path.length) {
    const [name, end] = path[at] === '`' ? quotedName(path, at) : plainName(path, at);
    names.push(name);
    if (end >= path.length) break;
    at = end + 1;
  }
  return names;
}

function plainName(path: string, from: number): [string, number] {
  const dot = path.indexOf('.', from);
  const end = dot < 0 ? path.length : dot;
  return [path.slice(from, end).replaceAll('\\`', '`'), end];
}

/** A backtick ends a name before a dot or the end only. */
function quotedName(path: string, from: number): [string, number] {
  for (let at = path.indexOf('`', from + 1); at >= 0; at = path.indexOf('`', at + 1)) {
    const isEnd = at + 1 === path.length || path[at + 1] === '.';
    if (isEnd && path[at - 1] !== '\\') return [path.slice(from + 1, at).replaceAll('\\`', '`'), at + 1];
  }
  throw new ConfigError(
    `Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick at position ${from} to escape it`,
  );
}
