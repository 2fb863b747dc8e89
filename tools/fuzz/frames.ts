/**
 * Requests by structure: a valid one of any API in any of its versions, made from its declaration, in which one field is
 * replaced by something that nobody expects there. So frames reach the handlers, where noise would end in the decoder.
 */
import * as protocol from '../../src/protocol/index.ts';
import {
  type AnyApi,
  encodeRequest,
  type Field,
  FrameWriter,
  RecordBatchBuilder,
  sealBatch,
  ZERO_UUID,
} from '../../src/protocol/index.ts';

/** What there is in the broker, so that requests name things that exist. */
export interface World {
  /** Whether an API has a handler. */
  readonly speaks: (api: AnyApi) => boolean;
  readonly topics: readonly { readonly name: string; readonly id: string }[];
}

export interface Frame {
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
  readonly bytes: Buffer;
  readonly request: unknown;
  /** False for a produce with acks=0. */
  readonly isAnswered: boolean;
}

type Random = () => number;
type Slots = { readonly holder: Record<string, unknown>; readonly key: string; readonly field: Field<unknown> }[];

const NUMBERS = [-2147483648, -32768, -129, -3, -2, -1, 0, 1, 2, 127, 128, 255, 32767, 65536, 2147483647];
const LONGS = [...NUMBERS, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 4294967296, 1_700_000_000_000];
const WORDS = [
  '',
  '.',
  '..',
  '../../x',
  'a\0b',
  'é',
  'x y',
  '__proto__',
  'constructor',
  '(a+)+$',
  '__consumer_offsets',
];
const RANGES: Readonly<Record<string, number>> = { int8: 0x7f, int16: 0x7fff, uint16: 0xffff, int32: 0x7fffffff };
const LONGEST_WAIT_MS = 40_000;
const RECORD_TIME = 1_000_000;

/** The first version of Produce that is answered, and no reason to close the connection. */
const FIRST_PRODUCE = 3;

const apis = (Object.values(protocol) as readonly unknown[]).filter(
  (value): value is AnyApi => typeof value === 'object' && value !== null && 'flexibleFrom' in value,
);

