// Records whose headers name the schemas of their keys and values (serde/schema-header.ts) become records that say it in
// their first bytes, before anything else looks at them: stores, repartition topics and operators that pass bytes on know
// that one form only.
import type { Header, RecordCursor } from '../../client/index.ts';
import { putPrefix, SchemaNotLoaded, type Serde } from '../../serde/index.ts';
import { ByteWriter } from '../../util/index.ts';
import type { RecordView } from '../api/context.ts';

/** The serdes of a source; null where it has none. */
type SourceSerde = Serde<unknown> | null;

/** The record under a cursor, without the headers that name schemas. Reused from record to record. */
export class PrefixedRecord implements RecordView {
  offset = -1;
  timestamp = -1;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  readonly #key: SourceSerde;
  readonly #value: SourceSerde;
  readonly #out = new ByteWriter();
  #cursor: RecordCursor | undefined;
  #all: readonly Header[] = [];
  #headers: { key: string; value: Buffer | null }[] = [];

  private constructor(key: SourceSerde, value: SourceSerde) {
    this.#key = key;
    this.#value = value;
  }

  /** Undefined when the serdes don't look at headers, so that it costs others nothing. */
  static of(key: SourceSerde, value: SourceSerde): PrefixedRecord | undefined {
    const reads = key?.schemaHeader !== undefined || value?.schemaHeader !== undefined;
    return reads ? new PrefixedRecord(key, value) : undefined;
  }

  get bytes(): Buffer {
    return this.#out.buffer;
  }

  get headerCount(): number {
    return this.#headers.length;
  }

  headers(): { key: string; value: Buffer | null }[] {
    return this.#headers;
  }

  /** Stands on the cursor's record; `takeKey` and `takeValue` follow. */
  begin(cursor: RecordCursor): void {
    this.#cursor = cursor;
    this.#out.reset();
    this.offset = cursor.offset;
    this.timestamp = cursor.timestamp;
    const all = cursor.headers();
    const own = [this.#key?.schemaHeader?.key, this.#value?.schemaHeader?.key];
    this.#all = all;
    this.#headers = all.filter(({ key }) => !own.includes(key));
  }

  /** Throws `SchemaNotLoaded` or `DeserializationError`, as decoding does. */
  takeKey(): void {
    const { bytes, keyStart, keyEnd } = this.#cursor!;
    this.keyStart = this.#take(this.#key, bytes, keyStart, keyEnd);
    this.keyEnd = this.#out.position;
  }

  takeValue(): void {
    const { bytes, valueStart, valueEnd } = this.#cursor!;
    this.valueStart = this.#take(this.#value, bytes, valueStart, valueEnd);
    this.valueEnd = this.#out.position;
  }

  /** The whole record at once. */
  take(cursor: RecordCursor): this {
    this.begin(cursor);
    this.takeKey();
    this.takeValue();
    return this;
  }

  /** As `take`, for those who can wait for a schema. */
  async load(cursor: RecordCursor): Promise<this> {
    for (;;) {
      try {
        return this.take(cursor);
      } catch (error) {
        if (!(error instanceof SchemaNotLoaded)) throw error;
        await error.load();
      }
    }
  }

  /** Returns where the bytes begin; -1 for null. */
  #take(serde: SourceSerde, bytes: Buffer, start: number, end: number): number {
    if (start < 0) return -1;
    const out = this.#out;
    const begin = out.position;
    if (serde !== null) putPrefix(serde, this.#all, out);
    out.bytes(bytes, start, end);
    return begin;
  }
}
