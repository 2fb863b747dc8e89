// What administrators ask and change: configs, features, replicas, the quorum.
import {
  addRaftVoter,
  alterConfigs,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  apiVersions,
  describeCluster,
  describeConfigs,
  describeLogDirs,
  describeQuorum,
  electLeaders,
  incrementalAlterConfigs,
  listConfigResources,
  listPartitionReassignments,
  removeRaftVoter,
  unregisterBroker,
  updateFeatures,
} from '../../../src/protocol/index.ts';
import type { Scenario } from '../scenario.ts';

type Change = readonly [type: number, name: string, ...changes: (readonly [string, number, string | null])[]];

const CHANGES: readonly Change[] = [
  [4, '1', ['log.retention.ms', 0, '5000']],
  [4, '', ['log.retention.ms', 0, '7000']],
  [4, '1', ['log.retention.ms', 1, null]],
  [4, '', ['log.retention.ms', 1, null]],
  [4, '1', ['num.partitions', 0, '5']],
  [4, '2', ['log.retention.ms', 0, '5']],
  [4, 'x', ['log.retention.ms', 0, '5']],
  [4, '1', ['no.such', 0, '5']],
  [4, '1', ['log.retention.ms', 0, 'abc']],
  [4, '1', ['log.cleanup.policy', 2, 'compact']],
  [4, '1', ['log.cleanup.policy', 1, null]],
  [4, '1', ['num.io.threads', 0, '10']],
  [4, '1', ['num.io.threads', 1, null]],
  [8, '1', ['kafka.server.X', 0, 'DEBUG']],
  [16, 'm', ['interval.ms', 0, '1000']],
  [16, 'm', ['interval.ms', 0, '1']],
  [16, 'm', ['x', 0, '1']],
  [16, '', ['interval.ms', 0, '1000']],
  [16, 'm', ['match', 0, 'client_id=a.*']],
  [16, 'm', ['match', 0, 'foo=a']],
  [16, 'm', ['match', 0, 'client_id=[']],
  [16, 'm', ['match', 0, 'client_id']],
  [16, 'm', ['metrics', 0, 'a.b,c']],
  [32, 'g', ['consumer.session.timeout.ms', 0, '50000']],
  [32, 'g', ['consumer.session.timeout.ms', 0, '5']],
  [32, 'g', ['nope', 0, '5']],
  [32, '', ['consumer.session.timeout.ms', 0, '50000']],
  [2, 'configured', ['segment.bytes', 0, '14']],
  [2, 'configured', ['remote.storage.enable', 0, 'true']],
  [2, 'configured', ['nope', 0, 'true']],
  [2, 'nowhere', ['retention.ms', 0, '1000']],
  [2, '', ['retention.ms', 0, '1000']],
  [2, 'configured', ['cleanup.policy', 0, 'nix']],
  [2, 'configured', ['cleanup.policy', 0, 'compact']],
  [2, 'configured', ['cleanup.policy', 2, 'delete']],
  [2, 'configured', ['cleanup.policy', 3, 'compact']],
  [2, 'configured', ['retention.ms', 0, null]],
  [2, 'configured', ['retention.ms', 0, '']],
  [2, 'configured', ['retention.ms', 2, '4']],
  [2, 'configured', ['compression.gzip.level', 0, '0']],
  [2, 'configured', ['compression.zstd.level', 0, '99']],
  [2, 'configured', ['min.insync.replicas', 0, '0']],
  [2, 'configured', ['max.message.bytes', 0, '-1']],
  [2, 'configured', ['min.cleanable.dirty.ratio', 0, '2']],
  [2, 'configured', ['message.timestamp.type', 0, 'Sometime']],
  [2, 'configured', ['retention.ms', 0, '1'], ['retention.ms', 0, '2']],
  [2, 'configured', ['retention.ms', 0, '1'], ['nope', 0, '2']],
  [2, 'configured', ['nope', 1, null]],
  [1, 'a', ['x', 0, 'y']],
  [77, 'a', ['x', 0, 'y']],
];

