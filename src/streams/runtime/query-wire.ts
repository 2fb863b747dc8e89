/**
 * Queries on their way to another instance, and answers on their way back: lines of JSON in which keys and values are the
 * bytes that the store's serdes make of them, in Base64. Both ends have the topology, and so the serdes; what is in between
 * (HTTP, a port of a thread) knows neither.
 *
 *     → {"store":"counts","partitions":[2],"query":{"kind":"key","key":"YQ=="}}
 *     ← {"partition":2,"position":{"words":{"2":17}}}
 *     ← {"value":"AAAAAAAAAAM="}
 *     ← {"end":true}
 */
import { deserializeLoading, serialize } from '../../serde/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import type {
  AnyQuery,
  FailureReason,
  Position,
  QueryResult,
  StateQueryRequest,
  StateQueryResult,
} from '../api/queries.ts';
import { checkSentQueryRequest } from '../api/checks.ts';
import type { Entry, VersionedRecord } from '../api/stores.ts';
import type { Windowed } from '../api/windows.ts';
import { prepareSerdes } from '../graph/topology.ts';
import type { StoreSpec } from '../state/store.ts';

/** A row of an answer; what a query's answers do not have is left out. Infinite times are null. */
interface WireRow {
  readonly key?: string;
  readonly value: string;
  readonly timestamp?: number;
  readonly start?: number;
  readonly end?: number | null;
  readonly validTo?: number | null;
}

export type WireLine =
  | { readonly partition: number; readonly position: Position }
  | { readonly partition: number; readonly failureReason: FailureReason; readonly failureMessage: string }
  | WireRow
  | { readonly end: true }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Who answers queries of its own stores. */
