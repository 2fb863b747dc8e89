/**
 * ElectLeaders, AlterPartitionReassignments, ListPartitionReassignments, AlterReplicaLogDirs: where replicas are and which of
 * them leads. There is one broker with one directory, so each of these has one right answer per partition.
 *
 * * ElectLeaders 0: this broker leads already: ELECTION_NOT_NEEDED for each partition that is named; all together (null) nothing
 *   is needed. 1: unclean elections, with the same answer.
 * * AlterPartitionReassignments 0: onto this broker is where they are; others are not registered (INVALID_REPLICA_ASSIGNMENT);
 *   nothing is on its way that could be cancelled (NO_REASSIGNMENT_IN_PROGRESS). 1: `allowReplicationFactorChange`, which changes
 *   nothing. ListPartitionReassignments 0: none.
 * * AlterReplicaLogDirs 1: into the directory where they are; another one is not there (LOG_DIR_NOT_FOUND).
 */
import { resolve } from 'node:path';
import {
  alterPartitionReassignments,
  alterReplicaLogDirs,
  electLeaders,
  ElectionType,
  ErrorCode,
  listPartitionReassignments,
} from '../../protocol/index.ts';
import { Pace } from '../../util/index.ts';
import type { Core } from '../core.ts';
import { inStepsOn, on } from './handler.ts';

interface Problem {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const KNOWN_ELECTIONS: readonly number[] = Object.values(ElectionType);

export const handleElectLeaders = inStepsOn(electLeaders, function* ({ electionType, topicPartitions }, { core }) {
  const isKnown = KNOWN_ELECTIONS.includes(electionType);
  const unknownType = { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `Unknown election type ${electionType}` };
  const notNeeded = {
    errorCode: ErrorCode.ELECTION_NOT_NEEDED,
    errorMessage: 'Leader election not needed for topic partition.',
  };
  const pace = new Pace();
  const named = yield* pace.mapMany(topicPartitions ?? [], function* ({ topic, partitions }) {
    const partitionResult = yield* pace.map(partitions, (partitionId) => ({
      partitionId,
      ...(isKnown ? (missing(core, topic, partitionId) ?? notNeeded) : unknownType),
    }));
    return { topic, partitionResult };
  });
  return {
    throttleTimeMs: 0,
    errorCode: isKnown ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST,
    replicaElectionResults: named,
  };
});

export const handleAlterPartitionReassignments = inStepsOn(alterPartitionReassignments, function* (request, { core }) {
  const pace = new Pace();
  const responses = yield* pace.mapMany(request.topics, function* ({ name, partitions }) {
    const results = yield* pace.map(partitions, ({ partitionIndex, replicas }) => ({
      partitionIndex,
      ...(missing(core, name, partitionIndex) ?? placement(core.settings['node.id'], replicas)),
    }));
    return { name, partitions: results };
  });
  const { allowReplicationFactorChange } = request;
  return { throttleTimeMs: 0, allowReplicationFactorChange, errorCode: ErrorCode.NONE, errorMessage: null, responses };
});

/** What comes of moving replicas to brokers. */
function placement(nodeId: number, replicas: readonly number[] | null): Problem {
  if (replicas === null) return { errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null };
  const bad = (what: string): Problem => ({
    errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    errorMessage: `The manual partition assignment includes ${what}.`,
  });
  if (replicas.length === 0) return bad('an empty replica list');
  const other = replicas.find((id) => id !== nodeId);
  if (other !== undefined) return bad(`broker ${other}, but no such broker is registered`);
  if (replicas.length > 1) return bad(`the broker ${nodeId} more than once`);
  return { errorCode: ErrorCode.NONE, errorMessage: null };
}

export const handleListPartitionReassignments = on(listPartitionReassignments, () => ({
  throttleTimeMs: 0,
  errorCode: ErrorCode.NONE,
  errorMessage: null,
  topics: [],
}));

export const handleAlterReplicaLogDirs = inStepsOn(alterReplicaLogDirs, function* ({ dirs }, { core }) {
  const here = resolve(core.dataDirectory);
  const pace = new Pace();
  const results = yield* pace.mapMany(dirs, function* ({ path, topics }) {
    return yield* pace.mapMany(topics, function* ({ name, partitions }) {
      const moved = yield* pace.map(partitions, (partitionIndex) => ({
        partitionIndex,
        errorCode:
          path === here
            ? (missing(core, name, partitionIndex)?.errorCode ?? ErrorCode.NONE)
            : ErrorCode.LOG_DIR_NOT_FOUND,
      }));
      return { topicName: name, partitions: moved };
    });
  });
  return { throttleTimeMs: 0, results: results.flat() };
});

function missing(core: Core, topic: string, index: number): Problem | undefined {
  if (core.topics.partition(topic, index) !== undefined) return undefined;
  const what = core.topics.get(topic) === undefined ? `topic as ${topic}` : `partition as ${topic}-${index}`;
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `No such ${what}` };
}
