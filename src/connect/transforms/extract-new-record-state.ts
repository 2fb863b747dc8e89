// io.debezium.transforms.ExtractNewRecordState: a change event becomes the row that it leaves behind. What is no change event
// (heartbeats, changes of schemas, what has no schema) goes on as it is.
import { type ConfigDef, defineConfig, oneOfTexts } from '../api/config-def.ts';
import { transformationPlugin } from '../api/plugins.ts';
import { ConfigError } from '../data/errors.ts';
import { DEBEZIUM_VERSION } from '../data/kafka-version.ts';
import type { ConnectHeader, ConnectRecord } from '../data/record.ts';
import { OPTIONAL_STRING, type Schema } from '../data/schema.ts';
import { fieldReader, memberOf, type Members, optionally, perSchema, structLike } from './side.ts';

/** What becomes of the event of a deleted row (a tombstone with or without its schema, or the row that was), and of tombstones. */
interface Deletions {
  readonly event: 'drop' | 'tombstone' | 'bare tombstone' | 'rewrite';
  readonly tombstone: 'drop' | 'keep';
}

const MODES: Readonly<Record<string, Deletions>> = {
  drop: { event: 'drop', tombstone: 'drop' },
  tombstone: { event: 'tombstone', tombstone: 'drop' },
  rewrite: { event: 'rewrite', tombstone: 'drop' },
  'rewrite-with-tombstone': { event: 'rewrite', tombstone: 'keep' },
  'delete-to-tombstone': { event: 'bare tombstone', tombstone: 'drop' },
};
const OLD_MODES = { drop: 'drop', rewrite: 'rewrite', none: 'tombstone' } as const;

const config = defineConfig({
  'delete.tombstone.handling.mode': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'What becomes of deletions. drop: nothing goes on; tombstone (the default): a tombstone; rewrite: the row that was, with the field __deleted; rewrite-with-tombstone: both; delete-to-tombstone: a tombstone without a schema.',
    validator: (value) => (value === null ? undefined : oneOfTexts(...Object.keys(MODES))(value)),
  },
  'drop.tombstones': {
    type: 'BOOLEAN',
    default: null,
    importance: 'LOW',
    doc: 'The older way to say whether tombstones are left out. Default true.',
  },
  'delete.handling.mode': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'The older way to say what becomes of deletions: drop (the default), rewrite or none.',
    validator: (value) => (value === null ? undefined : oneOfTexts('drop', 'rewrite', 'none')(value)),
  },
  'route.by.field': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: "The field of the row whose value is the record's topic.",
  },
  'add.fields': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'What of the event becomes fields of the row: op, table, source.ts_ms, each with :name for another name than its own.',
  },
  'add.fields.prefix': {
    type: 'STRING',
    default: '__',
    importance: 'LOW',
    doc: 'What stands in front of the names of these fields.',
  },
  'add.headers': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'What of the event becomes headers, as in add.fields.',
  },
  'add.headers.prefix': {
    type: 'STRING',
    default: '__',
    importance: 'LOW',
    doc: 'What stands in front of the names of these headers.',
  },
  'drop.fields.header.name': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: fields that a header names are not left out. Use ReplaceField behind it.',
    validator: (value) =>
      value === '' ? undefined : 'leaving out fields that a header names is not supported; use ReplaceField behind it',
  },
  'replace.null.with.default': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: "Whether a field that is null becomes its schema's default, where rows of deletions are rewritten.",
  },
} satisfies ConfigDef);

/** A part of an event, and what it is called behind it. */
interface Reference {
  /** Undefined: in the event itself, else in its source. */
  readonly struct: string | undefined;
  readonly field: string;
  readonly name: string;
}

function referencesOf(list: readonly string[], prefix: string): Reference[] {
  return list.map((text) => {
    const [path = '', given] = text.split(':');
    const [first = '', second] = path.split('.');
    if (second === undefined) return { struct: undefined, field: first, name: prefix + (given ?? first) };
    return { struct: first, field: second, name: prefix + (given ?? `${first}_${second}`) };
  });
}

/** A reference's value in events of a schema; undefined where these have none. */
interface Found {
  readonly name: string;
  readonly schema: Schema;
  of(event: Members): unknown;
}

function found({ struct, field, name }: Reference, event: Schema): Found | undefined {
  const holder = struct ?? (event.field(field) === undefined ? 'source' : undefined);
  const inner = holder === undefined ? event : event.field(holder)?.schema;
  const of = inner?.type === 'struct' ? inner.field(field)?.schema : undefined;
  if (of === undefined) return undefined;
  return {
    name,
    schema: optionally(of),
    of(members) {
      const from = holder === undefined ? members : memberOf(members, holder);
      return from === null ? null : memberOf(from as Members, field);
    },
  };
}

/** What is worked out once for the events of a schema. */
interface EventPlan {
  readonly row: Schema;
  /** The row's schema with what is added. */
  readonly schema: Schema;
  readonly fields: readonly Found[];
  readonly headers: readonly Found[];
}