export interface AnsweringInstance {
  query<R>(request: StateQueryRequest<R>): Promise<StateQueryResult<R>>;
  /** Throws `UNKNOWN_STORE`. */
  specOf(store: string): StoreSpec;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');

/** What is sent to whoever is asked. */
export async function encodeRequest<R>(spec: StoreSpec, request: StateQueryRequest<R>): Promise<string> {
  await prepareSerdes([], [spec]);
  const { query } = request;
  const coded: Record<string, unknown> = { ...query };
  if ('key' in query) coded['key'] = base64(serialize(spec.key, query.key)!);
  if (query.kind === 'range') {
    for (const bound of ['from', 'to'] as const) {
      coded[bound] = query[bound] === null ? null : base64(serialize(spec.key, query[bound])!);
    }
  }
  return JSON.stringify({ ...request, query: coded });
}

async function decodeRequest(instance: AnsweringInstance, body: string): Promise<StateQueryRequest<unknown>> {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch (error) {
    throw new MillraceError('INVALID_ARGUMENT', `a query is an object of JSON: ${messageOf(error)}`);
  }
  checkSentQueryRequest(request);
  const { store, query } = request as StateQueryRequest<unknown>;
  const spec = instance.specOf(store);
  await prepareSerdes([], [spec]);
  const keyOf = (given: unknown): Promise<unknown> => deserializeLoading(spec.key, bytesOf(String(given)));
  const decoded: Record<string, unknown> = { ...query };
  if ('key' in query) decoded['key'] = await keyOf(query.key);
  if (query.kind === 'range') {
    for (const bound of ['from', 'to'] as const)
      decoded[bound] = query[bound] === null ? null : await keyOf(query[bound]);
  } else if ('from' in query) {
    decoded['from'] = query.from ?? Number.NEGATIVE_INFINITY;
    decoded['to'] = query.to ?? Number.POSITIVE_INFINITY;
  }
  return { ...(request as StateQueryRequest<unknown>), query: decoded as AnyQuery };
}

/** Answers what another instance asks, line by line. Rejects at the first line where the query is none. */
export async function* answerLines(instance: AnsweringInstance, body: string): AsyncGenerator<WireLine> {
  const request = await decodeRequest(instance, body);
  const spec = instance.specOf(request.store);
  const { partitionResults } = await instance.query(request);
  try {
    for (const [partition, answer] of partitionResults) {
      if (!answer.isSuccess) {
        const { failureReason, failureMessage } = answer;
        yield { partition, failureReason, failureMessage };
        continue;
      }
      yield { partition, position: answer.position };
      for await (const row of rowsOf(request.query, answer.result)) yield encodeRow(spec, row);
    }
  } catch (error) {
    yield { error: { code: codeOf(error) ?? 'STORE_EXCEPTION', message: messageOf(error) } };
    return;
  }
  yield { end: true };
}

/** A row of any answer. */
type Row = Partial<Entry<unknown, unknown> & VersionedRecord<unknown>> & { readonly value: unknown };

/** The rows of an answer: none, one, or several that may have to be waited for. */
function rowsOf({ kind }: AnyQuery, result: unknown): Iterable<Row> | AsyncIterable<Row> {
  if (kind === 'key') return result === null ? [] : [{ value: result }];
  if (kind === 'timestampedKey' || kind === 'versionedKey') return result === null ? [] : [result as Row];
  return result as Iterable<Row> | AsyncIterable<Row>;
}

function encodeRow(spec: StoreSpec, { key, value, timestamp, validTo }: Row): WireRow {
  const { key: inner, start, end } = isWindowed(spec) && key !== undefined ? (key as Windowed<unknown>) : { key };
  return {
    ...(inner === undefined ? {} : { key: base64(serialize(spec.key, inner)!) }),
    value: base64(serialize(spec.value, value)!),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(start === undefined ? {} : { start, end: finite(end!) }),
    ...(validTo === undefined ? {} : { validTo: finite(validTo) }),
  };
}

const finite = (time: number): number | null => (time === Number.POSITIVE_INFINITY ? null : time);

async function decodeRow(spec: StoreSpec, { key, value, timestamp, start, end, validTo }: WireRow): Promise<Row> {
  const inner = key === undefined ? undefined : await deserializeLoading(spec.key, bytesOf(key));
  const decoded = isWindowed(spec) ? { key: inner, start, end: end ?? Number.POSITIVE_INFINITY } : inner;
  return {
    ...(key === undefined ? {} : { key: decoded }),
    value: await deserializeLoading(spec.value, bytesOf(value)),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(validTo === undefined ? {} : { validTo: validTo ?? Number.POSITIVE_INFINITY }),
  } as Row;
}

function isWindowed({ kind }: StoreSpec): boolean {
  return kind === 'window' || kind === 'sliding' || kind === 'session';
}

/** The answer of one partition, from the lines that came for it. Those of ranges are read on as they are asked for. */
export async function decodeAnswer<R>(
  spec: StoreSpec,
  query: AnyQuery,
  lines: AsyncIterable<string>,
): Promise<QueryResult<R>> {
  const all = lines[Symbol.asyncIterator]();
  const first = await nextLine(all);
  if ('failureReason' in first) {
    await all.return?.();
    return { isSuccess: false, failureReason: first.failureReason, failureMessage: first.failureMessage };
  }
  if (!('position' in first))
    throw new MillraceError('QUERY_ANSWER_INVALID', 'an instance answered without a partition');
  const rows = decodedRows(spec, all);
  const result =
    query.kind === 'range' || query.kind === 'windowRange' ? rows : answerOf(query, await Array.fromAsync(rows));
  return { isSuccess: true, result: result as R, position: first.position };
}

function answerOf({ kind }: AnyQuery, rows: readonly Row[]): unknown {
  const [row = null] = rows;
  if (kind === 'key') return row?.value ?? null;
  return kind === 'timestampedKey' || kind === 'versionedKey' ? row : rows;
}

async function* decodedRows(spec: StoreSpec, lines: AsyncIterator<string>): AsyncGenerator<Row> {
  try {
    for (;;) {
      const line = await nextLine(lines);
      if ('value' in line) yield await decodeRow(spec, line);
      else return;
    }
  } finally {
    await lines.return?.();
  }
}

/** An answer that breaks off, or says what failed, has not been given. */
async function nextLine(lines: AsyncIterator<string>): Promise<Exclude<WireLine, { readonly error: unknown }>> {
  const { done, value } = await lines.next();
  if (done === true) throw unanswered('the answer of another instance broke off');
  const line = JSON.parse(value) as WireLine;
  if ('error' in line) throw unanswered(line.error.message, line.error.code);
  return line;
}

/** A query that may be answered when it is asked again. */
export function unanswered(message: string, cause?: unknown): MillraceError {
  return new MillraceError('QUERY_UNANSWERED', message, { retriable: true, cause });
}
