// Sets of Unicode's code points, as Java's character classes describe them: ranges in order, which neither touch nor overlap.

const LAST = 0x10ffff;

export type Range = readonly [first: number, last: number];

/** An immutable set of code points. */
export class CodePoints {
  static readonly ALL = new CodePoints([[0, LAST]]);
  readonly ranges: readonly Range[];

  private constructor(ranges: readonly Range[]) {
    this.ranges = ranges;
  }

  static of(ranges: readonly Range[]): CodePoints {
    const merged: [number, number][] = [];
    for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
      const before = merged.at(-1);
      if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
      else merged.push([first, last]);
    }
    return new CodePoints(merged);
  }

  /** Every character of a text. */
  static in(text: string): CodePoints {
    return CodePoints.of(Array.from(text, (char) => [char.codePointAt(0)!, char.codePointAt(0)!]));
  }

  /** All up to `last` that a regular expression of one character (with the flag `u`) matches; each is tried. */
  static matching(one: RegExp, last = LAST): CodePoints {
    const ranges: [number, number][] = [];
    for (let code = 0; code <= last; code++) {
      if (!one.test(String.fromCodePoint(code))) continue;
      const before = ranges.at(-1);
      if (before?.[1] === code - 1) before[1] = code;
      else ranges.push([code, code]);
    }
    return new CodePoints(ranges);
  }

  has(code: number): boolean {
    return this.ranges.some(([first, last]) => first <= code && code <= last);
  }

  or(other: CodePoints): CodePoints {
    return CodePoints.of([...this.ranges, ...other.ranges]);
  }

  not(): CodePoints {
    const ranges: Range[] = [];
    let next = 0;
    for (const [first, last] of this.ranges) {
      if (first > next) ranges.push([next, first - 1]);
      next = last + 1;
    }
    if (next <= LAST) ranges.push([next, LAST]);
    return new CodePoints(ranges);
  }

  and(other: CodePoints): CodePoints {
    return this.not().or(other.not()).not();
  }

  /** With the other case of every letter: of ASCII's only, as Java does without `(?u)`, or of all letters. */
  ignoringCase(unicode: boolean): CodePoints {
    const more: Range[] = [];
    for (const [first, last] of this.ranges) {
      for (const [from, to, shift] of ASCII_CASES) {
        const a = Math.max(first, from);
        const b = Math.min(last, to);
        if (a <= b) more.push([a + shift, b + shift]);
      }
    }
    if (unicode) for (const [a, b] of casePairs()) if (this.has(a) !== this.has(b)) more.push([a, a], [b, b]);
    return this.or(CodePoints.of(more));
  }
}

const ASCII_CASES = [
  [0x41, 0x5a, 0x20],
  [0x61, 0x7a, -0x20],
] as const;

let pairs: readonly Range[] | undefined;

/** Letters that differ in case only, as `Character.toLowerCase(Character.toUpperCase(c))` brings them together. */
function casePairs(): readonly Range[] {
  if (pairs === undefined) {
    const found: Range[] = [];
    for (let code = 0x80; code <= LAST; code++) {
      const char = String.fromCodePoint(code);
      for (const other of [char.toLowerCase(), char.toUpperCase(), char.toUpperCase().toLowerCase()]) {
        const otherCode = other.codePointAt(0)!;
        if (otherCode !== code && other.length === String.fromCodePoint(otherCode).length)
          found.push([code, otherCode]);
      }
    }
    pairs = found;
  }
  return pairs;
}
