// The features that this broker knows (KIP-584): what clients and the broker may do is agreed on by their levels.
import type { ClusterMetadata } from './metadata/cluster-metadata.ts';

/** A feature, with the levels that it may have. */
export interface Feature {
  readonly name: string;
  readonly minLevel: number;
  readonly maxLevel: number;
}

/** Each is at its highest level unless an operator says otherwise (UpdateFeatures). */
export const FEATURES: readonly Feature[] = [
  // KIP-848: groups whose members the broker assigns.
  { name: 'group.version', minLevel: 0, maxLevel: 1 },
  // KIP-932: share groups.
  { name: 'share.version', minLevel: 0, maxLevel: 1 },
  // KIP-1071: streams groups.
  { name: 'streams.version', minLevel: 0, maxLevel: 1 },
  // KIP-890: 2 is a new epoch for each transaction, and partitions that need not be announced.
  { name: 'transaction.version', minLevel: 0, maxLevel: 2 },
];

/** The level that the cluster has agreed on; 0: the feature is off. */
export function finalizedLevel(metadata: ClusterMetadata, { name, maxLevel }: Feature): number {
  return metadata.current.features[name] ?? maxLevel;
}

/** The levels of those that are on. */
export function finalizedLevels(metadata: ClusterMetadata): ReadonlyMap<string, number> {
  const levels = FEATURES.map((feature): [string, number] => [feature.name, finalizedLevel(metadata, feature)]);
  return new Map(levels.filter(([, level]) => level > 0));
}