class ExtractNewRecordState {
  readonly #deletions: Deletions;
  readonly #routeBy: string;
  readonly #read: ReturnType<typeof fieldReader>;
  readonly #planOf: (schema: Schema) => EventPlan;

  constructor(settings: Readonly<Record<keyof typeof config, unknown>>) {
    const text = (name: keyof typeof config): string => String(settings[name]);
    const list = (name: keyof typeof config): readonly string[] => settings[name] as readonly string[];
    this.#deletions = deletionsOf(settings);
    this.#routeBy = text('route.by.field');
    // As in Debezium, only what is rewritten has defaults for nulls.
    this.#read = fieldReader(settings['replace.null.with.default'] === true && this.#deletions.event === 'rewrite');
    const fields = referencesOf(list('add.fields'), text('add.fields.prefix'));
    const headers = referencesOf(list('add.headers'), text('add.headers.prefix'));
    this.#planOf = perSchema((event) => this.#plan(event, fields, headers));
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    const { value, valueSchema: event } = record;
    if (value === null || value === undefined) return this.#deletions.tombstone === 'keep' ? record : null;
    if (event === null || !isEnvelope(event)) return record;
    const members = value as Members;
    const plan = this.#planOf(event);
    const [before, after] = ['before', 'after'].map((name) => memberOf(members, name) as Members | null);
    if (after === null && before === null) return null;
    const headers = [...record.headers, ...plan.headers.map((each): ConnectHeader => header(each, members))];
    const routed = { ...record, topic: this.#topic(record.topic, (after ?? before)!), headers };
    if (after !== null) return { ...routed, ...this.#row(plan, after!, members, 'false') };
    switch (this.#deletions.event) {
      case 'drop':
        return null;
      case 'tombstone':
        return { ...routed, valueSchema: optionally(plan.row), value: null };
      case 'bare tombstone':
        return { ...routed, valueSchema: null, value: null };
      case 'rewrite':
        return { ...routed, ...this.#row(plan, before!, members, 'true') };
    }
  }

  #row(plan: EventPlan, row: Members, event: Members, deleted: string): { valueSchema: Schema; value: Members } {
    if (plan.schema === plan.row) return { valueSchema: plan.row, value: row };
    const value: Record<string, unknown> = {};
    for (const { name, schema } of plan.row.fields) value[name] = this.#read(row, name, schema);
    if (this.#deletions.event === 'rewrite') value['__deleted'] = deleted;
    for (const { name, of } of plan.fields) value[name] = of(event);
    return { valueSchema: plan.schema, value };
  }

  #topic(topic: string, row: Members): string {
    if (this.#routeBy === '') return topic;
    const value = memberOf(row, this.#routeBy);
    return value === null ? topic : String(value);
  }

  #plan(event: Schema, fields: readonly Reference[], headers: readonly Reference[]): EventPlan {
    const row = event.field('after')!.schema.with({ optional: false });
    const all = (references: readonly Reference[]): Found[] => references.flatMap((each) => found(each, event) ?? []);
    const added = all(fields);
    const deleted = this.#deletions.event === 'rewrite' ? [['__deleted', OPTIONAL_STRING] as const] : [];
    const more = [...deleted, ...added.map(({ name, schema }) => [name, schema] as const)];
    const rows = row.fields.map(({ name, schema }) => [name, schema] as const);
    const schema = more.length === 0 ? row : structLike(row, [...rows, ...more]);
    return { row, schema, fields: added, headers: all(headers) };
  }
}

function header({ name, schema, of }: Found, event: Members): ConnectHeader {
  return { key: name, schema, value: of(event) };
}

/** Change events are structs whose names end so, and hold the row twice. */
export function isEnvelope(schema: Schema): boolean {
  if (schema.type !== 'struct' || schema.name?.endsWith('Envelope') !== true) return false;
  return (
    ['before', 'after'].every((name) => schema.field(name)?.schema.type === 'struct') &&
    schema.field('op') !== undefined
  );
}

function deletionsOf(settings: Readonly<Record<string, unknown>>): Deletions {
  const mode = settings['delete.tombstone.handling.mode'] as string | null;
  const [old, drops] = [settings['delete.handling.mode'], settings['drop.tombstones']];
  const isOld = old !== null || drops !== null;
  if (mode !== null && isOld)
    throw new ConfigError(
      'delete.tombstone.handling.mode stands for delete.handling.mode and drop.tombstones: give it alone',
    );
  if (!isOld) return MODES[mode ?? 'tombstone']!;
  return { event: OLD_MODES[(old ?? 'drop') as keyof typeof OLD_MODES], tombstone: drops === false ? 'keep' : 'drop' };
}

/** The row that a change event leaves behind. */
export const extractNewRecordState = transformationPlugin({
  className: 'io.debezium.transforms.ExtractNewRecordState',
  version: DEBEZIUM_VERSION,
  config,
  create: (settings) => new ExtractNewRecordState(settings),
});
