// Whatever schema the registry takes: SQL finds its columns and reads its records, and so do the serdes, or they refuse it
// in a sentence. Nothing else is ever thrown, and no record is read beyond its end.
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  InvalidSchema,
  parseSchema,
  parseStoredAvro,
  plainAvro,
  type ResolvedReference,
} from '../../src/schemas/index.ts';
import {
  jsonSchemaSerde,
  loadAvro,
  MemorySchemas,
  type ResolvedSchema,
  SchemaNotLoaded,
  type Serde,
  writeEnvelope,
} from '../../src/serde/index.ts';
import type { CodecColumn } from '../../src/sql/formats/codec.ts';
import { registeredColumns } from '../../src/sql/formats/inferred-columns.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import type { FormatInfo } from '../../src/sql/formats/traits.ts';
import { WithProperties } from '../../src/sql/formats/with-properties.ts';
import type { Row } from '../../src/sql/values/value.ts';
import { ByteWriter, MillraceError } from '../../src/util/index.ts';
import { schemaTexts, sensibleJsonSchemas } from '../schema-registry/random-schemas.ts';

type Language = 'AVRO' | 'JSON';

const avroTexts = schemaTexts['AVRO']!;

/** What `run` answers; undefined when it refuses. Refusals are sentences of our own. */
async function answered<T>(run: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    expect(error.message).not.toMatch(/call stack|undefined|\[object|not a function|of null/);
    return undefined;
  }
}

/** The name that schemas may call another subject's schema by. */
const OTHER = { name: 'other.json', subject: 'other', version: 1 };

/** A schema as the registry takes it, referring to another one where that is a schema itself. */
function accepted(language: Language, text: string, other: string): ResolvedSchema | undefined {
  const references = canonical(language, other) === undefined ? [] : [{ ...OTHER, schema: other }];
  const schema = canonical(language, text, references);
  return schema === undefined ? undefined : { schema, references };
}

function canonical(language: Language, text: string, references: readonly ResolvedReference[] = []) {
  try {
    return parseSchema(language, text, references).canonical;
  } catch (error) {
    if (error instanceof InvalidSchema) return undefined;
    throw error;
  }
}

async function inferred(schemas: MemorySchemas, format: 'AVRO' | 'JSON_SR', wrap: boolean) {
  const properties = new WithProperties(new Map([['WRAP_SINGLE_VALUE', wrap]]), 'create');
  const side = { topic: 't', side: 'value', format, id: undefined, properties, wrapsByDefault: true } as const;
  return answered(() => registeredColumns({ schemas }, side));
}

function record(id: number, payload: Uint8Array): Buffer {
  const out = new ByteWriter();
  writeEnvelope(id, out);
  out.bytes(payload);
  return out.copy();
}

/** A record's bytes as they are among others: foreign ones follow. */
function inFront(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(64, 0x02)]);
}

/** Reads a record in front of foreign bytes, loading its schema where that has to be waited for. */
async function decoded<T>(serde: Serde<T>, bytes: Buffer): Promise<T> {
  const among = inFront(bytes);
  for (;;) {
    try {
      return serde.decode(among, 0, bytes.length);
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw error;
      await error.load();
    }
  }
}

function encoded(serde: Serde<Row>, row: Row): Buffer {
  const out = new ByteWriter();
  serde.encode(row, out);
  return out.copy();
}

/** The serde of what was inferred, writing with the registered schema. */
async function rowsOf(
  schemas: MemorySchemas,
  format: 'AVRO' | 'JSON_SR',
  columns: readonly CodecColumn[],
  bare: boolean,
) {
  const info: FormatInfo = {
    format,
    properties: { schemaId: String(schemas.newest('t-value')!.id) },
    wrapping: bare ? 'UNWRAP_SINGLES' : undefined,
  };
  const serde = rowSerde({ schemas }, info, columns, { topic: 't', part: 'value' });
  await serde.prepare?.();
  return serde;
}

function registered(schemaType: Language, { schema, references }: ResolvedSchema) {
  const schemas = new MemorySchemas();
  for (const other of references) schemas.add(OTHER.subject, { schemaType, schema: other.schema });
  schemas.add('t-value', { schemaType, schema, references: references.map(() => OTHER) });
  return { schemas, id: schemas.newest('t-value')!.id };
}

