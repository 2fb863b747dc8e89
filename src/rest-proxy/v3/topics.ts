// v3: topics, their partitions and replicas, and replicas that are being moved.
import type { NewTopic, PartitionState, Reassignment, TopicPartition, TopicState } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import { Answer, type Routes } from '../call.ts';
import {
  listOf,
  membersOf,
  type Members,
  numberOf,
  optionalFlag,
  optionalNumber,
  optionalText,
  pathNumber,
  textOf,
} from '../entities.ts';
import { notFound, ProxyError, unprocessable } from '../errors.ts';
import {
  bodyOf,
  type ClusterCall,
  type ClusterRoutes,
  linkTo,
  listOfResources,
  type Path,
  resource,
} from './resources.ts';

const TOPIC_CHANGE = ['partitions_count'];
const NEW_TOPIC = [
  ...['topic_name', 'partitions_count', 'replication_factor', 'replicas_assignments'],
  ...['configs', 'validate_only'],
];

export function topicRoutes(cluster: ClusterRoutes): Routes {
  return {
    ...cluster.declare({
      'GET /topics': {
        summary: 'The topics.',
        answer: async (at) => {
          const topics = await allTopics(at);
          return listOfResources(
            at,
            'Topic',
            [['topics']],
            topics.map((topic) => topicEntity(at, topic)),
          );
        },
      },
      'POST /topics': {
        summary: 'Makes a topic; with `validate_only`, only says whether it could be made (200).',
        body: NEW_TOPIC,
        status: 201,
        answer: createTopic,
      },
      'GET /topics/:topic': { summary: 'A topic.', answer: async (at) => topicEntity(at, await topicOf(at)) },
      'PATCH /topics/:topic': {
        summary: 'Adds partitions to a topic.',
        body: TOPIC_CHANGE,
        answer: async (at) => {
          const total = numberOf(bodyOf(at, TOPIC_CHANGE), 'partitions_count');
          const { name } = await topicOf(at);
          await at.admin.createPartitions(name, total);
          return topicEntity(at, await topicOf(at));
        },
      },
      'DELETE /topics/:topic': {
        summary: 'Deletes a topic.',
        status: 204,
        answer: async (at) => {
          const { name } = await topicOf(at);
          await at.admin.deleteTopics([name]);
        },
      },
    }),
    ...partitionRoutes(cluster),
    ...reassignmentRoutes(cluster),
  };
}

function partitionRoutes(cluster: ClusterRoutes): Routes {
  return cluster.declare({
    'GET /topics/:topic/partitions': {
      summary: 'The partitions of a topic.',
      answer: async (at) => {
        const { name, partitions } = await topicOf(at);
        const entities = partitions.map((partition) => partitionEntity(at, name, partition));
        return listOfResources(at, 'Partition', [['topics', name], ['partitions']], entities);
      },
    },
    'GET /topics/:topic/partitions/:partition': {
      summary: 'A partition.',
      answer: async (at) => {
        const { topic, partition } = await partitionOf(at);
        return partitionEntity(at, topic, partition);
      },
    },
    'GET /topics/:topic/partitions/:partition/offset': {
      summary: 'The first offset of a partition, and the one behind its last record.',
      answer: async (at) => {
        const { topic, partition: state } = await partitionOf(at);
        const { partition } = state;
        const offsetAt = async (timestamp: number) =>
          (await at.admin.listOffsets([{ topic, partition, timestamp }]))[0]!.offset;
        return resource(at, 'PartitionOffset', [['topics', topic], ['partitions', partition], ['offset']], {
          topic_name: topic,
          partition_id: partition,
          earliest_offset: await offsetAt(-2),
          latest_offset: await offsetAt(-1),
        });
      },
    },
    'GET /topics/:topic/partitions/:partition/replicas': {
      summary: 'The replicas of a partition.',
      answer: async (at) => {
        const { topic, partition } = await partitionOf(at);
        const path: Path = [['topics', topic], ['partitions', partition.partition], ['replicas']];
        const entities = partition.replicas.map((broker) => replicaEntity(at, topic, partition, broker));
        return listOfResources(at, 'Replica', path, entities);
      },
    },
    'GET /topics/:topic/partitions/:partition/replicas/:broker': {
      summary: 'A replica of a partition.',
      answer: async (at) => {
        const { topic, partition } = await partitionOf(at);
        const broker = partition.replicas.find((id) => id === pathNumber(at.call.params['broker']!));
        if (broker === undefined) throw notFound(`Replica ${at.call.params['broker']} cannot be found.`);
        return replicaEntity(at, topic, partition, broker);
      },
    },
  });
}

