// A record whose bytes are not what its serde reads: the one way by which sources, tables that are restored and global
// tables ask what is to become of it.
import { MillraceError, messageOf } from '../../util/index.ts';
import type { RecordView } from '../api/context.ts';
import type { DecodeErrorHandler } from '../api/options.ts';

export interface Undecodable {
  readonly topic: string;
  readonly partition: number;
  /** The operator, or the store, that reads. */
  readonly node: string;
  readonly part: 'key' | 'value';
}

/** Returns when the record is to be left out; throws `UNDECODABLE_RECORD` otherwise. */
export function refuseRecord(
  handler: DecodeErrorHandler,
  error: unknown,
  record: RecordView,
  { topic, partition, node, part }: Undecodable,
): void {
  const { offset, timestamp, bytes, keyStart, keyEnd, valueStart, valueEnd } = record;
  const response = handler(error, {
    topic,
    partition,
    offset,
    timestamp,
    node,
    part,
    rawKey: keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd),
    rawValue: valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd),
  });
  if (response === 'continue') return;
  throw new MillraceError(
    'UNDECODABLE_RECORD',
    `the ${part} of the record at ${topic}-${partition}@${offset} can't be decoded: ${messageOf(error)}`,
    { cause: error },
  );
}