describe('Avro', () => {
  test('any schema is read or refused, and any bytes', async () => {
    const codecOf = await loadAvro();
    let [accepts, infers] = [0, 0];
    await fc.assert(
      fc.asyncProperty(avroTexts, avroTexts, fc.uint8Array({ maxLength: 40 }), async (text, other, bytes) => {
        const schema = accepted('AVRO', text, other);
        if (schema === undefined) return;
        accepts++;
        const codec = await answered(() => codecOf<unknown>(schema));
        if (codec !== undefined) {
          const read = (buffer: Uint8Array) => answered(() => codec.decode(Buffer.from(buffer), 0, bytes.length));
          expect(await read(inFront(bytes))).toEqual(await read(bytes));
        }
        const { schemas, id } = registered('AVRO', schema);
        for (const wrap of [true, false]) {
          const columns = await inferred(schemas, 'AVRO', wrap);
          if (columns === undefined || columns.length === 0) continue;
          infers++;
          const serde = await rowsOf(schemas, 'AVRO', columns, !wrap);
          await answered(() => decoded(serde, record(id, bytes)));
        }
      }),
      { numRuns: 400 },
    );
    expect(Math.min(accepts, infers)).toBeGreaterThan(50);
  });

  test('what another implementation has written is read, and written again byte by byte', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(avroTexts, avroTexts, async (text, other) => {
        const schema = accepted('AVRO', text, other);
        if (schema === undefined) return;
        const { schemas, id } = registered('AVRO', schema);
        const columns = await inferred(schemas, 'AVRO', false);
        if (columns === undefined || JSON.stringify(schema).includes('decimal')) return;
        const writer = await answered(() => otherWriter(schema));
        if (writer === undefined || writer.typeName === 'bytes') return;
        const bytes = record(id, writer.toBuffer(writer.random()));
        const serde = await rowsOf(schemas, 'AVRO', columns, true);
        const row = await decoded(serde, bytes);
        if (row === null) return;
        expect(encoded(serde, row).toString('hex')).toBe(bytes.toString('hex'));
        compared++;
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(50);
  });
});

function otherWriter(schema: ResolvedSchema): avro.Type {
  try {
    return avro.Type.forSchema(plainAvro(parseStoredAvro(schema)) as avro.Schema, { wrapUnions: true });
  } catch (error) {
    throw new MillraceError('OTHER', 'the other implementation refuses the schema', { cause: error });
  }
}

test('JSON Schema: any schema is read or refused, and any text', { timeout: 60_000 }, async () => {
  const schemas = fc.oneof(schemaTexts['JSON']!, sensibleJsonSchemas);
  const any = fc.jsonValue({ maxDepth: 3 });
  const texts = fc
    .oneof(any, fc.record({ a: any, b: any }, { requiredKeys: [] }))
    .map((value) => JSON.stringify(value));
  let [accepts, infers, reads] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(schemas, sensibleJsonSchemas, texts, fc.nat(9), async (schemaText, other, whole, cut) => {
      const schema = accepted('JSON', schemaText, other);
      if (schema === undefined) return;
      accepts++;
      const { schemas, id } = registered('JSON', schema);
      const bytes = record(id, Buffer.from(cut === 0 ? whole.slice(0, -1) : whole));
      await answered(() => decoded(jsonSchemaSerde<unknown>({ schemas, topic: 't' }), bytes));
      for (const wrap of [true, false]) {
        const columns = await inferred(schemas, 'JSON_SR', wrap);
        if (columns === undefined || columns.length === 0) continue;
        infers++;
        const serde = await rowsOf(schemas, 'JSON_SR', columns, !wrap);
        const row = await answered(() => decoded(serde, bytes));
        if (row === undefined || row === null) continue;
        reads++;
        expect(await decoded(serde, encoded(serde, row))).toEqual(row);
      }
    }),
    { numRuns: 600 },
  );
  expect(Math.min(accepts, infers, reads)).toBeGreaterThan(20);
});
