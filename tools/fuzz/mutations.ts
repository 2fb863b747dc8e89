/**
 * Texts that are nearly right: a valid one whose words are left out, doubled, exchanged, taken from another valid one, or
 * replaced by what nobody expects there. So they get through the door that noise stops at.
 */
import type { Chance } from './chance.ts';

/** Words, texts in quotes, numbers and signs; white space goes with what stands before it. */
const WORD = /\s*(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|`[^`]*`|[A-Za-z_][\w]*|\d+(?:\.\d+)?|.)/gsu;

const ODD_WORDS = [
  "''",
  "'",
  '"',
  '`',
  '``',
  '`__proto__`',
  'constructor',
  '"__proto__"',
  '0',
  '-1',
  '1.5e308',
  '9223372036854775807',
  '9223372036854775808',
  '99999999999999999999999999999999999999999',
  '0.00000000000000000000000000000000000000001',
  'NULL',
  'null',
  'true',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '<',
  '>',
  ';',
  ',',
  ':',
  '.',
  '..',
  '*',
  '-',
  '--',
  '/*',
  '\\',
  '\0',
  '\uD800',
  'é',
  '𝒜',
  '${x}',
];

const FEWEST_NESTED = 20;

export function wordsOf(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** A text with one or two mutations, most of them mild; `others` lend words. */
export function mutated(text: string, others: readonly string[], chance: Chance): string {
  const words = wordsOf(text);
  for (let count = 1 + chance.below(2); count > 0; count--) {
    if (chance.oneIn(5)) mutate(words, others, chance);
    else exchange(words, others, chance);
  }
  return words.join('');
}

/** A word becomes another of its kind: what comes of it has the form of the language. */
function exchange(words: string[], others: readonly string[], chance: Chance): void {
  const at = chance.below(words.length);
  const kind = kindOf(words[at] ?? '');
  const lent = (chance.oneIn(2) ? words : wordsOf(chance.pick(others))).filter((word) => kindOf(word) === kind);
  const odd = kind === 'sign' ? [] : ODD_WORDS.filter((word) => kindOf(word) === kind).map((word) => ` ${word}`);
  const candidates = chance.oneIn(3) && odd.length > 0 ? odd : lent;
  if (candidates.length > 0) words[at] = chance.pick(candidates);
}

function kindOf(word: string): 'name' | 'number' | 'text' | 'sign' {
  const [first = ''] = word.trim();
  if (first === "'" || first === '"') return 'text';
  if (/[\d-]/.test(first) && /\d/.test(word)) return 'number';
  return /[A-Za-z_`]/.test(first) ? 'name' : 'sign';
}

function mutate(words: string[], others: readonly string[], chance: Chance): void {
  const at = chance.below(words.length + 1);
  const lent = wordsOf(chance.pick(others));
  const from = chance.below(lent.length);
  const few = 1 + chance.below(5);
  switch (chance.below(9)) {
    case 0:
      words.splice(at, few);
      break;
    case 1:
      words.splice(at, 0, ...words.slice(at, at + few));
      break;
    case 2:
      words.splice(at, 1, lent[from] ?? '');
      break;
    case 3:
      words.splice(at, few, ...lent.slice(from, from + few));
      break;
    case 4:
      words.splice(at, 1, ` ${chance.pick(ODD_WORDS)} `);
      break;
    case 5:
      words.splice(at, 0, ` ${chance.pick(ODD_WORDS)} `);
      break;
    case 6: {
      const other = chance.below(words.length);
      [words[at], words[other]] = [words[other] ?? '', words[at] ?? ''];
      break;
    }
    case 7: {
      // Something around itself, a few times or many.
      const depth = chance.oneIn(4) ? FEWEST_NESTED * (1 + chance.below(100)) : few;
      const [open, close] = chance.pick([
        ['(', ')'],
        ['ARRAY<', '>'],
        ['ARRAY[', ']'],
        ['[', ']'],
        ['{', '}'],
        ['NOT ', ''],
        ['CASE WHEN true THEN ', ' END'],
      ] as const);
      words.splice(at, 1, `${open.repeat(depth)}${words[at] ?? ''}${close.repeat(depth)}`);
      break;
    }
    default: {
      const list = words.slice(at, at + few).join('');
      words.splice(
        at,
        few,
        Array(1 + chance.below(chance.oneIn(10) ? 500 : 5))
          .fill(list)
          .join(chance.pick([',', ' ', ' + ', ''])),
      );
    }
  }
}

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  -(2 ** 31) - 1,
  '',
  ' ',
  'x'.repeat(300),
  'é\0',
  '\uD800',
  '__proto__',
  'constructor',
  '(a+)+$',
  '../../x',
  [],
  {},
  [[]],
  [null],
  { type: 'null' },
  { $ref: '#' },
];

/** A JSON value in which one to three places are changed; `others` lend parts. */
export function mutatedJson(value: unknown, others: readonly unknown[], chance: Chance): unknown {
  const root = { value: structuredClone(value) };
  for (let count = 1 + chance.below(3); count > 0; count--) {
    const places = placesIn(root);
    if (places.length === 0) break;
    const [holder, key] = chance.pick(places);
    const lent = placesIn({ value: structuredClone(chance.pick(others)) });
    const [from, name] = chance.pick(lent);
    switch (chance.below(6)) {
      case 0:
        remove(holder, key);
        break;
      case 1:
      case 2:
        holder[key] = structuredClone(chance.pick(ODD_VALUES));
        break;
      case 3:
        holder[key] = structuredClone(from[name]);
        break;
      case 4:
        holder[key] = nested(holder[key], chance);
        break;
      default:
        Object.defineProperty(holder, chance.oneIn(3) ? '__proto__' : String(name), {
          value: structuredClone(from[name]),
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
  }
  return root.value;
}

type Place = readonly [holder: Record<string, unknown>, key: string];

function placesIn(holder: object): Place[] {
  return Object.entries(holder).flatMap(([key, value]) => [
    [holder as Record<string, unknown>, key] as const,
    ...(typeof value === 'object' && value !== null ? placesIn(value as object) : []),
  ]);
}

function remove(holder: Record<string, unknown>, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function nested(value: unknown, chance: Chance): unknown {
  let result = value;
  const wrap = chance.pick([
    (inner: unknown): unknown => [inner],
    (inner: unknown): unknown => ({ type: inner }),
    (inner: unknown): unknown => ({ type: 'array', items: inner }),
    (inner: unknown): unknown => ({ allOf: [inner, inner] }),
  ]);
  // What is put into itself twice is twice as much each time.
  for (let depth = 1 + chance.below(chance.oneIn(5) ? 12 : 3); depth > 0; depth--) result = wrap(result);
  return result;
}
