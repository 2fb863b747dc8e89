/**
 * The natural logarithm, rounded correctly in 99 of 100 cases, and otherwise off by the last digit. Engines of JavaScript are
 * more often (`Math.log(3)`), where Java is right.
 *
 * With x = m · 2^k and m near 1, ln x = k · ln 2 + 2 · artanh(s) for s = (m - 1) / (m + 1). What matters of s and of the sum is
 * kept twice as long as a double: as a double, and what is missing from it.
 */

/** ln 2 with 21 zero bits behind it, so that a multiple of it is exact; and what is missing from it. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** 1/3, 1/5, … of artanh's series: s² is at most 0.0295, so that these reach beyond a double. */
const TERMS = Array.from({ length: 13 }, (_, i) => 1 / (2 * i + 3));
/** Splits a double into two halves of 26 bits (Dekker). */
const SPLITTER = 2 ** 27 + 1;

export function ln(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY || x === 1) return Math.log(x);
  const { m, k } = nearOne(x);
  const above = m - 1;
  const below = m + 1;
  const belowRest = 1 - (below - m);
  const s = above / below;
  const sRest = (above - s * below - productRest(s, below) - s * belowRest) / below;
  const square = s * s;
  let series = 0;
  for (let i = TERMS.length - 1; i >= 0; i--) series = series * square + TERMS[i]!;
  const rest = 2 * (sRest + s * square * series) + k * LN2_LOW;
  return sum(k * LN2_HIGH, 2 * s, rest);
}

/** m within [√½, √2) and k with x = m · 2^k. */
function nearOne(x: number): { readonly m: number; readonly k: number } {
  let k = Math.round(Math.log2(x));
  // In two steps: 2^-k alone may be none.
  const half = Math.trunc(k / 2);
  let m = x * 2 ** -half * 2 ** (half - k);
  if (m >= Math.SQRT2) {
    m /= 2;
    k++;
  } else if (m < Math.SQRT1_2) {
    m *= 2;
    k--;
  }
  return { m, k };
}

/** What is missing from a · b. */
function productRest(a: number, b: number): number {
  const aHigh = a * SPLITTER - (a * SPLITTER - a);
  const bHigh = b * SPLITTER - (b * SPLITTER - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aHigh * bHigh - a * b + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** a + b + c, where c is far smaller, rounded once. */
function sum(a: number, b: number, c: number): number {
  const high = a + b;
  const bSeen = high - a;
  return high + (a - (high - bSeen) + (b - bSeen) + c);
}
