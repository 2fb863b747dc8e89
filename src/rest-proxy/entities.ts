// The JSON of requests, taken apart member by member: what is missing, of another type or not known is refused by its name.
// Numbers keep their digits: those that a double prints otherwise are `JsonNumber`s.
import { faultOf, JsonNumber, parseJson } from '../util/index.ts';
import { ProxyError, unprocessable } from './errors.ts';

export type Members = Readonly<Record<string, unknown>>;

/** Only a text with one of these can hold a number that JavaScript prints otherwise. */
const UNUSUAL_NUMBER = /\d{16}|\.\d*0(?!\d)|\d[eE][-+\d]|-0/;

/** Like `JSON.parse`, with numbers as they stand there; 400 for what is no JSON. */
export function readJson(text: string): unknown {
  try {
    return UNUSUAL_NUMBER.test(text) ? parseJson(text, asItStands) : JSON.parse(text);
  } catch (error) {
    throw new ProxyError(400, `The request body is not valid JSON: ${faultOf(error)}`, error);
  }
}

function asItStands(text: string): number | JsonNumber {
  const value = Number(text);
  return String(value) === text ? value : new JsonNumber(text);
}

/** An object with no other members than these. */
export function membersOf(value: unknown, known: readonly string[], what = 'The request body'): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber) {
    throw unprocessable(`${what} is not an object`);
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw unprocessable(`Unrecognized field: ${name}`);
  }
  return value as Members;
}

export function listOf(members: Members, name: string): readonly unknown[] {
  const value = members[name];
  if (value === undefined || value === null) throw unprocessable(`${name} may not be null`);
  if (!Array.isArray(value)) throw unprocessable(`${name} is not a list`);
  return value;
}

export function optionalText(members: Members, name: string): string | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw unprocessable(`${name} is not a text`);
  return value;
}

export function textOf(members: Members, name: string): string {
  const value = optionalText(members, name);
  if (value === undefined || value === '') throw unprocessable(`${name} may not be empty`);
  return value;
}

/** Numbers and flags may be texts, as in older clients. */
export function optionalNumber(members: Members, name: string): number | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  return wholeNumber(value, name);
}

export function numberOf(members: Members, name: string): number {
  const value = optionalNumber(members, name);
  if (value === undefined) throw unprocessable(`${name} may not be null`);
  return value;
}

export function optionalFlag(members: Members, name: string): boolean | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw unprocessable(`${name} is neither true nor false`);
}

function wholeNumber(value: unknown, name: string): number {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw unprocessable(`${name} is not a whole number`);
  return number;
}

/** A number of a path or a query; undefined for what is none. */
export function pathNumber(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= 0x7fffffff ? Number(text) : undefined;
}

/** An instant as ISO 8601 has it, in milliseconds since the epoch. */
export function instantOf(text: string, name: string): number {
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || time < 0) throw unprocessable(`${name} is not an instant such as 2026-01-31T12:00:00Z`);
  return time;
}
