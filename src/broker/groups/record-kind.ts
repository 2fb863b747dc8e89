// A kind of record in a coordinator's topic, in Kafka's format: the key begins with the number of the kind, the value with its
// version.
import {
  ByteReader,
  type Codec,
  type Field,
  type Fields,
  FrameWriter,
  struct,
  type ValueOf,
} from '../../protocol/index.ts';
import type { JournalRecord } from '../internal-topic.ts';

/** What a reader of any kind needs, whatever is in it. */
export interface RecordLayout {
  readonly key: Field<unknown>;
  readonly value: Field<unknown>;
  readonly lastValueVersion: number;
  /** The first version of the value with compact types; keys never have them. */
  readonly flexibleFrom: number;
}

export class RecordKind<K extends Fields, V extends Fields> implements RecordLayout {
  readonly type: number;
  readonly key: Field<ValueOf<K>>;
  readonly value: Field<ValueOf<V>>;
  readonly lastValueVersion = 0;
  readonly flexibleFrom = 0;
  readonly #keyCodec: Codec<ValueOf<K>>;
  readonly #valueCodec: Codec<ValueOf<V>>;

  constructor(type: number, { key, value }: { readonly key: K; readonly value: V }) {
    this.type = type;
    this.key = struct(key);
    this.value = struct(value);
    this.#keyCodec = this.key.compile(0, false) as Codec<ValueOf<K>>;
    this.#valueCodec = this.value.compile(0, true) as Codec<ValueOf<V>>;
  }

  record(key: ValueOf<K>, value: ValueOf<V>): JournalRecord {
    return { key: this.#keyBytes(key), value: bytesOf(this.lastValueVersion, this.#valueCodec, value) };
  }

  tombstone(key: ValueOf<K>): JournalRecord {
    return { key: this.#keyBytes(key), value: null };
  }

  /** The key behind its number. */
  readKey(from: ByteReader): ValueOf<K> {
    return this.#keyCodec.read(from);
  }

  /** Undefined when it is of a version that is not known. */
  readValue(bytes: Buffer): ValueOf<V> | undefined {
    if (bytes.readInt16BE(0) > this.lastValueVersion) return undefined;
    return this.#valueCodec.read(new ByteReader(bytes, 2));
  }

  #keyBytes(key: ValueOf<K>): Buffer {
    return bytesOf(this.type, this.#keyCodec, key);
  }
}

function bytesOf<T>(version: number, codec: Codec<T>, value: T): Buffer {
  const out = new FrameWriter(64);
  out.int16(version);
  codec.write(out, value);
  return Buffer.concat(out.take());
}
