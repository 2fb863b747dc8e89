// Which folder a record's file is in, and when a record was.
import { DataError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { fieldValue } from '../../data/validate.ts';
import { toWall } from '../../data/time-zones.ts';
import { simpleDateFormat } from '../../transforms/simple-date-format.ts';
import { partitionerName, pathPattern } from './partitioner-names.ts';
import type { FileSinkConfig } from './settings.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Says the folder, below that of the topic, of a record that was at a time. Throws `DataError`. */
export interface Partitioner {
  readonly isByTime: boolean;
  folderOf(record: SinkRecord, timeMs: number): string;
}

/** The partitioner that the settings name. */
export function partitionerOf(config: FileSinkConfig): Partitioner {
  const delimiter = config['directory.delim'];
  switch (partitionerName(config['partitioner.class'])) {
    case 'default':
      return { isByTime: false, folderOf: ({ originalPartition }) => `partition=${originalPartition}` };
    case 'field': {
      const fields = config['partition.field.name'].map((name) => ({ name, path: name.split('.') }));
      const folder = (record: SinkRecord, { name, path }: (typeof fields)[number]): string =>
        `${name}=${safe(textAt(record, path, name), delimiter)}`;
      return { isByTime: false, folderOf: (record) => fields.map((field) => folder(record, field)).join(delimiter) };
    }
    case 'time':
      return byTime(config['path.format'], config['partition.duration.ms'], config.timezone);
    case 'daily':
      return byTime(patternOf(['year', 'YYYY'], ['month', 'MM'], ['day', 'dd'])(delimiter), DAY_MS, config.timezone);
    case 'hourly': {
      const pattern = patternOf(['year', 'YYYY'], ['month', 'MM'], ['day', 'dd'], ['hour', 'HH']);
      return byTime(pattern(delimiter), HOUR_MS, config.timezone);
    }
  }
}

const patternOf =
  (...parts: readonly (readonly [string, string])[]) =>
  (delimiter: string): string =>
    parts.map(([name, pattern], i) => `'${i === 0 ? '' : delimiter.replaceAll("'", "''")}${name}'=${pattern}`).join('');

function byTime(pattern: string, durationMs: number, zone: string): Partitioner {
  const format = simpleDateFormat(pathPattern(pattern));
  return {
    isByTime: true,
    folderOf(_record, timeMs) {
      const wall = toWall(timeMs, zone);
      return format.format(wall - (((wall % durationMs) + durationMs) % durationMs));
    },
  };
}

/** When a record was, or undefined: when it is written. Throws `DataError`. */
export function timeOf(config: FileSinkConfig): (record: SinkRecord) => number | undefined {
  switch (config['timestamp.extractor']) {
    case 'Record':
      return ({ timestamp }) => {
        if (timestamp === null)
          throw new DataError('the record has no timestamp, which timestamp.extractor=Record needs');
        return timestamp;
      };
    case 'RecordField': {
      const name = config['timestamp.field'];
      return (record) => fieldTime(valueAt(record, name.split('.'), name), name);
    }
    default:
      return () => undefined;
  }
}

/** ISO 8601, in UTC where no zone is said. */
const ISO = /^[+-]?\d{4,}(?:-\d\d(?:-\d\d)?)?(?:T\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

function fieldTime(value: unknown, name: string): number {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  const match = typeof value === 'string' ? ISO.exec(value) : null;
  if (match !== null) {
    const text = value as string;
    const time = Date.parse(text.includes('T') && match[1] === undefined ? `${text}Z` : text);
    if (!Number.isNaN(time)) return time;
  }
  throw new DataError(`the field ${name} has no time: ${value instanceof Object ? 'an object' : String(value)}`);
}

function textAt(record: SinkRecord, path: readonly string[], name: string): string {
  const value = valueAt(record, path, name);
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      throw new DataError(`the field ${name} has no number, text or boolean that could name a folder`);
  }
}

function valueAt({ valueSchema, value }: SinkRecord, path: readonly string[], name: string): unknown {
  let at: unknown = value;
  let schema: Schema | null = valueSchema;
  for (const part of path) {
    if (at instanceof Map) {
      at = (at as Map<unknown, unknown>).get(part);
      schema = schema?.type === 'map' ? schema.valueSchema : null;
    } else if (typeof at === 'object' && at !== null && (schema === null || schema.type === 'struct')) {
      const field: Schema | undefined = schema === null ? undefined : schema.field(part)?.schema;
      const struct = at as Readonly<Record<string, unknown>>;
      at =
        field === undefined
          ? Object.hasOwn(struct, part)
            ? struct[part]
            : undefined
          : fieldValue(struct, part, field);
      schema = field ?? null;
    } else at = undefined;
    if (at === undefined || at === null) throw new DataError(`the value has no field ${name}`);
  }
  return at;
}

/** A value is one folder: what would make two of it, or two values one, is written as in URLs. */
function safe(text: string, delimiter: string): string {
  const hex = (part: string): string =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return text.replace(/[%/\0]/g, hex).replaceAll(delimiter, hex);
}
