/**
 * 64-bit integers: a BIGINT is a number while it is a safe integer and a bigint beyond that, never both for the same
 * value. So `===` compares, a Map finds, and the common case costs no allocation. Every result wraps at 64 bits.
 */
export type Long = number | bigint;

export function long(value: bigint): Long {
  const wrapped = BigInt.asIntN(64, value);
  return wrapped >= -9007199254740991n && wrapped <= 9007199254740991n ? Number(wrapped) : wrapped;
}

export function addLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return long(BigInt(a) + BigInt(b));
}

export function subtractLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return long(BigInt(a) - BigInt(b));
}

export function multiplyLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return long(BigInt(a) * BigInt(b));
}

export function divideLong(a: Long, b: Long): Long {
  if (b === 0) throw new RangeError('/ by zero');
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b) + 0;
  return long(BigInt(a) / BigInt(b));
}

export function remainderLong(a: Long, b: Long): Long {
  if (b === 0) throw new RangeError('/ by zero');
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  return long(BigInt(a) % BigInt(b));
}

export function negateLong(a: Long): Long {
  return typeof a === 'number' ? 0 - a : long(-a);
}

export function compareLong(a: Long, b: Long): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An integer from its text; undefined when it is none or does not fit 64 bits. */
export function parseLong(text: string): Long | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? long(value) : undefined;
}

/** A double cut to 64 bits as Java does: NaN is 0, what is too large stops at the limits. */
export function doubleToLong(value: number): Long {
  if (Number.isNaN(value)) return 0;
  if (value >= 2 ** 63) return 9223372036854775807n;
  if (value <= -(2 ** 63)) return -9223372036854775808n;
  const whole = Math.trunc(value) + 0;
  return Number.isSafeInteger(whole) ? whole : long(BigInt(whole));
}

/** A double cut to 32 bits as Java does. */
export function doubleToInt(value: number): number {
  if (Number.isNaN(value)) return 0;
  if (value >= 2147483647) return 2147483647;
  if (value <= -2147483648) return -2147483648;
  return Math.trunc(value) + 0;
}

/** The low 32 bits of a 64-bit integer. */
export function longToInt(value: Long): number {
  return typeof value === 'number' && value >= -2147483648 && value <= 2147483647
    ? value
    : Number(BigInt.asIntN(32, BigInt(value)));
}
