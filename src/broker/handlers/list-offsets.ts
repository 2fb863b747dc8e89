/**
 * ListOffsets and OffsetForLeaderEpoch: where a log begins and ends, and which record is the first at or behind a time.
 *
 * * ListOffsets 1: earliest (-2), latest (-1), or a time; -1 when no record is that young. 2: isolation; with read_committed the
 *   latest is the last stable offset. 4: the leader's epoch is checked (FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH).
 *   7: the offset of the largest timestamp (-3). 8: the earliest local one (-4), which is the earliest. 9 and 11: the latest tiered
 *   (-5) and the earliest that waits to be uploaded (-6): -1, as nothing is tiered. A partition is asked for once, else it is answered INVALID_REQUEST: a look-up by time reads the log.
 * * OffsetForLeaderEpoch 2: where an epoch ended, not beyond the high watermark.
 *
 * Not done: followers ask as consumers do; `timeoutMs` (10) is not waited for, as nothing is remote.
 */
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_PENDING_UPLOAD_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  ErrorCode,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
  MAX_TIMESTAMP,
  offsetForLeaderEpoch,
} from '../../protocol/index.ts';
import { Pace } from '../../util/index.ts';
import type { Partition } from '../partition.ts';
import { repeated } from './attempt.ts';
import { errorCodeOf } from './error-code.ts';
import { checkLeaderEpoch } from './fetch.ts';
import { inStepsOn } from './handler.ts';

/** Times that are questions, and the version from which on they are understood. */
const QUESTIONS: ReadonlyMap<number, number> = new Map([
  [LATEST_TIMESTAMP, 1],
  [EARLIEST_TIMESTAMP, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL_TIMESTAMP, 8],
  [LATEST_TIERED_TIMESTAMP, 9],
  [EARLIEST_PENDING_UPLOAD_TIMESTAMP, 11],
]);

export const handleListOffsets = inStepsOn(listOffsets, function* (request, { core, version }) {
  const pace = new Pace();
  const places = yield* pace.mapMany(request.topics, ({ name, partitions }) =>
    pace.map(partitions, ({ partitionIndex }) => `${name}/${partitionIndex}`),
  );
  const ambiguous = repeated(places.flat());
  const topics = yield* pace.mapMany(request.topics, function* ({ name, partitions }) {
    return {
      name,
      partitions: yield* pace.map(partitions, ({ partitionIndex, currentLeaderEpoch, timestamp }) => {
        const partition = core.topics.partition(name, partitionIndex);
        const isRepeated = ambiguous.has(`${name}/${partitionIndex}`);
        const errorCode = isRepeated ? ErrorCode.INVALID_REQUEST : problemWith(partition, currentLeaderEpoch);
        const failed = (code: number) => ({
          partitionIndex,
          errorCode: code,
          timestamp: -1,
          offset: -1,
          leaderEpoch: -1,
        });
        if (partition === undefined || errorCode !== ErrorCode.NONE) return failed(errorCode);
        const isUnderstood = timestamp >= 0 || version >= (QUESTIONS.get(timestamp) ?? Number.POSITIVE_INFINITY);
        if (!isUnderstood) return failed(ErrorCode.UNSUPPORTED_VERSION);
        let found: ReturnType<typeof find>;
        try {
          found = find(partition, timestamp, partition.limitFor(request.isolationLevel));
        } catch (error) {
          partition.readFailed(error);
          return failed(errorCodeOf(error));
        }
        const leaderEpoch = found.offset < 0 ? -1 : partition.log.epochs.epochAt(found.offset);
        return { partitionIndex, errorCode, ...found, leaderEpoch };
      }),
    };
  });
  return { throttleTimeMs: 0, topics };
});

/** -1 and -1 when no record is that young. The ends of the log have no timestamp. */
function find(partition: Partition, timestamp: number, limit: number): { offset: number; timestamp: number } {
  const nothing = { offset: -1, timestamp: -1 };
  switch (timestamp) {
    case LATEST_TIMESTAMP:
      return { offset: limit, timestamp: -1 };
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP:
      return { offset: partition.log.startOffset, timestamp: -1 };
    case MAX_TIMESTAMP:
      return partition.log.offsetOfMaxTimestamp(limit) ?? nothing;
    case LATEST_TIERED_TIMESTAMP:
    case EARLIEST_PENDING_UPLOAD_TIMESTAMP:
      return nothing;
    default:
      return partition.log.offsetForTimestamp(timestamp, limit) ?? nothing;
  }
}

export const handleOffsetForLeaderEpoch = inStepsOn(offsetForLeaderEpoch, function* (request, { core }) {
  const pace = new Pace();
  const topics = yield* pace.mapMany(request.topics, function* ({ topic, partitions: asked }) {
    const partitions = yield* pace.map(asked, ({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
      const partition = core.topics.partition(topic, index);
      const errorCode = problemWith(partition, currentLeaderEpoch);
      if (partition === undefined || errorCode !== ErrorCode.NONE) {
        return { errorCode, partition: index, leaderEpoch: -1, endOffset: -1 };
      }
      const end = partition.log.epochs.endOf(leaderEpoch, partition.highWatermark);
      return { errorCode, partition: index, leaderEpoch: end.epoch, endOffset: end.endOffset };
    });
    return { topic, partitions };
  });
  return { throttleTimeMs: 0, topics };
});

function problemWith(partition: Partition | undefined, leaderEpoch: number): number {
  if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return partition.failure === ErrorCode.NONE ? checkLeaderEpoch(partition, leaderEpoch) : partition.failure;
}
