import { assert } from '../util/index.ts';
import { type Codec, type Draft, type Field, type Fields, struct, type ValueOf } from './schema.ts';

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