function reassignmentRoutes(cluster: ClusterRoutes): Routes {
  const all: Path = [['topics', '-'], ['partitions', '-'], ['reassignment']];
  return cluster.declare({
    'GET /topics/-/partitions/-/reassignment': {
      summary: 'All replicas that are being moved.',
      answer: async (at) => {
        const moves = await reassignmentsOf(at, null);
        return listOfResources(
          at,
          'Reassignment',
          all,
          moves.map((move) => reassignmentEntity(at, move)),
        );
      },
    },
    'GET /topics/:topic/partitions/-/reassignment': {
      summary: 'The replicas of a topic that are being moved.',
      answer: async (at) => {
        const { name, partitions } = await topicOf(at);
        const moves = await reassignmentsOf(
          at,
          partitions.map(({ partition }) => ({ topic: name, partition })),
        );
        const path: Path = [['topics', name], ['partitions', '-'], ['reassignment']];
        return listOfResources(
          at,
          'Reassignment',
          path,
          moves.map((move) => reassignmentEntity(at, move)),
        );
      },
    },
    'GET /topics/:topic/partitions/:partition/reassignment': {
      summary: 'How the replicas of a partition are being moved.',
      answer: async (at) => {
        const { topic, partition } = await partitionOf(at);
        const [move] = await reassignmentsOf(at, [{ topic, partition: partition.partition }]);
        if (move === undefined) throw notFound(`No reassignment of ${topic}-${partition.partition} is under way.`);
        return reassignmentEntity(at, move);
      },
    },
  });
}

/** A broker that does not know the question has no other broker that replicas could be moved to. */
async function reassignmentsOf(
  { admin }: ClusterCall,
  of: readonly TopicPartition[] | null,
): Promise<readonly Reassignment[]> {
  try {
    return await admin.listPartitionReassignments(of);
  } catch (error) {
    if (codeOf(error) === 'UNSUPPORTED_VERSION') return [];
    throw error;
  }
}

export async function allTopics({ admin }: ClusterCall): Promise<readonly TopicState[]> {
  return admin.describeReplicas(await admin.listTopics());
}

export async function topicOf({ admin, call }: ClusterCall): Promise<TopicState> {
  const [topic] = await admin.describeReplicas([call.params['topic']!]);
  if (topic === undefined) throw new ProxyError(40403, 'This server does not host this topic-partition.');
  return topic;
}

async function partitionOf(at: ClusterCall): Promise<{ readonly topic: string; readonly partition: PartitionState }> {
  const { name, partitions } = await topicOf(at);
  const partition = partitions.find((each) => each.partition === pathNumber(at.call.params['partition']!));
  if (partition === undefined) throw notFound(`Partition ${at.call.params['partition']} cannot be found.`);
  return { topic: name, partition };
}

async function createTopic(at: ClusterCall): Promise<Answer> {
  const members = bodyOf(at, NEW_TOPIC);
  const topic = newTopicOf(members);
  const validateOnly = optionalFlag(members, 'validate_only') ?? false;
  await at.admin.createTopics([topic], { validateOnly });
  if (!validateOnly) {
    const [made] = await at.admin.describeReplicas([topic.name]);
    return new Answer(201, topicEntity(at, made!));
  }
  const { name, partitions = 0, replicationFactor = 0, assignments } = topic;
  const replicas = Array.from({ length: assignments?.[0]?.length ?? replicationFactor }, () => -1);
  const count = assignments?.length ?? partitions;
  const states = Array.from({ length: count }, (_, i) => ({ ...NOWHERE, partition: i, replicas }));
  return new Answer(200, topicEntity(at, { name, topicId: '', internal: false, partitions: states }));
}

