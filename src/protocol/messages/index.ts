// Every API we declare. `apis` is what the comparison tests and a broker's dispatch walk over.
export { apiVersions } from './api-versions.ts';
export { fetch } from './fetch.ts';
export {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_PENDING_UPLOAD_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
  MAX_TIMESTAMP,
  offsetForLeaderEpoch,
} from './list-offsets.ts';
export { describeTopicPartitions, metadata } from './metadata.ts';
export { produce } from './produce.ts';
export { OPERATIONS_NOT_ASKED } from './shared.ts';
