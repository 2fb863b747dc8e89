// A route of the proxy: what it takes, what it answers, and the call that it gets. Both versions of the API are tables of
// them; the server (rest.ts) knows nothing else.
import type { Readable } from 'node:stream';
import type { QueryParameter } from '../rim/index.ts';
import { unprocessable } from './errors.ts';

export interface Call {
  /** What stands in the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  /** The body's text; empty where there is none. */
  readonly body: string;
  /** The media type of the body, without parameters; empty where the request has none. */
  readonly contentType: string;
  /** The media type of the answer, which the client has agreed to. */
  readonly answerType: string;
  /** Whether the client wants whatever there is. */
  readonly takesAnyType: boolean;
  /** Where the client reached the proxy: `http://host:port`. */
  readonly baseUrl: string;
  /** Called when the client is gone before it has the whole answer. */
  onUndelivered(callback: () => void): void;
}

/** A call whose body is read while it comes. */
export interface StreamingCall extends Omit<Call, 'body'> {
  readonly body: Readable;
}

/** What people are told of a route. */
export interface Described {
  /** One sentence. */
  readonly summary: string;
  /** The parameters that it sees, by name: all others are as if they were not there. */
  readonly query?: Readonly<Record<string, QueryParameter>>;
  /** The members of its body. */
  readonly body?: readonly string[];
  /** The status of its answer when all is well; 200 unless said. */
  readonly status?: number;
}

export interface Route extends Described {
  /** The media types of bodies; another one is refused with 415. */
  readonly consumes: readonly string[];
  /** The media types of answers, the preferred one first; who wants another one is refused with 406. */
  readonly produces: readonly string[];
  /** Undefined is 204; a text is sent as it is, an `Answer` with its own status, anything else as JSON. */
  readonly answer?: (call: Call) => unknown;
  /** Instead of `answer`: reads the body while it answers. What it throws before it returns is the whole answer. */
  readonly stream?: (call: StreamingCall) => Promise<AsyncIterable<string>>;
}

/** By method and path. */
export type Routes = Readonly<Record<string, Route>>;

/** An answer with a status of its own, or with another media type than the agreed one. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly type: string | undefined;

  constructor(status: number, body: unknown, type?: string) {
    this.status = status;
    this.body = body;
    this.type = type;
  }
}

/** A value of the query; the first one where it stands there several times. */
export function queryText(call: Pick<Call, 'query'>, name: string): string | undefined {
  const value = call.query[name];
  return Array.isArray(value) ? value[0] : value;
}

export function queryNumber(call: Pick<Call, 'query'>, name: string): number | undefined {
  const text = queryText(call, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw unprocessable(`${name} is not a whole number`);
  return Number(text);
}
