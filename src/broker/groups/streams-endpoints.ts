// Where the partitions of a streams application are: what its instances need to answer queries for each other.
import type { StreamsMember } from './streams-member.ts';
import { partitionOf, roleOf, subtopologyOf, type TaskKey, taskOf } from './streams-tasks.ts';
import type { ConfiguredSubtopology } from './streams-topology.ts';

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: number[];
}

export interface EndpointPartitions {
  readonly userEndpoint: { readonly host: string; readonly port: number };
  readonly activePartitions: TopicPartitions[];
  /** Of copies of states. */
  readonly standbyPartitions: TopicPartitions[];
}

/** One entry for each member that has told its endpoint. */
export function partitionsByEndpoint(
  members: Iterable<StreamsMember>,
  subtopologies: readonly ConfiguredSubtopology[],
  countOf: (topic: string) => number,
): EndpointPartitions[] {
  const sources = new Map(subtopologies.map((each) => [each.id, each.sources]));
  const read = (keys: readonly TaskKey[]): TopicPartitions[] => {
    const found = keys.map(taskOf).flatMap((task) => {
      const partition = partitionOf(task);
      const topics = sources.get(subtopologyOf(task)) ?? [];
      return topics.filter((topic) => partition < countOf(topic)).map((topic) => ({ topic, partition }));
    });
    return [...Map.groupBy(found, ({ topic }) => topic)].map(([topic, each]) => ({
      topic,
      partitions: each.map(({ partition }) => partition).sort((a, b) => a - b),
    }));
  };
  return [...members].flatMap(({ description, ownership }) => {
    const { userEndpoint } = description;
    if (userEndpoint === null) return [];
    const keys = [...ownership.assigned.keys()];
    const isActive = (key: TaskKey): boolean => roleOf(key) === 'A';
    return [
      {
        userEndpoint,
        activePartitions: read(keys.filter(isActive)),
        standbyPartitions: read(keys.filter((key) => !isActive(key))),
      },
    ];
  });
}
