// PRINT: the records of a topic as text, whatever they hold. The format is guessed from the first record and said; a
// record that does not fit the guess is guessed again.
import { type Client, type ConsumerRecord, recordsOf } from '../../client/index.ts';
import {
  ENVELOPE_BYTES,
  KEY_SCHEMA_HEADER,
  readEnvelope,
  readSchemaHeader,
  type RegisteredSchema,
  resolveReferences,
  type SchemaSource,
  VALUE_SCHEMA_HEADER,
  writeEnvelope,
} from '../../serde/index.ts';
import { ByteWriter } from '../../util/index.ts';
import { refuse } from '../errors.ts';
import { FORMATS } from '../formats/all.ts';
import type { Recognized } from '../formats/format.ts';

/** Lines of PRINT, until the topic ends, LIMIT is reached, or it is closed. */
export interface PrintedTopic {
  readonly lines: AsyncIterable<string>;
  close(): Promise<void>;
}

const POLL_MS = 500;

export interface PrintOptions {
  readonly topic: string;
  readonly fromBeginning: boolean;
  /** Print every n-th record only. */
  readonly interval?: number | undefined;
  readonly limit?: number | undefined;
}

export async function printTopic(client: Client, schemas: SchemaSource, options: PrintOptions): Promise<PrintedTopic> {
  const description = (await client.admin().describeTopics([options.topic])).get(options.topic);
  if (description === undefined) {
    refuse(
      `Could not find topic '${options.topic}', or the KSQL user does not have permissions to list the topic. Topic names are case-sensitive.`,
    );
  }
  const consumer = client.consumer({ autoOffsetReset: options.fromBeginning ? 'earliest' : 'latest' });
  consumer.assign(description.partitions.map(({ partition }) => ({ topic: options.topic, partition })));
  let open = true;

  async function* lines(): AsyncGenerator<string> {
    const key = new Guesser('Key', schemas);
    const value = new Guesser('Value', schemas);
    let seen = 0;
    let printed = 0;
    while (open && (options.limit === undefined || printed < options.limit)) {
      for (const record of recordsOf(await consumer.poll(POLL_MS))) {
        if (seen++ % (options.interval ?? 1) !== 0) continue;
        if (options.limit !== undefined && printed >= options.limit) break;
        const keyText = await key.read(record.key, record.headers);
        const valueText = await value.read(record.value, record.headers);
        for (const guesser of [key, value]) {
          const heading = guesser.heading();
          if (heading !== undefined) yield heading;
        }
        yield `rowtime: ${rowtimeText(record)}, key: ${keyText}, value: ${valueText}, partition: ${record.partition}`;
        printed++;
      }
    }
  }

  return {
    lines: lines(),
    async close() {
      if (!open) return;
      open = false;
      consumer.wakeup();
      await consumer.close();
    },
  };
}

type Printer = (bytes: Buffer) => Recognized;

/** What prints the records of a schema, by the format that reads its language. */
async function printerOf(
  { schemaType, schema, references }: RegisteredSchema,
  schemas: SchemaSource,
): Promise<Printer | undefined> {
  for (const [label, format] of Object.entries(FORMATS)) {
    if (format.schemaType !== schemaType) continue;
    const print = await format.printer(() => resolveReferences(schemas, schema, references));
    return (bytes) => ({ label, text: print(bytes) });
  }
  return undefined;
}

class Guesser {
  readonly #part: 'Key' | 'Value';
  readonly #schemas: SchemaSource;
  readonly #registered = new Map<number, Printer>();
  #label: string | undefined;
  #told: string | undefined;

  constructor(part: 'Key' | 'Value', schemas: SchemaSource) {
    this.#part = part;
    this.#schemas = schemas;
  }

  /** Says the format once it is known, and again when it changes. */
  heading(): string | undefined {
    if (this.#label === undefined || this.#label === this.#told) return undefined;
    this.#told = this.#label;
    return `${this.#part} format: ${this.#label}`;
  }

  async read(bytes: Buffer | null, headers: ConsumerRecord['headers']): Promise<string> {
    if (bytes === null) return '<null>';
    const registered = await this.#fromRegistry((await this.#withPrefix(bytes, headers)) ?? bytes);
    const { label, text } = registered ?? recognized(bytes);
    this.#label = label;
    return text;
  }

  /** The bytes with their schema's id in front, where a header names it. */
  async #withPrefix(bytes: Buffer, headers: ConsumerRecord['headers']): Promise<Buffer | undefined> {
    const name = this.#part === 'Key' ? KEY_SCHEMA_HEADER : VALUE_SCHEMA_HEADER;
    const header = headers.findLast(({ key }) => key === name)?.value;
    if (header === undefined || header === null) return undefined;
    try {
      const { schema, lead } = readSchemaHeader(header);
      const out = new ByteWriter(bytes.length + header.length);
      writeEnvelope(typeof schema === 'number' ? schema : (await this.#schemas.byGuid(schema)).id, out);
      out.bytes(lead);
      out.bytes(bytes);
      return out.view();
    } catch {
      // No such schema, or another header of that name.
      return undefined;
    }
  }

  /** What the schema that the record names makes of it. */
  async #fromRegistry(bytes: Buffer): Promise<Recognized | undefined> {
    if (bytes[0] !== 0 || bytes.length <= ENVELOPE_BYTES) return undefined;
    try {
      const id = readEnvelope(bytes, 0, bytes.length);
      let registered = this.#registered.get(id);
      if (registered === undefined) {
        registered = await printerOf(this.#schemas.cached(id) ?? (await this.#schemas.byId(id)), this.#schemas);
        if (registered === undefined) return undefined;
        this.#registered.set(id, registered);
      }
      return registered(bytes);
    } catch {
      // No such schema, or other bytes that happen to begin with a zero.
      return undefined;
    }
  }
}

/** What the first format that knows the bytes makes of them; those that none knows are just bytes. */
function recognized(bytes: Buffer): Recognized {
  for (const format of Object.values(FORMATS)) {
    const found = format.schemaType === undefined ? format.recognize?.(bytes) : undefined;
    if (found !== undefined) return found;
  }
  return { label: 'KAFKA_BYTES', text: bytes.toString('base64') };
}

function rowtimeText({ timestamp }: ConsumerRecord): string {
  if (timestamp < 0) return 'N/A';
  return new Date(timestamp).toISOString().replace(/^(\d+)-(\d+)-(\d+)T(.*)Z$/, '$1/$2/$3 $4 Z');
}
