// What a schema that is about to come into the registry would do to the running queries: to those that read records
// written with it, and to those that write to its subject. The codecs themselves are asked.
import { type ResolvedSchema, resolveReferences, type SchemaReference, type SchemaType } from '../../serde/index.ts';
import { messageOf } from '../../util/index.ts';
import { registeredFormat } from '../formats/all.ts';
import type { CodecColumn } from '../formats/codec.ts';
import type { RecordLayout, RegisteredFormat } from '../formats/format.ts';
import { layoutOf, writtenSchema } from '../formats/row-serde.ts';
import {
  goesIntoHeaders,
  readSources,
  type RowColumn,
  type SinkPlan,
  type SourceStep,
  type Step,
} from '../plan/plan.ts';
import type { EngineContext, Settings } from '../statements/context.ts';
import { typeText } from '../types.ts';

interface Proposed {
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references?: readonly SchemaReference[];
}

type Resolved = ResolvedSchema & { readonly schemaType: SchemaType };

interface Use {
  readonly queryId: string;
  readonly sql: string;
  readonly source: string;
}

/** One side of a source, as it is read. */
interface Side {
  readonly part: 'key' | 'value';
  readonly format: RegisteredFormat;
  readonly layout: RecordLayout;
}

export class SchemaUses {
  readonly #engine: EngineContext;
  readonly #setting: Settings;

  constructor(engine: EngineContext, setting: Settings) {
    this.#engine = engine;
    this.#setting = setting;
  }

  /** The queries that could not read records written with the schema, or would miss columns in them that they use. */
  async affectedBy(
    subject: string,
    proposed: Proposed,
  ): Promise<readonly (Use & { readonly reason: string; readonly breaks: true })[]> {
    const uses = [...this.#engine.queries.values()].flatMap(({ queryId, sql, plan }) =>
      [...readSources(plan.root)].flatMap(([source, { step, used }]) => {
        const side = sideOf(step, subject);
        return side === undefined ? [] : [{ queryId, sql, source, side, used }];
      }),
    );
    if (uses.length === 0) return [];
    const { schemas } = this.#engine;
    const resolve = async ({ schemaType, schema, references }: Proposed): Promise<Resolved> => ({
      schemaType,
      ...(schemas === undefined ? { schema, references: [] } : await resolveReferences(schemas, schema, references)),
    });
    const wanted = await resolve(proposed);
    const known = await schemas?.latest(subject);
    const latest = known && (await resolve(known));
    return uses.flatMap(({ queryId, sql, source, side, used }) => {
      const reasons = unreadable(side, wanted).map((reason) => `${reason}: ${this.#onUnreadable()}`);
      reasons.push(...lost(side, used, wanted, latest));
      if (reasons.length === 0) return [];
      return [{ queryId, sql, source, reason: reasons.join('; '), breaks: true as const }];
    });
  }

  /** The schemas that queries register under the subject when they start. */
  writersOf(subject: string): readonly (Use & Proposed)[] {
    return [...this.#engine.queries.values()].flatMap(({ queryId, sql, plan: { root, sink } }) => {
      if (sink === undefined) return [];
      const part = partOf(sink.topic, subject);
      if (part === undefined) return [];
      const written =
        part === 'key'
          ? writtenSchema(sink.keyFormat, root.key, part)
          : writtenSchema(sink.valueFormat, valueColumns(root, sink), part);
      return written === undefined ? [] : [{ queryId, sql, source: sink.name, ...written }];
    });
  }

  #onUnreadable(): string {
    return this.#setting('ksql.fail.on.deserialization.error') === 'true'
      ? 'the query would stop at the first record written with this schema'
      : 'the query would skip every record written with this schema';
  }
}

function valueColumns(root: Step, sink: SinkPlan): readonly RowColumn[] {
  const isHeader = goesIntoHeaders(root, sink);
  return root.columns.filter((_column, i) => !isHeader[i]);
}

function partOf(topic: string, subject: string): 'key' | 'value' | undefined {
  if (subject === `${topic}-key`) return 'key';
  return subject === `${topic}-value` ? 'value' : undefined;
}

function sideOf({ topic, schema, keyFormat, valueFormat }: SourceStep, subject: string): Side | undefined {
  const part = partOf(topic, subject);
  if (part === undefined) return undefined;
  const info = part === 'key' ? keyFormat : valueFormat;
  const columns = part === 'key' ? schema.key : schema.value.filter(({ namespace }) => namespace === 'VALUE');
  const format = registeredFormat(info.format);
  return format === undefined || columns.length === 0
    ? undefined
    : { part, format, layout: layoutOf(info, part, columns) };
}

/** Why the side's columns can't be read; all of them are, whether they are used or not. */
function unreadable({ part, format, layout }: Side, schema: Resolved): string[] {
  const { columns } = layout;
  if (format.schemaType !== schema.schemaType)
    return [`${part}s are read as ${format.schemaType}, and this schema is ${schema.schemaType}`];
  const refusal = (some: readonly CodecColumn[]): string | undefined => {
    try {
      format.checkReads(schema, { ...layout, columns: some });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  };
  const ofAll = refusal(columns);
  if (ofAll === undefined) return [];
  const found = columns.map((column) => ({ column, why: refusal([column]) })).filter(({ why }) => why !== undefined);
  // What is wrong with every column alike is wrong with the schema.
  if (columns.length > 1 && found.length === columns.length && found.every(({ why }) => why === ofAll)) return [ofAll];
  return found.map(({ column, why }) => `column ${column.name} ${typeText(column.type)}: ${why}`);
}

/** Columns that the latest schema has a field for, and the new one has not. */
function lost(
  { part, format, layout }: Side,
  used: ReadonlySet<string>,
  proposed: Resolved,
  latest: Resolved | undefined,
): string[] {
  if (latest === undefined || latest.schemaType !== proposed.schemaType || layout.bare) return [];
  const before = fieldNames(format, layout, latest);
  const after = fieldNames(format, layout, proposed);
  if (before === undefined || after === undefined) return [];
  return layout.columns
    .map(({ name }) => name)
    .filter((name) => part === 'key' || used.has(name))
    .filter((name) => before.has(name.toUpperCase()) && !after.has(name.toUpperCase()))
    .map((name) => `column ${name} is used, and this schema has no such field: it would always be null`);
}

/** In upper case: columns find their fields whatever their case. Undefined where there are no fields to be found. */
function fieldNames(
  format: RegisteredFormat,
  { properties }: RecordLayout,
  schema: ResolvedSchema,
): ReadonlySet<string> | undefined {
  try {
    const names = format.fieldNames(schema, properties);
    return names && new Set(names.map((name) => name.toUpperCase()));
  } catch {
    // What can't be taken apart can't be read either, and that has been told.
    return undefined;
  }
}
