// What an operator does while the broker runs: its settings, its features, and where replicas are.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../src/broker/index.ts';
import {
  addRaftVoter,
  alterConfigs,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  apiVersions,
  ConfigOperation,
  create,
  createTopics,
  describeConfigs,
  describeLogDirs,
  describeProducers,
  describeQuorum,
  electLeaders,
  ErrorCode,
  FeatureUpgradeType,
  incrementalAlterConfigs,
  initProducerId,
  listConfigResources,
  listPartitionReassignments,
  removeRaftVoter,
  ResourceType,
  type Transport,
  unregisterBroker,
  updateFeatures,
  writeTxnMarkers,
} from '../../src/protocol/index.ts';
import { createTopic, openBroker, readAll, send, temporaryDirectory } from './support.ts';

let dataDir: string;
let broker: Broker;
let transport: Transport;

beforeEach(async () => {
  dataDir = temporaryDirectory();
  broker = await openBroker({ dataDir, settings: { 'node.id': 1, 'log.retention.bytes': 5_000_000 } });
  transport = broker.connect();
});

async function restart(): Promise<void> {
  await broker.close();
  broker = await openBroker({ dataDir, settings: { 'node.id': 1, 'log.retention.bytes': 5_000_000 } });
  transport = broker.connect();
}

async function alter(resourceType: number, resourceName: string, ...configs: [string, string | null, number?][]) {
  const changes = configs.map(([name, value, operation]) => ({
    name,
    value,
    configOperation: operation ?? (value === null ? ConfigOperation.delete : ConfigOperation.set),
  }));
  const request = { resources: [{ resourceType, resourceName, configs: changes }] };
  return (await transport.request(incrementalAlterConfigs, create(incrementalAlterConfigs, request))).responses[0]!;
}

async function described(resourceType: number, resourceName: string) {
  const request = { resources: [{ resourceType, resourceName }], includeSynonyms: true };
  const { results } = await transport.request(describeConfigs, create(describeConfigs, request));
  expect(results[0]).toMatchObject({ errorCode: 0 });
  return new Map(results[0]!.configs.map((config) => [config.name, config]));
}

