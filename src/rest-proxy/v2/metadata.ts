// v2: what there is. Brokers, topics, partitions, offsets.
import type { Admin, Client, PartitionState, TopicState } from '../../client/index.ts';
import type { Route, Routes } from '../call.ts';
import { pathNumber } from '../entities.ts';
import { partitionNotFound, topicNotFound } from '../errors.ts';
import { V2_PRODUCED } from '../media-types.ts';

const get = (summary: string, answer: NonNullable<Route['answer']>): Route => ({
  summary,
  consumes: [],
  produces: V2_PRODUCED,
  answer,
});

export function metadataRoutes(client: Client): Routes {
  const admin = client.admin();
  return {
    'GET /': get('Answers an empty object.', () => ({})),
    'POST /': get('Answers an empty object.', () => ({})),
    'GET /brokers': get('The ids of the brokers.', async () => ({
      brokers: (await admin.brokers()).map(({ id }) => id),
    })),
    'GET /topics': get('The names of the topics.', () => admin.listTopics()),
    'GET /topics/:topic': get('A topic, with its configs and partitions.', async ({ params }) => {
      const { name, partitions } = await topicOf(admin, params['topic']!);
      const configs = await admin.topicConfigs(name);
      return {
        name,
        configs: Object.fromEntries(configs.map((each) => [each.name, each.value])),
        partitions: partitions.map(partitionEntity),
      };
    }),
    'GET /topics/:topic/partitions': get('The partitions of a topic.', async ({ params }) =>
      (await topicOf(admin, params['topic']!)).partitions.map(partitionEntity),
    ),
    'GET /topics/:topic/partitions/:partition': get('A partition, with its leader and replicas.', async ({ params }) =>
      partitionEntity(await partitionOf(admin, params)),
    ),
    'GET /topics/:topic/partitions/:partition/offsets': get(
      'The first offset of a partition, and the one behind its last record.',
      async ({ params }) => {
        const { partition } = await partitionOf(admin, params);
        const offsetAt = async (timestamp: number) =>
          (await admin.listOffsets([{ topic: params['topic']!, partition, timestamp }]))[0]!.offset;
        return { beginning_offset: await offsetAt(-2), end_offset: await offsetAt(-1) };
      },
    ),
  };
}

async function topicOf(admin: Admin, name: string): Promise<TopicState> {
  const [topic] = await admin.describeReplicas([name]);
  if (topic === undefined) throw topicNotFound();
  return topic;
}

async function partitionOf(admin: Admin, params: Readonly<Record<string, string>>): Promise<PartitionState> {
  const { partitions } = await topicOf(admin, params['topic']!);
  const found = partitions.find(({ partition }) => partition === pathNumber(params['partition']!));
  if (found === undefined) throw partitionNotFound();
  return found;
}

function partitionEntity({ partition, leader, replicas, isr }: PartitionState): object {
  return {
    partition,
    leader,
    replicas: replicas.map((broker) => ({ broker, leader: broker === leader, in_sync: isr.includes(broker) })),
  };
}
