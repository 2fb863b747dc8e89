// How plans and rows go from thread to thread. What a `MessagePort` takes is copied as it is (big integers, maps, dates,
// undefined among it), but for objects of classes: these become plain data on the way, and themselves again.
import { Decimal } from '../../util/index.ts';

/** The only property of what stands for a decimal: no plan and no row has an object with such a property. */
const DECIMAL = '\u0000decimal';

/** Plain data, with SQL values anywhere in it, as a port takes it. */
export function toPort(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Decimal) return { [DECIMAL]: [value.unscaled, value.scale] };
  // A part of a pool of bytes would take the whole pool with it.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return mapped(value, toPort);
}

/** What `toPort` was given, from what a port brought. */
export function fromPort(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (DECIMAL in value) {
    const [unscaled, scale] = value[DECIMAL] as [bigint, number];
    return new Decimal(unscaled, scale);
  }
  return mapped(value, fromPort);
}

/** A copy of an array, a map, a set or an object whose parts are what `part` makes of them. */
function mapped(value: object, part: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(part);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [part(key), part(item)]));
  if (value instanceof Set) return new Set([...value].map(part));
  if (value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, part(item)]));
}
