// A pattern in the words of the two engines: JavaScript's own, and RE2's, which never goes back and so knows less.
import type { CodePoints } from './code-points.ts';
import type { Node, Parsed } from './tree.ts';

export interface InJavaScript {
  /** To be compiled with the flag `u`. */
  readonly source: string;
  /** Where a group of Java's stands among JavaScript's, which has more: what an atomic group matched is one. */
  readonly groups: readonly number[];
}

export function inJavaScript({ node, groups }: Parsed): InJavaScript {
  const places: number[] = [0];
  let count = 0;
  const atomic = (body: string, own: number): string => `(?:(?=(${body}))\\${own})`;
  const print = (each: Node): string => {
    switch (each.kind) {
      case 'set':
        return setText(each.set, (code) => `\\u{${code.toString(16)}}`);
      case 'sequence':
        return each.parts.map(print).join('');
      case 'choice':
        return `(?:${each.options.map(print).join('|')})`;
      case 'capture':
        places[each.number] = ++count;
        return `(${print(each.body)})`;
      case 'repeat': {
        if (each.mode === 'possessive') {
          const own = ++count;
          return atomic(print({ ...each, mode: 'greedy' }), own);
        }
        // JavaScript takes an option that matched nothing for one that was not taken, and forgets its groups.
        if (each.min === 0 && each.max === 1)
          return each.mode === 'lazy' ? `(?:|${print(each.body)})` : `(?:${print(each.body)}|)`;
        return `(?:${print(each.body)})${countsOf(each)}`;
      }
      case 'atomic': {
        const own = ++count;
        return atomic(print(each.body), own);
      }
      case 'look':
        return `(?${each.ahead ? '' : '<'}${each.negative ? '!' : '='}${print(each.body)})`;
      case 'backreference': {
        const place = places[each.number];
        // A group that there isn't, or that has not begun, has matched nothing that could occur again.
        if (place === undefined) return '[]';
        return each.ignoreCase ? `(?i:\\${place})` : `(?:\\${place})`;
      }
      case 'boundary':
        return each.negative ? `(?!${BOUNDARY})` : BOUNDARY;
      case 'start':
        if (!each.lines) return '(?<![^])';
        return `(?=[^])(?:(?<![^])|(?<=${print({ kind: 'set', set: each.terminators })})(?<!\\r(?=\\n)))`;
      case 'end': {
        if (each.where === 'text') return '(?![^])';
        const terminator = print({ kind: 'set', set: each.terminators });
        const inside = each.terminators.has(CARRIAGE_RETURN) ? '(?<!\\r(?=\\n))' : '';
        const pair = inside === '' ? '' : '\\r\\n|';
        return each.where === 'lines'
          ? `(?=${terminator}|(?![^]))${inside}`
          : `(?=(?:${pair}${terminator})?(?![^]))${inside}`;
      }
    }
  };
  const source = print(node);
  return { source, groups: Array.from({ length: groups + 1 }, (_, number) => places[number]!) };
}

const CARRIAGE_RETURN = 13;
/** What Java 17 takes for a part of a word: more than `\w`. */
const WORD = '[_\\p{L}\\p{Nd}]';
const BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;

/** What a text must be like for RE2's words to mean what Java's did. */
export interface TextCondition {
  /** `\b` knows ASCII only. */
  ascii: boolean;
  /** `$` is the text's very end. */
  noLastTerminator: boolean;
  /** Lines end at `\n` only, and no line starts at the text's end. */
  plainLines: boolean;
}

export interface InRe2 {
  readonly source: string;
  readonly condition: Readonly<TextCondition>;
}

/** Undefined for what can't be said without going back. */
export function inRe2({ node, isSticky }: Parsed): InRe2 | undefined {
  const condition: TextCondition = { ascii: false, noLastTerminator: false, plainLines: false };
  let isSaid = !isSticky;
  const print = (each: Node): string => {
    switch (each.kind) {
      case 'set':
        return setText(each.set, (code) => `\\x{${code.toString(16)}}`);
      case 'sequence':
        return each.parts.map(print).join('');
      case 'choice':
        return `(?:${each.options.map(print).join('|')})`;
      case 'capture':
        return `(${print(each.body)})`;
      case 'repeat':
        isSaid &&= each.mode !== 'possessive';
        return `(?:${print(each.body)})${countsOf(each)}`;
      case 'boundary':
        condition.ascii = true;
        return each.negative ? '\\B' : '\\b';
      case 'start':
        condition.plainLines ||= each.lines;
        return each.lines ? '(?m:^)' : '\\A';
      case 'end':
        condition.plainLines ||= each.where === 'lines';
        condition.noLastTerminator ||= each.where === 'beforeLast';
        return each.where === 'lines' ? '(?m:$)' : '\\z';
      default:
        isSaid = false;
        return '';
    }
  };
  const source = print(node);
  return isSaid ? { source, condition } : undefined;
}

function countsOf({ min, max, mode }: Node & { kind: 'repeat' }): string {
  const counts =
    max === Number.POSITIVE_INFINITY ? (min === 0 ? '*' : min === 1 ? '+' : `{${min},}`) : `{${min},${max}}`;
  return mode === 'lazy' ? `${counts}?` : counts;
}

function setText(set: CodePoints, charText: (code: number) => string): string {
  const { ranges } = set;
  const text = (code: number): string => {
    const char = String.fromCodePoint(code);
    return /^[0-9A-Za-z ]$/.test(char) ? char : charText(code);
  };
  if (ranges.length === 1 && ranges[0]![0] === ranges[0]![1]) return text(ranges[0]![0]);
  // Nothing: a class that holds all, excluded.
  if (ranges.length === 0) return `[^${charText(0)}-${charText(0x10ffff)}]`;
  return `[${ranges.map(([first, last]) => (first === last ? text(first) : `${text(first)}-${text(last)}`)).join('')}]`;
}
