// io.debezium.transforms.outbox.EventRouter: each row that is inserted into an outbox table becomes an event of its own, in the topic
// that the row names. Other changes of the table are none, and what is no change goes on as it is.
import { type ConfigDef, type ConfigOf, defineConfig, nonEmpty, oneOfTexts } from '../api/config-def.ts';
import { transformationPlugin } from '../api/plugins.ts';
import { ConfigError, DataError } from '../data/errors.ts';
import { DEBEZIUM_VERSION } from '../data/kafka-version.ts';
import type { ConnectHeader, ConnectRecord } from '../data/record.ts';
import { type Schema, structOf } from '../data/schema.ts';
import { isEnvelope } from './extract-new-record-state.ts';
import { regexProblem, renamer } from './routers.ts';
import { memberOf, type Members } from './side.ts';

const column = (name: string, doc: string) =>
  ({ type: 'STRING', default: name, importance: 'MEDIUM', doc, validator: nonEmpty }) as const;

const config = defineConfig({
  'table.field.event.id': column('id', "The column with the event's id, which becomes the header id."),
  'table.field.event.key': column('aggregateid', "The column that becomes the record's key."),
  'table.field.event.payload': column('payload', "The column that becomes the record's value."),
  'table.field.event.timestamp': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: "The column that becomes the record's time. Without one it is the change's.",
  },
  'table.field.event.schema.version': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: schemas have no version from a column. Leave it out.',
    validator: (value) =>
      value === '' ? undefined : 'versions of schemas from a column are not supported; leave it out',
  },
  'table.fields.additional.placement': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'Where other columns go: column:header, column:envelope or column:partition, each with :name for another name.',
    validator: (value) => value?.map(placementProblem).find((problem) => problem !== undefined),
  },
  'route.by.field': column('aggregatetype', 'The column by which the topic is chosen.'),
  'route.topic.regex': {
    type: 'STRING',
    default: '(?<routedByValue>.*)',
    importance: 'LOW',
    doc: 'The regular expression (of Java) that the value of that column is matched with.',
    validator: regexProblem,
  },
  'route.topic.replacement': {
    type: 'STRING',
    default: 'outbox.event.${routedByValue}',
    importance: 'LOW',
    doc: 'The topic, with $1 or ${name} for what groups matched.',
    validator: nonEmpty,
  },
  'route.tombstone.on.empty.payload': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether a row without a payload is a tombstone.',
  },
  'table.op.invalid.behavior': {
    type: 'STRING',
    default: 'warn',
    importance: 'MEDIUM',
    doc: 'What becomes of changed rows, which an outbox has not: warn and error leave them out, fatal makes the task fail.',
    validator: oneOfTexts('warn', 'error', 'fatal'),
  },
  'table.expand.json.payload': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Not supported: a payload of JSON stays a text. Leave it off, and write it with StringConverter.',
    validator: (value) =>
      value === true ? 'expanding JSON is not supported; write payloads with StringConverter' : undefined,
  },
} satisfies ConfigDef);

type Settings = ConfigOf<typeof config>;

/** Where a column goes. */
interface Placement {
  readonly column: string;
  readonly to: 'header' | 'envelope' | 'partition';
  readonly name: string;
}

function placementProblem(text: string): string | undefined {
  const [, to = '', ...more] = text.split(':');
  if (['header', 'envelope', 'partition'].includes(to) && more.length < 2) return undefined;
  return `${text} is not like column:header, column:envelope:name or column:partition`;
}

function placementsOf(list: readonly string[]): Placement[] {
  return list.map((text) => {
    const [name = '', to, given] = text.split(':').map((part) => part.trim());
    return { column: name, to: to as Placement['to'], name: given ?? name };
  });
}

