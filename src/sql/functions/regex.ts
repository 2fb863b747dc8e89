// Regular expressions are Java's, as ksqlDB's are, in time that grows with the text (see `util/java-regex`).
import { JavaPattern } from '../../util/index.ts';
import type { SqlValue } from '../values/value.ts';
import { checkLength, pure, type ScalarFunction, scalar } from './function.ts';

function extract(pattern: string, text: string, group = 0): SqlValue {
  return JavaPattern.of(pattern).exec(text)?.groups[group] ?? null;
}

function extractAll(pattern: string, text: string, group = 0): SqlValue {
  const regex = JavaPattern.of(pattern);
  if (group > regex.groupCount) return null;
  return Array.from(regex.matches(text), ({ groups }) => groups[group] ?? null);
}

function replace(text: string, pattern: string, fresh: string): SqlValue {
  const regex = JavaPattern.of(pattern);
  let replaced = '';
  let from = 0;
  for (const match of regex.matches(text)) {
    replaced += text.slice(from, match.start) + regex.expand(match, fresh);
    checkLength(replaced.length);
    from = match.end;
  }
  return replaced + text.slice(from);
}

function split(text: string, pattern: string): SqlValue {
  const regex = JavaPattern.of(pattern);
  const parts: string[] = [];
  let from = 0;
  // A pattern that matches nothing as well is Java's to split by: an empty match at the start makes no part, and empty parts
  // at the end are left out.
  const mayBeEmpty = regex.exec('')?.end === 0;
  for (const { start, end } of regex.matches(text)) {
    if (mayBeEmpty && end === 0) continue;
    parts.push(text.slice(from, start));
    from = end;
  }
  parts.push(text.slice(from));
  while (mayBeEmpty && parts.length > 1 && parts.at(-1) === '') parts.pop();
  return parts;
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
    pure('STRING, STRING, STRING -> STRING', replace),
  ]),
  scalar('REGEXP_SPLIT_TO_ARRAY', 'REGULAR EXPRESSION', 'The parts of a text between matches of a pattern.', [
    pure('STRING, STRING -> ARRAY<STRING>', split),
  ]),
];