describe('settings of the broker, while it runs', () => {
  test('become the defaults of topics at once, its own before those of all brokers, and stay over a restart', async () => {
    await createTopic(transport, 't');
    const value = async () => (await described(ResourceType.topic, 't')).get('retention.ms');
    expect(await value()).toMatchObject({ value: '604800000', configSource: 5, synonyms: [] });
    await alter(ResourceType.broker, '', ['log.retention.ms', '7000']);
    expect(await value()).toMatchObject({ value: '7000', configSource: 3 });
    await alter(ResourceType.broker, '1', ['log.retention.ms', '5000']);
    await restart();
    expect(await value()).toMatchObject({
      value: '5000',
      configSource: 2,
      synonyms: [
        { name: 'log.retention.ms', value: '5000', source: 2 },
        { name: 'log.retention.ms', value: '7000', source: 3 },
      ],
    });
    await alter(ResourceType.broker, '1', ['log.retention.ms', null]);
    await alter(ResourceType.broker, '', ['log.retention.ms', null]);
    expect(await value()).toMatchObject({ value: '604800000', configSource: 5 });
  });

  test('bind: a record that is now too large is refused', async () => {
    await createTopic(transport, 't');
    const large = 'x'.repeat(5000);
    expect((await send(transport, 't', [large])).errorCode).toBe(0);
    await alter(ResourceType.broker, '1', ['message.max.bytes', '1000']);
    expect((await send(transport, 't', [large])).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    await alter(ResourceType.broker, '1', ['message.max.bytes', null]);
    expect((await send(transport, 't', [large])).errorCode).toBe(0);
  });

  test('are told with where they come from: the start, a change, or nobody', async () => {
    await alter(ResourceType.broker, '1', ['log.retention.bytes', '9'], ['num.io.threads', '12']);
    const own = await described(ResourceType.broker, '1');
    expect(own.get('log.retention.bytes')).toMatchObject({
      value: '9',
      readOnly: false,
      synonyms: [
        { value: '9', source: 2 },
        { value: '5000000', source: 4 },
        { value: '-1', source: 5 },
      ],
    });
    expect(own.get('num.partitions')).toMatchObject({ readOnly: true, configSource: 5 });
    expect([...own.keys()].filter((name) => name.startsWith('internal.'))).toEqual([]);
    expect([...(await described(ResourceType.broker, '')).keys()]).toEqual([]);
  });

  test('are replaced as a whole by AlterConfigs', async () => {
    await alter(ResourceType.broker, '1', ['log.retention.bytes', '9'], ['log.segment.bytes', '2000000']);
    const configs = [{ name: 'log.segment.bytes', value: '3000000' }];
    const resources = [{ resourceType: ResourceType.broker, resourceName: '1', configs }];
    await transport.request(alterConfigs, create(alterConfigs, { resources }));
    const own = await described(ResourceType.broker, '1');
    expect(own.get('log.segment.bytes')).toMatchObject({ value: '3000000', configSource: 2 });
    expect(own.get('log.retention.bytes')).toMatchObject({ value: '5000000', configSource: 4 });
  });

  test('lists begin with what holds', async () => {
    await alter(ResourceType.broker, '1', ['log.cleanup.policy', 'compact', ConfigOperation.append]);
    expect((await described(ResourceType.broker, '1')).get('log.cleanup.policy')!.value).toBe('delete,compact');
  });

  // As Apache Kafka 4.4 answers, but for names that nobody knows, which it takes.
  test.each([
    ['1', 'num.partitions', '5', 42, /Cannot update these configs dynamically: \[num\.partitions\]/],
    ['1', 'no.such', '5', 42, /Unknown broker config "no.such"/],
    ['1', 'log.retention.ms', 'abc', 42, /must be a number/],
    ['1', 'log.segment.bytes', '1000', 42, /at least 1048576/],
    ['2', 'log.retention.ms', '5', 42, /Unexpected broker id, expected 1, but received 2/],
    ['x', 'log.retention.ms', '5', 42, /Node id must be an integer, but it is: x/],
  ])('of broker "%s": %s=%s is refused', async (id, name, value, errorCode, errorMessage) => {
    const answer = await alter(ResourceType.broker, id, [name, value]);
    expect(answer).toMatchObject({ errorCode, errorMessage: expect.stringMatching(errorMessage) });
  });

  test('of loggers there are none', async () => {
    const answer = await alter(ResourceType.brokerLogger, '1', ['root', 'DEBUG']);
    expect(answer).toMatchObject({ errorCode: 42, errorMessage: expect.stringMatching(/has no loggers/) });
  });
});

describe('configs of topics', () => {
  test.each([
    ['segment.bytes', '14', 40],
    ['remote.storage.enable', 'true', 40],
    ['errors.deadletterqueue.group.enable', 'true', 40],
    ['compression.zstd.level', '99', 40],
    ['min.insync.replicas', '0', 40],
    ['remote.storage.enable', 'false', 0],
    ['local.retention.ms', '1000', 0],
    ['segment.bytes', '1048576', 0],
  ])('%s=%s: error %d, at creation and later', async (name, value, errorCode) => {
    await createTopic(transport, 't');
    expect((await alter(ResourceType.topic, 't', [name, value])).errorCode).toBe(errorCode);
    const topics = [{ name: 'new', configs: [{ name, value }] }];
    const made = await transport.request(createTopics, create(createTopics, { topics }));
    expect(made.topics[0]!.errorCode).toBe(errorCode);
  });

  test('levels of compression are what is recompressed with', async () => {
    const sizes = [];
    const text = Array.from({ length: 4000 }, (_, i) => `${i * 7919}`).join(' ');
    for (const level of ['1', '9']) {
      const name = `gzip${level}`;
      await createTopic(transport, name, 1, { 'compression.type': 'gzip', 'compression.gzip.level': level });
      await send(transport, name, [text]);
      expect((await readAll(transport, name)).map(({ value }) => value)).toEqual([text]);
      const { results } = await transport.request(describeLogDirs, create(describeLogDirs, {}));
      sizes.push(results[0]!.topics.find((topic) => topic.name === name)!.partitions[0]!.partitionSize);
    }
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });
});

describe('subscriptions to metrics of clients (KIP-714)', () => {
  test('are kept, listed and described', async () => {
    await alter(ResourceType.clientMetrics, 'm', ['interval.ms', '1000'], ['match', 'client_id=a.*']);
    await restart();
    const found = await described(ResourceType.clientMetrics, 'm');
    expect(found.get('interval.ms')).toMatchObject({ value: '1000', configSource: 7 });
    expect(found.get('metrics')).toMatchObject({ value: '', configSource: 5 });
    const all = await transport.request(listConfigResources, create(listConfigResources, {}));
    expect(all.configResources).toEqual([
      { resourceName: '1', resourceType: ResourceType.broker },
      { resourceName: '1', resourceType: ResourceType.brokerLogger },
      { resourceName: 'm', resourceType: ResourceType.clientMetrics },
    ]);
    const unknown = create(listConfigResources, { resourceTypes: [1] });
    expect((await transport.request(listConfigResources, unknown)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
  });

  test.each([
    ['m', 'interval.ms', '1', 42],
    ['m', 'x', '1', 42],
    ['', 'interval.ms', '1000', 42],
    ['m', 'match', 'foo=a', 40],
    ['m', 'match', 'client_id=[', 40],
    ['m', 'match', 'client_id', 40],
  ])('"%s": %s=%s is refused', async (name, config, value, errorCode) => {
    expect((await alter(ResourceType.clientMetrics, name, [config, value])).errorCode).toBe(errorCode);
  });
});

describe('configs of groups', () => {
  test('are kept, listed and described, with what they inherit', async () => {
    const name = 'consumer.session.timeout.ms';
    expect(await alter(ResourceType.group, 'g', [name, '50000'])).toMatchObject({ errorCode: 0 });
    await restart();
    const found = await described(ResourceType.group, 'g');
    expect(found.get(name)).toMatchObject({
      value: '50000',
      configSource: 8,
      synonyms: [
        { name, value: '50000', source: 8 },
        { name: 'group.consumer.session.timeout.ms', value: '45000', source: 5 },
      ],
    });
    const asked = create(listConfigResources, { resourceTypes: [ResourceType.group] });
    const all = await transport.request(listConfigResources, asked);
    expect(all.configResources).toEqual([{ resourceName: 'g', resourceType: ResourceType.group }]);
  });

  test.each([
    ['g', 'consumer.session.timeout.ms', '5', 40, /must be in the range 45000 to 60000 inclusive/],
    ['g', 'nope', '5', 40, /Unknown group config name/],
    ['', 'consumer.session.timeout.ms', '50000', 42, /Default group resources are not allowed/],
  ])('"%s": %s=%s is refused', async (group, name, value, errorCode, errorMessage) => {
    const answer = await alter(ResourceType.group, group, [name, value]);
    expect(answer).toMatchObject({ errorCode, errorMessage: expect.stringMatching(errorMessage) });
  });
});

describe('features', () => {
  const update = (
    maxVersionLevel: number,
    upgradeType: number,
    feature = 'transaction.version',
    validateOnly = false,
  ) => {
    const request = { featureUpdates: [{ feature, maxVersionLevel, upgradeType }], validateOnly };
    return transport.request(updateFeatures, create(updateFeatures, request));
  };
  const { upgrade, safeDowngrade } = FeatureUpgradeType;

  test('are lowered and raised, which clients are told, and stay so over a restart', async () => {
    const finalized = async () => {
      const named = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
      const answer = await transport.request(apiVersions, create(apiVersions, named));
      return answer.finalizedFeatures.find(({ name }) => name === 'transaction.version')?.maxVersionLevel;
    };
    expect(await finalized()).toBe(2);
    expect((await update(1, safeDowngrade, 'transaction.version', true)).errorCode).toBe(0);
    expect(await finalized()).toBe(2);
    expect((await update(1, safeDowngrade)).errorCode).toBe(0);
    await restart();
    expect(await finalized()).toBe(1);
    expect(transport.features.get('transaction.version')).toBe(1);
    expect((await update(0, safeDowngrade)).errorCode).toBe(0);
    expect(await finalized()).toBeUndefined();
    expect((await update(2, upgrade)).errorCode).toBe(0);
    expect(await finalized()).toBe(2);
  });

  test.each([
    [1, upgrade, 'transaction.version', /Can't downgrade the version of this feature without/],
    [9, safeDowngrade, 'transaction.version', /only supports versions 0-2/],
    [-1, safeDowngrade, 'transaction.version', /cannot be less than 0/],
    [1, 0, 'transaction.version', /no such upgrade type/],
    [1, upgrade, 'nope', /does not support this feature/],
  ])('level %d by type %d of %s is refused', async (level, type, feature, message) => {
    const answer = await update(level, type, feature);
    expect(answer).toMatchObject({ errorCode: 95, errorMessage: expect.stringMatching(message) });
  });
});

describe('one node', () => {
  beforeEach(() => createTopic(transport, 'a', 2));

  test('leads everything already', async () => {
    const named = [
      { topic: 'a', partitions: [0, 9] },
      { topic: 'zz', partitions: [0] },
    ];
    const answer = await transport.request(electLeaders, create(electLeaders, { topicPartitions: named }));
    const codes = answer.replicaElectionResults.map(({ partitionResult }) => partitionResult.map((p) => p.errorCode));
    expect(codes).toEqual([[84, 3], [3]]);
    const all = await transport.request(electLeaders, create(electLeaders, { topicPartitions: null }));
    expect(all).toMatchObject({ errorCode: 0, replicaElectionResults: [] });
    const odd = create(electLeaders, { electionType: 5, topicPartitions: named });
    expect((await transport.request(electLeaders, odd)).errorCode).toBe(42);
  });

  test.each([
    [[1], 0],
    [null, 85],
    [[2], 39],
    [[1, 2], 39],
    [[], 39],
    [[1, 1], 39],
  ])('moves a replica to %j: error %d', async (replicas, errorCode) => {
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, replicas }] }];
    const request = create(alterPartitionReassignments, { topics });
    const answer = await transport.request(alterPartitionReassignments, request);
    expect(answer.responses[0]!.partitions[0]!.errorCode).toBe(errorCode);
    const ongoing = await transport.request(listPartitionReassignments, create(listPartitionReassignments, {}));
    expect(ongoing).toMatchObject({ errorCode: 0, topics: [] });
  });

  test('has one directory', async () => {
    const into = async (path: string) => {
      const request = create(alterReplicaLogDirs, { dirs: [{ path, topics: [{ name: 'a', partitions: [0, 9] }] }] });
      const { results } = await transport.request(alterReplicaLogDirs, request);
      return results[0]!.partitions.map(({ errorCode }) => errorCode);
    };
    expect(await into(dataDir)).toEqual([0, 3]);
    expect(await into('/nowhere')).toEqual([57, 57]);
  });

  test('is its own quorum, and nobody else comes or goes', async () => {
    await alter(ResourceType.broker, '1', ['log.retention.bytes', '9']);
    const topics = [
      { topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] },
      { topicName: 'a', partitions: [{ partitionIndex: 0 }] },
    ];
    const quorum = await transport.request(describeQuorum, create(describeQuorum, { topics }));
    expect(quorum.topics[0]!.partitions[0]).toMatchObject({ leaderId: 1, highWatermark: 1, observers: [] });
    expect(quorum.topics[0]!.partitions[0]!.currentVoters).toMatchObject([{ replicaId: 1, logEndOffset: 1 }]);
    expect(quorum.topics[1]!.partitions[0]!.errorCode).toBe(3);
    const voter = { voterId: 5, listeners: [] };
    expect((await transport.request(addRaftVoter, create(addRaftVoter, voter))).errorCode).toBe(35);
    expect((await transport.request(removeRaftVoter, create(removeRaftVoter, voter))).errorCode).toBe(35);
    const elsewhere = create(addRaftVoter, { ...voter, clusterId: 'x' });
    expect((await transport.request(addRaftVoter, elsewhere)).errorCode).toBe(104);
    const unregister = async (brokerId: number) =>
      (await transport.request(unregisterBroker, create(unregisterBroker, { brokerId }))).errorCode;
    expect(await unregister(5)).toBe(102);
    expect(await unregister(1)).toBe(42);
  });
});

