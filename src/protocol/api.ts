import { assert, type Steps } from '../util/index.ts';
import { type ByteReader, BYTES_PER_TURN, NOT_AT_ONCE } from './byte-reader.ts';
import type { FrameWriter } from './frame-writer.ts';
import { type Codec, type Draft, type Field, type Fields, readShort, struct, type ValueOf } from './schema.ts';

/** One API of the protocol: all the versions we implement of its request and its response. */
export interface Api<Req, Res> {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The first version with compact types and tag buffers; Infinity when there is none. */
  readonly flexibleFrom: number;
  readonly request: Message<Req>;
  readonly response: Message<Res>;
}

/** An API of which only the name and the versions matter. */
export type AnyApi = Api<unknown, unknown>;
export type RequestOf<A> = A extends Api<infer Req, unknown> ? Req : never;
export type ResponseOf<A> = A extends Api<unknown, infer Res> ? Res : never;

/** A request or a response: its declaration, and one codec per version, compiled when first used. */
export class Message<T> {
  readonly schema: Field<T>;
  readonly #flexibleFrom: number;
  readonly #codecs: (Codec<T> | undefined)[] = [];

  constructor(schema: Field<T>, flexibleFrom: number) {
    this.schema = schema;
    this.#flexibleFrom = flexibleFrom;
  }

  codec(version: number): Codec<T> {
    const known = this.#codecs[version];
    if (known !== undefined) return known;
    assert(version >= 0, `no codec for version ${version}`);
    const compiled = this.schema.compile(version, version >= this.#flexibleFrom) as Codec<T>;
    this.#codecs[version] = compiled;
    return compiled;
  }

  /** Reads a short message; undefined, with the reader where it was, when it is too long to be read in one turn. */
  readShort(version: number, from: ByteReader): T | undefined {
    from.turnEnd = from.position + BYTES_PER_TURN;
    return readShort(this.codec(version), from);
  }

  /** Writes a short message; false, with no use for what was written, when it is too long to be written in one turn. */
  writeShort(version: number, out: FrameWriter, value: T): boolean {
    out.turnEnd = out.position + BYTES_PER_TURN;
    try {
      this.codec(version).write(out, value);
      return true;
    } catch (error) {
      if (error !== NOT_AT_ONCE) throw error;
      return false;
    }
  }

  /** Reads a message of any length, in steps. */
  *readInSteps(version: number, from: ByteReader): Steps<T> {
    const codec = this.codec(version);
    from.turnEnd = from.position + BYTES_PER_TURN;
    return codec.inSteps === undefined ? codec.read(from) : yield* codec.inSteps.read(from);
  }

  /** Writes a message of any length, in steps. */
  *writeInSteps(version: number, out: FrameWriter, value: T): Steps<void> {
    const codec = this.codec(version);
    out.turnEnd = out.position + BYTES_PER_TURN;
    if (codec.inSteps === undefined) codec.write(out, value);
    else yield* codec.inSteps.write(out, value);
  }

  /** Fills in the default of everything that the draft leaves out. */
  complete(draft: Draft<T>): T {
    return this.schema.complete(draft) as T;
  }
}

export function defineApi<Q extends Fields, S extends Fields>(declaration: {
  readonly key: number;
  readonly name: string;
  /** First and last version. */
  readonly versions: readonly [number, number];
  readonly flexibleFrom?: number;
  readonly request: Q;
  readonly response: S;
}): Api<ValueOf<Q>, ValueOf<S>> {
  const { key, name, versions, request, response } = declaration;
  const flexibleFrom = declaration.flexibleFrom ?? Number.POSITIVE_INFINITY;
  return {
    key,
    name,
    minVersion: versions[0],
    maxVersion: versions[1],
    flexibleFrom,
    request: new Message(struct(request), flexibleFrom),
    response: new Message(struct(response), flexibleFrom),
  };
}

/** A complete request from what differs from the defaults. */
export function create<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>): Req {
  return api.request.complete(draft);
}

/** A complete response from what differs from the defaults. */
export function respond<Req, Res>(api: Api<Req, Res>, draft: Draft<Res>): Res {
  return api.response.complete(draft);
}
