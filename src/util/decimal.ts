import { MillraceError } from './errors.ts';

/** An exact decimal number: `unscaled * 10 ** -scale`. */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** Reads plain or exponent notation; undefined when the text is no number. */
  static parse(text: string): Decimal | undefined {
    const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
    if (match === null) return undefined;
    const [, sign, whole = '', fraction = '', exponent = '0'] = match;
    if (whole === '' && fraction === '') return undefined;
    const digits = BigInt(whole + fraction);
    const scale = fraction.length - Number(exponent);
    return new Decimal(sign === '-' ? -digits : digits, scale);
  }

  static ofInteger(value: number | bigint): Decimal {
    return new Decimal(BigInt(value), 0);
  }

  /** The shortest decimal that reads back as the same double. */
  static ofDouble(value: number): Decimal {
    const parsed = Decimal.parse(String(value));
    if (parsed === undefined) throw new RangeError(`${value} is not a decimal number`);
    return parsed.scale < 0 ? parsed.rescale(0) : parsed;
  }

  /** How many decimal digits the value has. */
  get precision(): number {
    if (this.unscaled === 0n) return 1;
    return (this.unscaled < 0n ? -this.unscaled : this.unscaled).toString().length;
  }

  /** The same number with another scale, rounded half away from zero where digits are lost. */
  rescale(scale: number): Decimal {
    if (scale === this.scale) return this;
    if (scale > this.scale) return new Decimal(this.unscaled * 10n ** BigInt(scale - this.scale), scale);
    return new Decimal(divideHalfUp(this.unscaled, 10n ** BigInt(this.scale - scale)), scale);
  }

  /** Rescales and refuses a number that does not fit DECIMAL(precision, scale). */
  fit(precision: number, scale: number): Decimal {
    const fitted = this.rescale(scale);
    if (fitted.precision > precision && fitted.unscaled !== 0n) {
      const limit = precision - scale;
      throw new MillraceError(
        'SQL_NUMERIC_OVERFLOW',
        `Numeric field overflow: A field with precision ${precision} and scale ${scale} must round to an absolute value less than 10^${limit}. Got ${this.toString()}`,
      );
    }
    return fitted;
  }

  add(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.rescale(scale).unscaled + other.rescale(scale).unscaled, scale);
  }

  subtract(other: Decimal): Decimal {
    return this.add(other.negate());
  }

  multiply(other: Decimal): Decimal {
    return new Decimal(this.unscaled * other.unscaled, this.scale + other.scale);
  }

  /** The quotient with `scale` digits, rounded half up. */
  divide(other: Decimal, scale: number): Decimal {
    if (other.unscaled === 0n) throw new RangeError('Division by zero');
    const shift = scale + other.scale - this.scale;
    const dividend = shift >= 0 ? this.unscaled * 10n ** BigInt(shift) : this.unscaled;
    const divisor = shift >= 0 ? other.unscaled : other.unscaled * 10n ** BigInt(-shift);
    return new Decimal(divideHalfUp(dividend, divisor), scale);
  }

  remainder(other: Decimal): Decimal {
    if (other.unscaled === 0n) throw new RangeError('Division by zero');
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.rescale(scale).unscaled % other.rescale(scale).unscaled, scale);
  }

  negate(): Decimal {
    return new Decimal(-this.unscaled, this.scale);
  }

  abs(): Decimal {
    return this.unscaled < 0n ? this.negate() : this;
  }

  compare(other: Decimal): number {
    const scale = Math.max(this.scale, other.scale);
    const a = this.rescale(scale).unscaled;
    const b = other.rescale(scale).unscaled;
    return a < b ? -1 : a > b ? 1 : 0;
  }

  /** The whole part. */
  truncate(): bigint {
    return this.scale <= 0 ? this.rescale(0).unscaled : this.unscaled / 10n ** BigInt(this.scale);
  }

  toNumber(): number {
    return Number(this.toString());
  }

  /** Plain notation with every digit of the scale. */
  toString(): string {
    if (this.scale <= 0) return this.rescale(0).unscaled.toString();
    const negative = this.unscaled < 0n;
    const digits = (negative ? -this.unscaled : this.unscaled).toString().padStart(this.scale + 1, '0');
    const point = digits.length - this.scale;
    return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
  }
}

function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const remainder = dividend % divisor;
  const twice = remainder < 0n ? -remainder * 2n : remainder * 2n;
  const limit = divisor < 0n ? -divisor : divisor;
  if (twice < limit) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

/** A big-endian two's complement integer. */
export function signedInteger(bytes: Buffer): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

/** As few bytes as hold it, or as many as are asked for; undefined when they don't hold it. */
export function signedBytes(value: bigint): Buffer;
export function signedBytes(value: bigint, size: number | undefined): Buffer | undefined;
export function signedBytes(value: bigint, size?: number): Buffer | undefined {
  let bytes = size ?? 1;
  while (size === undefined && BigInt.asIntN(bytes * 8, value) !== value) bytes++;
  if (BigInt.asIntN(bytes * 8, value) !== value) return undefined;
  const digits = BigInt.asUintN(bytes * 8, value).toString(16);
  return Buffer.from(bytes === 0 ? '' : digits.padStart(bytes * 2, '0'), 'hex');
}
