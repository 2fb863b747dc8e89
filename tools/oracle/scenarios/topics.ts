// Topics: what they are called, how they are made, grow and go, and what is told of them.
import {
  createPartitions,
  createTopics,
  deleteTopics,
  describeTopicPartitions,
  metadata,
  type Draft,
  type RequestOf,
} from '../../../src/protocol/index.ts';
import type { Scenario, Session } from '../scenario.ts';

type NewTopic = Draft<RequestOf<typeof createTopics>['topics'][number]>;

const made = (name: string, more: NewTopic = {}): NewTopic => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  ...more,
});

async function creating(session: Session, topics: readonly NewTopic[], validateOnly = false): Promise<void> {
  await session.ask(createTopics, { topics, timeoutMs: 10_000, validateOnly });
}

export const topics: readonly Scenario[] = [
  {
    name: 'topics: created',
    async run(session) {
      await session.eachVersion(createTopics, (version) => ({
        topics: [made(`created-${version}`)],
        timeoutMs: 10_000,
      }));
      const bad: NewTopic[] = [
        made(''),
        made('.'),
        made('..'),
        made('a b'),
        made('ü'),
        made('a'.repeat(249)),
        made('b'.repeat(250)),
        made('created-7'),
        made('created_7'),
        made('zero', { numPartitions: 0 }),
        made('negative', { numPartitions: -5 }),
        made('default', { numPartitions: -1, replicationFactor: -1 }),
        made('two-replicas', { replicationFactor: 2 }),
        made('no-replicas', { replicationFactor: 0 }),
        made('assigned', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [1] }],
        }),
        made('assigned-far', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [2] }],
        }),
        made('assigned-gap', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 1, brokerIds: [1] }],
        }),
        made('assigned-twice', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }],
        }),
        made('assigned-none', {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [] }],
        }),
        made('assigned-both', { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
        made('config-unknown', { configs: [{ name: 'no.such', value: '1' }] }),
        made('config-bad', { configs: [{ name: 'retention.ms', value: 'x' }] }),
        made('config-null', { configs: [{ name: 'retention.ms', value: null }] }),
        made('config-low', { configs: [{ name: 'segment.bytes', value: '14' }] }),
        made('config-policy', { configs: [{ name: 'cleanup.policy', value: 'nix' }] }),
        made('config-good', { configs: [{ name: 'retention.ms', value: '1000' }] }),
        made('config-twice', {
          configs: [
            { name: 'retention.ms', value: '1000' },
            { name: 'retention.ms', value: '2000' },
          ],
        }),
        made('__cluster_metadata'),
      ];
      for (const topic of bad) await creating(session, [topic]);
      await creating(session, [made('double'), made('double')]);
      await creating(session, [made('one'), made('two words'), made('three')]);
      await creating(session, []);
      await creating(session, [made('tried')], true);
      await creating(session, [made('tried')], true);
      await creating(session, [made('created-7')], true);
    },
  },
  {
    name: 'topics: told of',
    async run(session) {
      await session.topic('told', {}, 3);
      await session.every(metadata, { topics: [{ name: 'told' }], allowAutoTopicCreation: false });
      await session.eachVersion(metadata, (version) => ({
        topics: [{ name: `nowhere-${version}` }],
        allowAutoTopicCreation: false,
      }));
      await session.every(metadata, { topics: [{ name: 'bad name' }], allowAutoTopicCreation: true });
      for (const version of [10, 12, 13]) {
        await session.ask(metadata, { topics: [{ topicId: 'BBBBBBBBBBBBBBBBBBBBBA', name: null }] }, version);
      }
      for (const version of [8, 9, 10]) {
        const asked = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true };
        await session.ask(metadata, { topics: [{ name: 'told' }], ...asked }, version);
      }
      await session.ask(metadata, { topics: [{ name: 'told' }, { name: 'told' }] });
      await session.every(describeTopicPartitions, { topics: [{ name: 'told' }] });
      await session.ask(describeTopicPartitions, { topics: [{ name: 'nowhere' }] });
      await session.ask(describeTopicPartitions, { topics: [{ name: 'told' }], responsePartitionLimit: 2 });
      const cursor = { topicName: 'told', partitionIndex: 1 };
      await session.ask(describeTopicPartitions, { topics: [{ name: 'told' }], responsePartitionLimit: 2, cursor });
    },
  },
  {
    name: 'topics: grown',
    async run(session) {
      await session.topic('grown');
      const growing = async (name: string, count: number, assignments: { brokerIds: number[] }[] | null = null) => {
        await session.ask(createPartitions, { topics: [{ name, count, assignments }], timeoutMs: 10_000 });
      };
      await session.eachVersion(createPartitions, (version) => ({
        topics: [{ name: 'grown', count: 3 + version, assignments: null }],
        timeoutMs: 10_000,
      }));
      await growing('grown', 6);
      await growing('grown', 1);
      await growing('grown', 0);
      await growing('grown', -1);
      await growing('nowhere', 5);
      await growing('grown', 7, [{ brokerIds: [1] }]);
      await growing('grown', 8, [{ brokerIds: [2] }]);
      await growing('grown', 8, [{ brokerIds: [1] }, { brokerIds: [1] }]);
      await growing('grown', 8, [{ brokerIds: [] }]);
      const twice = [
        { name: 'grown', count: 9, assignments: null },
        { name: 'grown', count: 10, assignments: null },
      ];
      await session.ask(createPartitions, { topics: twice, timeoutMs: 10_000 });
      await session.ask(createPartitions, { topics: twice.slice(0, 1), timeoutMs: 10_000, validateOnly: true });
      await session.ask(metadata, { topics: [{ name: 'grown' }] });
    },
  },
  {
    name: 'topics: deleted',
    async run(session) {
      for (let version = 1; version <= 6; version++) await session.topic(`deleted-${version}`);
      await session.eachVersion(deleteTopics, (version) =>
        version < 6
          ? { topicNames: [`deleted-${version}`], timeoutMs: 10_000 }
          : { topics: [{ name: `deleted-${version}` }], timeoutMs: 10_000 },
      );
      await session.eachVersion(deleteTopics, (version) =>
        version < 6 ? { topicNames: ['nowhere'] } : { topics: [{ name: 'nowhere' }] },
      );
      await session.ask(deleteTopics, { topics: [{ name: null, topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }] });
      await session.ask(deleteTopics, { topics: [{ name: 'x', topicId: 'BBBBBBBBBBBBBBBBBBBBBA' }] });
      await session.ask(deleteTopics, { topics: [{ name: null }] });
      await session.topic('again');
      await session.ask(deleteTopics, { topics: [{ name: 'again' }, { name: 'again' }], timeoutMs: 10_000 });
      await session.ask(deleteTopics, { topics: [{ name: 'again' }], timeoutMs: 10_000 });
      await creating(session, [made('again')]);
    },
  },
];