export class FrameSource {
  readonly #random: Random;
  #world: World = { speaks: () => true, topics: [] };
  #apis = apis;
  #correlationId = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  look(world: World): void {
    this.#world = world;
    this.#apis = apis.filter(world.speaks);
  }

  /** The next frame. Of those that even their declaration refuses there are none. */
  next(): Frame {
    for (;;) {
      const api = this.#pick(this.#apis);
      const first = api.key === protocol.produce.key ? FIRST_PRODUCE : api.minVersion;
      const version = first + this.#below(api.maxVersion - first + 1);
      const slots: Slots = [];
      const request = this.#struct(api.request.schema as Field<unknown>, version, slots);
      // One in eight stays valid: something has to get on.
      if (slots.length > 0 && this.#below(8) > 0) this.#spoil(this.#pick(slots));
      const correlationId = ++this.#correlationId;
      const out = new FrameWriter();
      try {
        encodeRequest(api, version, correlationId, 'fuzz', request, out);
      } catch {
        continue;
      }
      const bytes = Buffer.concat(out.take());
      const { acks } = request as { acks?: number };
      return {
        api,
        version,
        correlationId,
        bytes,
        request,
        isAnswered: api.key !== protocol.produce.key || acks !== 0,
      };
    }
  }

  // ── Valid values ────────────────────────────────────────────────────────────────────────────────────────────────

  #struct(field: Field<unknown>, version: number, slots: Slots): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(field.kind.fields ?? {})) {
      value[key] = member.isIn(version) ? this.#value(member, key, version, slots) : member.defaultValue();
      if (member.isIn(version)) slots.push({ holder: value, key, field: member });
    }
    return value;
  }

  #value(field: Field<unknown>, name: string, version: number, slots: Slots): unknown {
    const { kind, options } = field;
    if (version >= options.nullableFrom && this.#below(4) === 0) return null;
    switch (kind.name) {
      case 'bool':
        return this.#below(2) === 0;
      case 'string':
        return this.#name(name);
      case 'uuid':
        return this.#pick(this.#world.topics)?.id ?? ZERO_UUID;
      case 'bytes':
        return Buffer.from([this.#below(256), this.#below(256)]);
      case 'records':
        return this.#batch();
      case 'array': {
        const element = kind.element!;
        return Array.from({ length: this.#below(3) }, () => this.#value(element, name, version, slots));
      }
      case 'struct':
        return this.#struct(field, version, slots);
      default:
        return this.#number(name);
    }
  }

  #name(field: string): string {
    if (/group/i.test(field)) return `g${this.#below(4)}`;
    if (/transactional/i.test(field)) return `tx${this.#below(3)}`;
    if (/member|instance/i.test(field)) return this.#below(2) === 0 ? '' : `m${this.#below(3)}`;
    if (/protocolType/.test(field)) return 'consumer';
    if (/config|key/i.test(field)) return this.#pick(['retention.ms', 'cleanup.policy', 'segment.bytes']);
    if (this.#below(6) === 0) return `made${this.#below(50)}`;
    return this.#pick(this.#world.topics)?.name ?? 'none';
  }

  #number(field: string): number {
    if (/timeout|wait/i.test(field)) return 1 + this.#below(10_000);
    if (/bytes/i.test(field)) return 1 + this.#below(100_000);
    if (/acks/.test(field)) return this.#below(50) === 0 ? 0 : -1;
    if (/epoch|generation/i.test(field)) return this.#below(3) - 1;
    if (/replicationFactor/.test(field)) return 1;
    return this.#below(3);
  }

  #batch(): Buffer {
    const builder = new RecordBatchBuilder(256);
    const count = 1 + this.#below(3);
    for (let i = 0; i < count; i++) {
      const headers = this.#below(3) === 0 ? [{ key: 'h', value: Buffer.from('v') }] : undefined;
      builder.append(Buffer.from(`k${this.#below(9)}`), Buffer.from(`v${i}`), RECORD_TIME + i, headers);
    }
    const isIdempotent = this.#below(3) === 0;
    const batch = builder.finish({
      compression: this.#pick(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const),
      transactional: isIdempotent && this.#below(2) === 0,
      ...(isIdempotent
        ? { producerId: this.#below(4), producerEpoch: this.#below(2), baseSequence: this.#below(3) }
        : {}),
    });
    if (this.#below(3) > 0) return batch;
    // Broken within, with a right checksum.
    batch[12 + this.#below(batch.length - 12)] = this.#below(256);
    if (this.#below(4) > 0)
      sealBatch(batch.subarray(0, Math.max(61, Math.min(batch.length, batch.readInt32BE(8) + 12))));
    return batch;
  }

  // ── One that is not ─────────────────────────────────────────────────────────────────────────────────────────────

  #spoil({ holder, key, field }: Slots[number]): void {
    const { name } = field.kind;
    if (name === 'array') {
      const items = (holder[key] ?? []) as unknown[];
      const [first] = items;
      // So many that the frame is read, and often answered, in several turns.
      const many = this.#below(50) === 0 ? 10_000 : 300;
      holder[key] = this.#pick([[], null, first === undefined ? [] : Array.from({ length: many }, () => first)]);
    } else if (name === 'string') {
      holder[key] = this.#pick([...WORDS, null, 'x'.repeat(300), 'y'.repeat(30_000)]);
    } else if (name === 'uuid') {
      holder[key] = this.#pick([ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ']);
    } else if (name === 'bytes' || name === 'records') {
      holder[key] = this.#pick([null, Buffer.alloc(0), Buffer.alloc(61), Buffer.alloc(500, 255)]);
    } else if (name === 'int64') {
      holder[key] = this.#pick(LONGS);
    } else if (name in RANGES) {
      // Who asks for an answer in weeks gets it in weeks.
      const limit = /wait|timeout/i.test(key) ? LONGEST_WAIT_MS : RANGES[name]!;
      holder[key] = this.#pick(
        NUMBERS.filter((value) => Math.abs(value) <= limit && (name !== 'uint16' || value >= 0)),
      );
    } else if (name === 'struct') {
      holder[key] = null;
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}