export const administration: readonly Scenario[] = [
  {
    name: 'administration: versions',
    async run(session) {
      await session.eachVersion(apiVersions, () => ({ clientSoftwareName: 'oracle', clientSoftwareVersion: '1' }));
      for (const clientSoftwareName of ['', 'a b', '-a']) {
        await session.ask(apiVersions, { clientSoftwareName, clientSoftwareVersion: '1' }, 3);
      }
    },
  },
  {
    name: 'administration: configs changed',
    async run(session) {
      await session.topic('configured');
      for (const [resourceType, resourceName, ...changes] of CHANGES) {
        const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
        await session.ask(incrementalAlterConfigs, { resources: [{ resourceType, resourceName, configs }] });
      }
      const tried = [
        {
          resourceType: 2,
          resourceName: 'configured',
          configs: [{ name: 'retention.ms', value: '9', configOperation: 0 }],
        },
      ];
      await session.every(incrementalAlterConfigs, { resources: tried, validateOnly: true });
      await session.every(incrementalAlterConfigs, { resources: tried });
      const whole = (configs: { name: string; value: string | null }[]) => ({
        resources: [{ resourceType: 2, resourceName: 'configured', configs }],
      });
      await session.every(alterConfigs, whole([{ name: 'retention.bytes', value: '77' }]));
      await session.ask(alterConfigs, whole([{ name: 'retention.bytes', value: null }]));
      await session.ask(alterConfigs, whole([{ name: 'nope', value: '1' }]));
      await session.ask(alterConfigs, whole([]));
      await session.ask(alterConfigs, { resources: [{ resourceType: 2, resourceName: 'nowhere', configs: [] }] });
    },
  },
  {
    name: 'administration: configs told',
    async run(session) {
      await session.topic('told-configs');
      const configs = [{ name: 'retention.ms', configOperation: 0, value: '1234' }];
      await session.ask(incrementalAlterConfigs, {
        resources: [{ resourceType: 2, resourceName: 'told-configs', configs }],
      });
      const telling = (resourceType: number, resourceName: string, configurationKeys: string[] | null) => ({
        resources: [{ resourceType, resourceName, configurationKeys }],
        includeSynonyms: true,
      });
      await session.every(describeConfigs, telling(2, 'told-configs', ['retention.ms', 'cleanup.policy', 'nonsense']));
      // One by one: each of them is an answer of its own.
      const all = await session.unnoted(describeConfigs, telling(2, 'told-configs', null));
      const names = all?.results[0]?.configs.map(({ name }) => name).sort() ?? [];
      for (const name of names.filter((each) => !each.startsWith('confluent.'))) {
        await session.ask(describeConfigs, telling(2, 'told-configs', [name]));
      }
      for (const name of [
        'num.partitions',
        'log.retention.ms',
        'log.segment.bytes',
        'message.max.bytes',
        'node.id',
        'min.insync.replicas',
        'default.replication.factor',
      ]) {
        await session.ask(describeConfigs, telling(4, '1', [name]));
      }
      for (const [type, name] of [
        [2, 'nowhere'],
        [2, ''],
        [4, '2'],
        [4, 'x'],
        [16, ''],
        [32, ''],
        [1, 'a'],
      ] as const) {
        await session.ask(describeConfigs, telling(type, name, []));
      }
      for (const name of ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms']) {
        await session.ask(describeConfigs, telling(32, 'g', [name]));
      }
      for (const name of ['interval.ms', 'match', 'metrics'])
        await session.ask(describeConfigs, telling(16, 'other', [name]));
      await session.ask(listConfigResources, { resourceTypes: [16, 32] });
      await session.ask(listConfigResources, {}, 0);
      await session.ask(listConfigResources, { resourceTypes: [1] });
    },
  },
  {
    name: 'administration: the cluster',
    async run(session) {
      await session.topic('placed');
      await session.every(describeCluster, {});
      await session.ask(describeCluster, { includeClusterAuthorizedOperations: true });
      await session.ask(describeCluster, { endpointType: 2 });
      await session.ask(describeCluster, { endpointType: 9 });
      await session.every(describeLogDirs, { topics: [{ topic: 'placed', partitions: [0, 9] }] });
      await session.ask(describeLogDirs, { topics: [{ topic: 'nowhere', partitions: [0] }] });
      await session.ask(describeLogDirs, { topics: [] });
      const metadataLog = [{ topicName: 'placed', partitions: [{ partitionIndex: 0 }] }];
      await session.every(describeQuorum, { topics: metadataLog });
      await session.ask(describeQuorum, { topics: [] });
      const voter = { voterId: 5, voterDirectoryId: 'BBBBBBBBBBBBBBBBBBBBBA' };
      await session.every(addRaftVoter, {
        ...voter,
        timeoutMs: 1000,
        listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 1 }],
      });
      await session.ask(addRaftVoter, { ...voter, clusterId: 'x', timeoutMs: 1000 });
      await session.ask(removeRaftVoter, voter);
      await session.ask(removeRaftVoter, { ...voter, clusterId: 'x' });
      await session.ask(unregisterBroker, { brokerId: 5 });
    },
  },
  {
    name: 'administration: features',
    async run(session) {
      const update = (feature: string, maxVersionLevel: number, upgradeType: number, validateOnly = true) =>
        session.ask(updateFeatures, { featureUpdates: [{ feature, maxVersionLevel, upgradeType }], validateOnly });
      await session.ask(updateFeatures, { featureUpdates: [] });
      await session.ask(updateFeatures, { featureUpdates: [] }, 0);
      for (const [feature, level, type] of [
        ['transaction.version', 1, 1],
        ['transaction.version', 1, 2],
        ['transaction.version', 0, 2],
        ['transaction.version', 9, 2],
        ['transaction.version', -1, 2],
        ['transaction.version', 2, 2],
        ['transaction.version', 2, 1],
        ['transaction.version', 1, 0],
        ['transaction.version', 1, 3],
        ['group.version', 0, 2],
        ['group.version', 1, 1],
        ['nope', 1, 1],
      ] as const) {
        await update(feature, level, type);
      }
      const several = [
        { feature: 'transaction.version', maxVersionLevel: 1, upgradeType: 2 },
        { feature: 'nope', maxVersionLevel: 1 },
      ];
      for (const version of [1, 2])
        await session.ask(updateFeatures, { featureUpdates: several, validateOnly: true }, version);
    },
  },
  {
    name: 'administration: replicas',
    async run(session) {
      await session.topic('moved');
      const named = [
        { topic: 'moved', partitions: [0, 9] },
        { topic: 'nowhere', partitions: [0] },
      ];
      await session.every(electLeaders, { topicPartitions: named });
      for (const electionType of [1, 5]) await session.ask(electLeaders, { electionType, topicPartitions: named });
      for (const replicas of [[1], null, [2], [1, 2], [], [1, 1]]) {
        const partitions = [
          { partitionIndex: 0, replicas },
          { partitionIndex: 9, replicas },
        ];
        await session.every(alterPartitionReassignments, { topics: [{ name: 'moved', partitions }] });
      }
      await session.ask(alterPartitionReassignments, {
        topics: [{ name: 'nowhere', partitions: [{ partitionIndex: 0, replicas: [1] }] }],
      });
      await session.ask(listPartitionReassignments, { topics: null });
      await session.ask(listPartitionReassignments, { topics: [{ name: 'moved', partitionIndexes: [0] }] });
      for (const path of ['/nowhere', 'relative']) {
        await session.every(alterReplicaLogDirs, { dirs: [{ path, topics: [{ name: 'moved', partitions: [0, 9] }] }] });
      }
    },
  },
];