class EventRouter {
  readonly #settings: Settings;
  readonly #placements: readonly Placement[];
  readonly #topicOf: (value: string) => string | undefined;
  /** By the row's schema and the name of the new one. */
  readonly #envelopes = new WeakMap<Schema, Map<string, Schema>>();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#placements = placementsOf(settings['table.fields.additional.placement']);
    this.#topicOf = renamer(settings['route.topic.regex'], settings['route.topic.replacement']);
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    const { value, valueSchema: event } = record;
    if (value === null || value === undefined) return null;
    if (event === null || !isEnvelope(event)) return record;
    const op = memberOf(value as Members, 'op');
    if (op === 'd') return null;
    if (op !== 'c' && op !== 'r') return this.#invalid(op);
    const row = memberOf(value as Members, 'after') as Members;
    return this.#routed(record, new Row(event.field('after')!.schema, row), memberOf(value as Members, 'ts_ms'));
  }

  #invalid(op: unknown): null {
    if (this.#settings['table.op.invalid.behavior'] !== 'fatal') return null;
    throw new DataError(`an outbox has inserted rows only, and this is a change of another kind (${String(op)})`);
  }

  #routed<R extends ConnectRecord>(record: R, row: Row, changedAt: unknown): R {
    const settings = this.#settings;
    const [key, id] = [row.column(settings['table.field.event.key']), row.column(settings['table.field.event.id'])];
    const by = String(row.column(settings['route.by.field']).value);
    const headers: ConnectHeader[] = [...record.headers, { key: 'id', ...id }];
    let { partition } = record;
    for (const { column: name, to, name: as } of this.#placements) {
      const found = row.column(name);
      if (to === 'header') headers.push({ key: as, ...found });
      else if (to === 'partition') partition = partitionOf(name, found.value);
    }
    const { schema, value } = this.#payload(row, `${record.topic}.${by}.Value`);
    return {
      ...record,
      topic: this.#topicOf(by) ?? record.topic,
      partition,
      timestamp: this.#time(row) ?? (typeof changedAt === 'bigint' ? Number(changedAt) : record.timestamp),
      keySchema: key.schema,
      key: key.value,
      valueSchema: schema,
      value,
      headers,
    };
  }

  /** The payload alone, or with the columns that are to be beside it. */
  #payload(row: Row, name: string): { schema: Schema | null; value: unknown } {
    const payload = row.column(this.#settings['table.field.event.payload']);
    const beside = this.#placements.filter(({ to }) => to === 'envelope');
    if (payload.value === null && this.#settings['route.tombstone.on.empty.payload'])
      return { schema: null, value: null };
    if (beside.length === 0) return payload;
    const known = this.#envelopes.get(row.schema) ?? new Map<string, Schema>();
    this.#envelopes.set(row.schema, known);
    const columns = beside.map((placement) => [placement.name, row.column(placement.column)] as const);
    const schema =
      known.get(name) ??
      structOf([['payload', payload.schema], ...columns.map(([as, { schema: of }]) => [as, of] as const)], { name });
    known.set(name, schema);
    const values = columns.map(([as, { value }]) => [as, value] as const);
    return { schema, value: Object.fromEntries([['payload', payload.value], ...values]) };
  }

  #time(row: Row): number | undefined {
    const name = this.#settings['table.field.event.timestamp'];
    return name === '' ? undefined : millisOf(row.column(name));
  }
}

/** A row of the table. */
class Row {
  readonly schema: Schema;
  readonly #members: Members;

  constructor(schema: Schema, members: Members) {
    this.schema = schema;
    this.#members = members;
  }

  /** Throws `DataError` where there is none of that name. */
  column(name: string): { schema: Schema; value: unknown } {
    const field = this.schema.field(name);
    if (field === undefined) throw new DataError(`${name} is not a valid field name`);
    return { schema: field.schema, value: memberOf(this.#members, name) };
  }
}

function partitionOf(column: string, value: unknown): number {
  if (Number.isInteger(value)) return value as number;
  throw new DataError(`the column ${column} has no partition, which is a whole number`);
}

/** How many of a unit are a millisecond, by the names of Debezium's types. */
const UNITS: Readonly<Record<string, bigint>> = {
  'io.debezium.time.Timestamp': 1n,
  'io.debezium.time.MicroTimestamp': 1000n,
  'io.debezium.time.NanoTimestamp': 1_000_000n,
};

function millisOf({ schema, value }: { schema: Schema; value: unknown }): number | undefined {
  if (value === null) return undefined;
  if (value instanceof Date) return value.getTime();
  const unit = UNITS[schema.name ?? ''];
  if (typeof value === 'bigint' && unit !== undefined) return Number(value / unit);
  throw new ConfigError(
    `Unsupported field type ${schema.type.toUpperCase()} (${schema.name ?? 'without logical schema name'}) for event timestamp`,
  );
}

/** The router. */
export const eventRouter = transformationPlugin({
  className: 'io.debezium.transforms.outbox.EventRouter',
  version: DEBEZIUM_VERSION,
  config,
  create: (settings) => new EventRouter(settings),
});
