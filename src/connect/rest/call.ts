// A route of Connect's REST: what it takes, what it answers, and the call that it gets. The server (rest.ts) knows nothing else.
import type { RouteDescription } from '../../rim/index.ts';
import { type JsonValue, JsonNumber, parseExactJson } from '../../util/index.ts';
import type { OffsetValue } from '../data/record.ts';
import { plainError, RestError } from './errors.ts';

export interface Call {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** What stands in the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  /** The body's text; empty where there is none. */
  readonly body: string;
  /** Headers by their small names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where the client reached the worker: `http://host:port`. */
  readonly baseUrl: string;
}

export interface Route extends Omit<RouteDescription, 'produces' | 'consumes'> {
  /** Undefined is 204; an `Answer` has its own status, anything else is JSON. */
  readonly answer: (call: Call) => unknown;
  /** Whether it is for other workers only, and is told nobody of. */
  readonly isInternal?: boolean;
}

/** By method and path. */
export type Routes = Readonly<Record<string, Route>>;

/** An answer with a status of its own; a text is JSON already. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly location: string | undefined;
  constructor(status: number, body?: unknown, location?: string) {
    this.status = status;
    this.body = body;
    this.location = location;
  }
}

export function param(call: Call, name: string): string {
  return call.params[name]!;
}

/** A number of a task; what is none is a path that does not exist. */
export function taskParam(call: Call): number {
  const text = param(call, 'task');
  const number = Number(text);
  if (!/^[+-]?\d+$/.test(text) || Math.abs(number) > 0x7fffffff) throw plainError(404);
  return number;
}

export function queryText({ query }: Pick<Call, 'query'>, name: string): string | undefined {
  const value = query[name];
  return Array.isArray(value) ? value[0] : value;
}

/** As Java reads booleans: everything but `true` is false. */
export function queryFlag(call: Pick<Call, 'query'>, name: string, otherwise: boolean): boolean {
  const text = queryText(call, name);
  return text === undefined ? otherwise : text.toLowerCase() === 'true';
}

/** The value of a body. As in the original a body that cannot be read is answered with 500. */
export function jsonOf({ body }: Pick<Call, 'body'>): JsonValue {
  if (body.trim() === '') throw new RestError(500, 'The request has no body, and needs one: a JSON object');
  try {
    return parseExactJson(body);
  } catch (error) {
    throw new RestError(500, `The body is no JSON: ${(error as Error).message}`, error);
  }
}

export type JsonMembers = Readonly<Record<string, JsonValue>>;

/** The members of an object; others than `known` are refused where these are given. */
export function membersOf(value: JsonValue, what: string, known?: readonly string[]): JsonMembers {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber)
    throw new RestError(500, `${what} is no JSON object`);
  for (const name of Object.keys(value)) {
    if (known !== undefined && !known.includes(name))
      throw new RestError(500, `Unrecognized field "${name}" of ${what}: it has ${known.join(', ')}`);
  }
  return value;
}

/** Settings: texts, numbers and booleans become texts as they are written, null stays what it is. */
export function settingsOf(value: JsonValue, what: string): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(membersOf(value, what)).map(([name, each]) => {
      if (each === null || typeof each === 'string') return [name, each];
      if (typeof each === 'boolean') return [name, String(each)];
      if (each instanceof JsonNumber) return [name, each.text];
      throw new RestError(500, `${name} of ${what} is neither a text nor a number nor a boolean`);
    }),
  );
}

/** A partition's or an offset's members: texts, numbers, booleans and null. Numbers beyond 2^53 would not stay what they are. */
export function offsetPartOf(value: JsonValue, what: string): Record<string, OffsetValue> {
  return Object.fromEntries(
    Object.entries(membersOf(value, what)).map(([name, each]) => {
      if (each === null || typeof each === 'string' || typeof each === 'boolean') return [name, each];
      const number = each instanceof JsonNumber ? Number(each.text) : Number.NaN;
      if (each instanceof JsonNumber && !(each.isInteger && !Number.isSafeInteger(number))) return [name, number];
      throw new RestError(400, `${name} of ${what} is none of the values that offsets are made of`);
    }),
  );
}
