// The registry of what the broker answers. ApiVersions is derived from it: an API is offered when it has a handler.
import { handleApiVersions } from './api-versions.ts';
import { handleFetch } from './fetch.ts';
import type { Handler } from './handler.ts';
import { handleListOffsets, handleOffsetForLeaderEpoch } from './list-offsets.ts';
import { handleDescribeTopicPartitions, handleMetadata } from './metadata.ts';
import { handleProduce } from './produce.ts';
import { handleCreatePartitions, handleCreateTopics, handleDeleteRecords, handleDeleteTopics } from './topics.ts';

export const handlers: readonly Handler[] = [
  handleProduce,
  handleFetch,
  handleListOffsets,
  handleMetadata,
  handleApiVersions(() => handlers),
  handleCreateTopics,
  handleDeleteTopics,
  handleDeleteRecords,
  handleOffsetForLeaderEpoch,
  handleCreatePartitions,
  handleDescribeTopicPartitions,
];

const byKey = new Map(handlers.map((handler) => [handler.api.key, handler]));

export function handlerOf(apiKey: number): Handler | undefined {
  return byKey.get(apiKey);
}
