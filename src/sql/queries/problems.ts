import { messageOf } from '../../util/index.ts';
import type { Problem, ProcessingLog } from '../compile/flow.ts';
import type { SettingValues } from '../settings.ts';
import type { Row } from '../values/value.ts';

/** What goes wrong with single rows, in the log: the first failures are told as they come, a flood by its size. */
export function problemLog(log: (message: string) => void): ProcessingLog {
  let count = 0;
  return ({ queryId, step, error, at }) => {
    count++;
    if (count <= 10 || (count < 1000 && count % 100 === 0) || count % 10_000 === 0) {
      const place = at === undefined ? '' : ` at ${at.topic}-${at.partition}, offset ${at.offset}`;
      log(`query ${queryId}, ${step}${place}: ${messageOf(error)} (problem ${count})`);
    }
  };
}

/** A problem as plain data, for whoever keeps it: in the processing log's topic, or among a query's dead letters. */
export interface ToldProblem {
  readonly kind: Problem['kind'] | 'thread';
  readonly queryId: string;
  readonly step: string;
  readonly message: string;
  /** Why, and why that, and so on. */
  readonly causes: readonly string[];
  readonly at?: Problem['at'];
  readonly target?: Problem['target'];
  /** Of a record that could not be read, where somebody keeps that. */
  readonly bytes?: Problem['bytes'];
  /** The row as JSON, where rows are kept. */
  readonly row?: string;
  /** Where the record itself goes. */
  readonly deadLetterTopic?: string;
}

/** What is told of a problem under the settings of its query; undefined when nobody keeps it. */
export function toldProblem(problem: Problem, settings: SettingValues): ToldProblem | undefined {
  const { kind, queryId, step, error, at, bytes, target, row } = problem;
  const deadLetterTopic =
    bytes === undefined ? undefined : settings['errors.dead.letter.queue.topic.name'] || undefined;
  if (!hasProcessingLog(settings) && deadLetterTopic === undefined) return undefined;
  const hasRows = settings['ksql.logging.processing.rows.include'] === 'true';
  return {
    kind,
    queryId,
    step,
    message: messageOf(error),
    causes: causesOf(error),
    ...(at === undefined ? {} : { at: { topic: at.topic, partition: at.partition, offset: at.offset } }),
    ...(target === undefined ? {} : { target }),
    ...(bytes === undefined || (!hasRows && deadLetterTopic === undefined) ? {} : { bytes: copied(bytes) }),
    ...(row === undefined || !hasRows ? {} : { row: rowText(row) }),
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
  };
}

/** Whether there is a topic for problems. */
export function hasProcessingLog(settings: SettingValues): boolean {
  return (
    settings['ksql.logging.processing.topic.auto.create'] === 'true' ||
    (settings['ksql.logging.processing.topic.name'] ?? '') !== ''
  );
}

/** The messages of what an error was caused by, the nearest first. */
export function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  for (let cause = (error as Error).cause; cause instanceof Error && causes.length < 10; cause = cause.cause) {
    causes.push(cause.message);
  }
  return causes;
}

/** The bytes are the record's only during the call. */
function copied({ part, key, value }: NonNullable<Problem['bytes']>): NonNullable<Problem['bytes']> {
  return { part, key: key && Uint8Array.from(key), value: value && Uint8Array.from(value) };
}

function rowText(row: Row): string {
  return JSON.stringify(row, (_name, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
}
