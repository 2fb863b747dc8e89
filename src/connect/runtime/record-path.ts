// What a record goes through between a task and a topic, in both directions: transformations and converters. What is there at once is
// taken at once; only what has to be waited for, or goes wrong, goes stage by stage, where faults are tried again and tolerated.
import type { ConsumerRecord, Header } from '../../client/index.ts';
import type { Converter, HeaderConverter } from '../api/plugins.ts';
import type { ConnectHeader, ConnectRecord, SinkRecord, SourceRecord } from '../data/record.ts';
import { TransformationFault } from '../plugins/index.ts';
import { asError, type ErrorHandling, SKIPPED, type Stage } from './error-handling.ts';

/** Transformations in their order, each for the records of its predicate. */
export interface Chain {
  apply<R extends ConnectRecord>(record: R): R | null | Promise<R | null>;
  close(): void;
}

/** A plugin at work, and the class that a failure names. */
export interface Named<T> {
  readonly className: string;
  readonly use: T;
}

/** What stands between records and bytes. */
export interface Path {
  readonly chain: Named<Chain>;
  readonly key: Named<Converter>;
  readonly value: Named<Converter>;
  readonly header: Named<HeaderConverter>;
}

/** A source record as it goes into its topic. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number | null;
  readonly headers: readonly Header[];
}

/** Null: a transformation, or `errors.tolerance`, has left the record out. */
export function outgoing(
  path: Path,
  errors: ErrorHandling<SourceRecord>,
  record: SourceRecord,
): OutgoingRecord | null | Promise<OutgoingRecord | null> {
  try {
    const changed = path.chain.use.apply(record);
    if (changed === null) return null;
    if (changed instanceof Promise) return outgoingInStages(path, errors, record);
    const { topic, headers } = changed;
    const key = path.key.use.fromConnect(topic, headers, changed.keySchema, changed.key);
    const value = path.value.use.fromConnect(topic, headers, changed.valueSchema, changed.value);
    if (key instanceof Promise || value instanceof Promise) {
      // What they would have rejected with is met again, and handled, stage by stage.
      if (key instanceof Promise) key.catch(() => {});
      if (value instanceof Promise) value.catch(() => {});
      return outgoingInStages(path, errors, record);
    }
    const { partition, timestamp } = changed;
    return { topic, partition, key, value, timestamp, headers: headersOf(path, topic, headers) };
  } catch {
    return outgoingInStages(path, errors, record);
  }
}

async function outgoingInStages(
  path: Path,
  errors: ErrorHandling<SourceRecord>,
  record: SourceRecord,
): Promise<OutgoingRecord | null> {
  const stage = stagesOf(errors, record);
  const changed = await stage('TRANSFORMATION', path.chain, (chain) => chain.apply(record));
  if (changed === SKIPPED || changed === null) return null;
  const { topic, headers, partition, timestamp } = changed;
  const key = await stage('KEY_CONVERTER', path.key, (it) =>
    it.fromConnect(topic, headers, changed.keySchema, changed.key),
  );
  if (key === SKIPPED) return null;
  const value = await stage('VALUE_CONVERTER', path.value, (it) =>
    it.fromConnect(topic, headers, changed.valueSchema, changed.value),
  );
  if (value === SKIPPED) return null;
  const written = await stage('HEADER_CONVERTER', path.header, () => headersOf(path, topic, headers));
  if (written === SKIPPED) return null;
  return { topic, partition, key, value, timestamp, headers: written };
}

/** Null: a transformation, or `errors.tolerance`, has left the record out. */
export function incoming(
  path: Path,
  errors: ErrorHandling<ConsumerRecord>,
  record: ConsumerRecord,
): SinkRecord | null | Promise<SinkRecord | null> {
  try {
    const { topic } = record;
    const key = path.key.use.toConnect(topic, record.headers, record.key);
    const value = path.value.use.toConnect(topic, record.headers, record.value);
    if (key instanceof Promise || value instanceof Promise) {
      if (key instanceof Promise) key.catch(() => {});
      if (value instanceof Promise) value.catch(() => {});
      return incomingInStages(path, errors, record);
    }
    const whole = sinkRecord(record, key, value, connectHeaders(path, record));
    const changed = path.chain.use.apply(whole);
    if (changed instanceof Promise) return incomingInStages(path, errors, record);
    return withOrigin(changed, record);
  } catch {
    return incomingInStages(path, errors, record);
  }
}

