// Regular expressions are Java's, as ksqlDB's are, in time that grows with the text (see `util/java-regex`).
import { JavaPattern, type PatternMatch } from '../../util/index.ts';
import type { SqlValue } from '../values/value.ts';
import { pure, type ScalarFunction, scalar } from './function.ts';

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
    replaced += text.slice(from, match.start) + replacementOf(match, fresh, regex);
    from = match.end;
  }
  return replaced + text.slice(from);
}

/**
 * As `Matcher.appendReplacement`: `$2` and `${name}` are groups (nothing when they took no part), with as many digits as
 * make the number of one, and a backslash takes a character as it is. A group that there isn't is an error.
 */
function replacementOf({ groups }: PatternMatch, fresh: string, { groupNames }: JavaPattern): string {
  return fresh.replace(
    /\\([\s\S])?|\$(?:(\d+)|\{(\w*)\})?/g,
    (all, escaped?: string, digits?: string, name?: string) => {
      if (all.startsWith('\\')) {
        if (escaped === undefined) throw new Error('The replacement ends with a backslash');
        return escaped;
      }
      if (name !== undefined) {
        const number = groupNames.get(name);
        if (number === undefined)
          throw new Error(`The replacement names the group ${name}, which the pattern does not have`);
        return groups[number] ?? '';
      }
      if (digits === undefined) throw new Error('The replacement has a $ that no group follows; write \\$');
      let length = 1;
      while (length < digits.length && Number(digits.slice(0, length + 1)) < groups.length) length++;
      const number = Number(digits.slice(0, length));
      if (number >= groups.length) throw new Error(`The replacement names group ${number} of ${groups.length - 1}`);
      return (groups[number] ?? '') + digits.slice(length);
    },
  );
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