describe('markers that an operator writes', () => {
  test('end a transaction; older epochs and coordinators are refused', async () => {
    await createTopic(transport, 't');
    const { producerId } = await transport.request(initProducerId, create(initProducerId, { transactionalId: null }));
    const mark = async (producerEpoch: number, coordinatorEpoch: number, name = 't', transactionVersion = 0) => {
      const topics = [{ name, partitionIndexes: [0] }];
      const marker = {
        producerId,
        producerEpoch,
        transactionResult: false,
        topics,
        coordinatorEpoch,
        transactionVersion,
      };
      const answer = await transport.request(writeTxnMarkers, create(writeTxnMarkers, { markers: [marker] }));
      return answer.markers[0]!.topics[0]!.partitions[0]!.errorCode;
    };
    expect(await mark(1, 0)).toBe(0);
    const known = create(describeProducers, { topics: [{ name: 't', partitionIndexes: [0] }] });
    const { topics } = await transport.request(describeProducers, known);
    expect(topics[0]!.partitions[0]!.activeProducers).toMatchObject([{ producerId, producerEpoch: 1 }]);
    expect(await mark(0, 0)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    // It ends nothing, and so it may come again.
    expect(await mark(1, 0, 't', 2)).toBe(0);
    expect(await mark(2, -1)).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    expect(await mark(2, 0, 'zz')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});