async function incomingInStages(
  path: Path,
  errors: ErrorHandling<ConsumerRecord>,
  record: ConsumerRecord,
): Promise<SinkRecord | null> {
  const stage = stagesOf(errors, record);
  const { topic, headers } = record;
  const key = await stage('KEY_CONVERTER', path.key, (it) => it.toConnect(topic, headers, record.key));
  if (key === SKIPPED) return null;
  const value = await stage('VALUE_CONVERTER', path.value, (it) => it.toConnect(topic, headers, record.value));
  if (value === SKIPPED) return null;
  const read = await stage('HEADER_CONVERTER', path.header, () => connectHeaders(path, record));
  if (read === SKIPPED) return null;
  const whole = sinkRecord(record, key, value, read);
  const changed = await stage('TRANSFORMATION', path.chain, (chain) => chain.apply(whole));
  return changed === SKIPPED ? null : withOrigin(changed, record);
}

/** The record as it was in its topic, of one that a task has: what dead letters hold. */
export function originOf(record: SinkRecord): ConsumerRecord | undefined {
  return (record as { [ORIGIN]?: ConsumerRecord })[ORIGIN];
}

const ORIGIN = Symbol('the record in its topic');

/** Transformations may make records anew; what offsets are committed by stays what it was. */
function withOrigin(changed: SinkRecord | null, record: ConsumerRecord): SinkRecord | null {
  if (changed === null || originOf(changed) === record) return changed;
  const { topic, partition, offset } = record;
  const origin = { originalTopic: topic, originalPartition: partition, originalOffset: offset, [ORIGIN]: record };
  return { ...changed, ...origin };
}

function sinkRecord(
  record: ConsumerRecord,
  key: { readonly schema: SinkRecord['keySchema']; readonly value: unknown },
  value: { readonly schema: SinkRecord['valueSchema']; readonly value: unknown },
  headers: readonly ConnectHeader[],
): SinkRecord {
  const { topic, partition, offset, timestamp } = record;
  const sink = {
    topic,
    partition,
    offset,
    keySchema: key.schema,
    key: key.value,
    valueSchema: value.schema,
    value: value.value,
    timestamp: timestamp < 0 ? null : timestamp,
    timestampType: 'CreateTime',
    headers,
    originalTopic: topic,
    originalPartition: partition,
    originalOffset: offset,
    [ORIGIN]: record,
  } as const;
  return sink;
}

function connectHeaders(path: Path, { topic, headers }: ConsumerRecord): readonly ConnectHeader[] {
  if (headers.length === 0) return [];
  return headers.map(({ key, value }) => ({ key, ...path.header.use.toConnect(topic, key, value) }));
}

function headersOf(path: Path, topic: string, headers: readonly ConnectHeader[]): readonly Header[] {
  if (headers.length === 0) return [];
  return headers.map(({ key, schema, value }) => ({
    key,
    value: path.header.use.fromConnect(topic, key, schema, value),
  }));
}

function stagesOf<R>(errors: ErrorHandling<R>, record: R) {
  return async <P, T>(stage: Stage, by: Named<P>, work: (plugin: P) => T | Promise<T>): Promise<T | typeof SKIPPED> => {
    try {
      return await work(by.use);
    } catch (thrown) {
      // Of a chain, the one that failed is named.
      const isOfChain = thrown instanceof TransformationFault;
      const executor = isOfChain ? thrown.className : by.className;
      const error = asError(isOfChain ? thrown.cause : thrown);
      return await errors.recover({ stage, executor, error, record }, () => work(by.use));
    }
  };
}
