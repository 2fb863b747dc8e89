/**
 * DescribeCluster and DescribeLogDirs: the one broker that there is, and what its disk holds.
 *
 * * DescribeCluster 0: brokers, controller, authorized operations on request. 1: what kind of endpoint is asked for; there are
 *   brokers only, for controllers the answer is MISMATCHED_ENDPOINT_TYPE. 2: whether a broker is fenced; it never is.
 * * DescribeLogDirs 1: one directory with the sizes of partitions. Partitions that are not there are left out, as Kafka does. 4: the
 *   size of the disk and what is free. The directory has KAFKA_STORAGE_ERROR while a partition takes no records.
 *
 * Not done: several directories, moving partitions between them (AlterReplicaLogDirs).
 */
import { describeCluster, describeLogDirs, ErrorCode, OPERATIONS_NOT_ASKED } from '../../protocol/index.ts';
import { authorizedOperations } from '../authorized-operations.ts';
import { Pace } from '../../util/index.ts';
import { inStepsOn, on } from './handler.ts';

const BROKERS = 1;
const CONTROLLERS = 2;

export const handleDescribeCluster = on(describeCluster, (request, { core, endpoint }) => {
  const nodeId = core.settings['node.id'];
  const refused = { throttleTimeMs: 0, endpointType: BROKERS, clusterId: '', controllerId: -1, brokers: [] };
  if (request.endpointType !== BROKERS) {
    const isOther = request.endpointType === CONTROLLERS;
    return {
      ...refused,
      errorCode: isOther ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
      errorMessage: isOther
        ? 'This is an endpoint of brokers; there are no separate controllers.'
        : `Unsupported endpoint type ${request.endpointType}`,
      clusterAuthorizedOperations: OPERATIONS_NOT_ASKED,
    };
  }
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    endpointType: BROKERS,
    clusterId: core.clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, ...endpoint, rack: core.settings['broker.rack'] || null, isFenced: false }],
    clusterAuthorizedOperations: authorizedOperations('cluster', request.includeClusterAuthorizedOperations),
  };
});

export const handleDescribeLogDirs = inStepsOn(describeLogDirs, function* (request, { core }) {
  const space = core.disk.space(core.dataDirectory);
  const wanted =
    request.topics?.map(({ topic, partitions }) => ({ name: topic, partitions })) ??
    [...core.topics.all()].map(({ name, partitions }) => ({ name, partitions: partitions.map(({ index }) => index) }));
  const pace = new Pace();
  const topics = yield* pace.mapMany(wanted, function* ({ name, partitions }) {
    const sizes = yield* pace.map(partitions, (partitionIndex) => {
      const partition = core.topics.partition(name, partitionIndex);
      if (partition === undefined) return [];
      return [{ partitionIndex, partitionSize: partition.log.sizeInBytes, offsetLag: 0, isFutureKey: false }];
    });
    return { name, partitions: sizes.flat() };
  });
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    results: [
      {
        errorCode: [...core.topics.outages()].length === 0 ? ErrorCode.NONE : ErrorCode.KAFKA_STORAGE_ERROR,
        logDir: core.dataDirectory,
        topics: topics.filter(({ partitions }) => partitions.length > 0),
        totalBytes: space?.total ?? -1,
        usableBytes: space?.free ?? -1,
      },
    ],
  };
});