const NOWHERE = { leader: -1, isr: [], elr: null, lastKnownElr: null };

function newTopicOf(members: Members): NewTopic {
  const partitions = optionalNumber(members, 'partitions_count');
  const replicationFactor = optionalNumber(members, 'replication_factor');
  const assignments = assignmentsOf(members);
  const given = members['configs'] === undefined || members['configs'] === null ? [] : listOf(members, 'configs');
  const configs = given.map((each) => {
    const config = membersOf(each, ['name', 'value'], 'A config');
    return [textOf(config, 'name'), configText(config) ?? ''];
  });
  return {
    name: textOf(members, 'topic_name'),
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    ...(assignments === undefined ? {} : { assignments }),
    configs: Object.fromEntries(configs) as Record<string, string>,
  };
}

/** Partitions by their numbers: `[{"partition_id": 0, "broker_ids": [1]}]`, or `{"0": [1]}` as some clients write it. */
function assignmentsOf(members: Members): number[][] | undefined {
  const given = members['replicas_assignments'];
  if (given === undefined || given === null) return undefined;
  const entries: [number, readonly unknown[]][] = Array.isArray(given)
    ? given.map((each) => {
        const entry = membersOf(each, ['partition_id', 'broker_ids'], 'An assignment');
        return [numberOf(entry, 'partition_id'), listOf(entry, 'broker_ids')];
      })
    : Object.keys(Object(given) as object).map((key) => [Number(key), listOf(given as Members, key)]);
  const byPartition = entries.toSorted(([a], [b]) => a - b);
  if (!byPartition.every(([partition], i) => partition === i)) {
    throw unprocessable('replicas_assignments has to name each partition from 0 on, once');
  }
  return byPartition.map(([, ids]) => ids.map((_, i) => numberOf(ids as unknown as Members, String(i))));
}

/** Values of configs are texts, also where clients write numbers. */
export function configText(config: Members): string | undefined {
  const value = config['value'];
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : optionalText(config, 'value');
}

// ── Entities ──────────────────────────────────────────────────────────────────────────────────────────────────────

function topicEntity(at: ClusterCall, { name, internal, partitions }: TopicState): object {
  return resource(at, 'Topic', [['topics', name]], {
    topic_name: name,
    is_internal: internal,
    replication_factor: partitions[0]?.replicas.length ?? 0,
    partitions_count: partitions.length,
    partitions: linkTo(at, [['topics', name], ['partitions']]),
    configs: linkTo(at, [['topics', name], ['configs']]),
    partition_reassignments: linkTo(at, [['topics', name], ['partitions', '-'], ['reassignment']]),
  });
}

function partitionEntity(at: ClusterCall, topic: string, { partition, leader }: PartitionState): object {
  const path: Path = [
    ['topics', topic],
    ['partitions', partition],
  ];
  return resource(at, 'Partition', path, {
    topic_name: topic,
    partition_id: partition,
    ...(leader < 0 ? {} : { leader: linkTo(at, [...path, ['replicas', leader]]) }),
    replicas: linkTo(at, [...path, ['replicas']]),
    reassignment: linkTo(at, [...path, ['reassignment']]),
  });
}

export function replicaEntity(
  at: ClusterCall,
  topic: string,
  { partition, leader, isr }: PartitionState,
  broker: number,
): object {
  return resource(
    at,
    'Replica',
    [
      ['topics', topic],
      ['partitions', partition],
      ['replicas', broker],
    ],
    {
      topic_name: topic,
      partition_id: partition,
      broker_id: broker,
      is_leader: broker === leader,
      is_in_sync: isr.includes(broker),
      broker: linkTo(at, [['brokers', broker]]),
    },
  );
}

function reassignmentEntity(at: ClusterCall, move: Reassignment): object {
  const path: Path = [
    ['topics', move.topic],
    ['partitions', move.partition],
  ];
  return resource(at, 'Reassignment', [...path, ['reassignment']], {
    topic_name: move.topic,
    partition_id: move.partition,
    adding_replicas: move.addingReplicas,
    removing_replicas: move.removingReplicas,
    replicas: linkTo(at, [...path, ['replicas']]),
  });
}
