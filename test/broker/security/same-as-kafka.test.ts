// The same requests of the same users under the same access rules, to Apache Kafka and to us: the same error codes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as p from '../../../src/protocol/index.ts';
import { type Api, create, type Draft } from '../../../src/protocol/index.ts';
import { codeOf } from '../../../src/util/index.ts';
import { kafkaJars } from '../../suites/kafka-jars.ts';
import { openSecuredKafka, type SecuredKafka } from '../../suites/kafka-with-rules.ts';
import { batchOf, openBroker } from '../support.ts';
import { loggedIn } from './login.ts';
import { listen } from './support.ts';

const given = process.env['KAFKA_LIB'];
const kafkaOf = given === undefined ? await kafkaJars() : { folder: given };
if ('missing' in kafkaOf) console.log(`skipped: no Apache Kafka to compare with: ${kafkaOf.missing}`);

const PASSWORDS = { admin: 'a', alice: 'b', bob: 'c', carol: 'd' };
type User = keyof typeof PASSWORDS;
const MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule required';

const { ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE } =
  p.AclOperation;
const { TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID } = p.AclResourceType;
const { LITERAL, PREFIXED } = p.AclPatternType;
const { ALLOW, DENY } = p.AclPermission;

/** Alice reads and writes some things, bob looks after others, and carol may do nothing. */
const RULES: readonly (readonly [string, number, number, string, number, number?])[] = [
  ['User:alice', READ, TOPIC, 'in', LITERAL],
  ['User:alice', WRITE, TOPIC, 'out', LITERAL],
  ['User:alice', DESCRIBE, TOPIC, 'seen', LITERAL],
  ['User:alice', CREATE, TOPIC, 'alice-', PREFIXED],
  ['User:alice', DESCRIBE, TOPIC, 'alice-', PREFIXED],
  ['User:alice', READ, GROUP, 'alice', LITERAL],
  ['User:alice', WRITE, TRANSACTIONAL_ID, 'alice', LITERAL],
  ['User:alice', ALL, TOPIC, 'wide', PREFIXED],
  ['User:alice', READ, TOPIC, 'wide-not', LITERAL, DENY],
  ['User:bob', DESCRIBE, TOPIC, '*', LITERAL],
  ['User:bob', DELETE, TOPIC, 'in', LITERAL],
  ['User:bob', ALTER, TOPIC, 'in', LITERAL],
  ['User:bob', DESCRIBE_CONFIGS, TOPIC, 'in', LITERAL],
  ['User:bob', ALTER_CONFIGS, TOPIC, 'out', LITERAL],
  ['User:bob', DESCRIBE, GROUP, '*', LITERAL],
  ['User:bob', DELETE, GROUP, 'bob', LITERAL],
  ['User:bob', DESCRIBE, CLUSTER, 'kafka-cluster', LITERAL],
  ['User:bob', CREATE, CLUSTER, 'kafka-cluster', LITERAL],
  ['User:bob', DESCRIBE_CONFIGS, CLUSTER, 'kafka-cluster', LITERAL],
  ['User:bob', IDEMPOTENT_WRITE, CLUSTER, 'kafka-cluster', LITERAL],
  ['User:bob', DESCRIBE, TRANSACTIONAL_ID, 'al', PREFIXED],
];

const TOPICS = ['in', 'out', 'seen', 'hidden', 'wide', 'wide-not'];

interface Ask {
  readonly api: Api<unknown, unknown>;
  readonly name: string;
  readonly draft: (ids: ReadonlyMap<string, string>) => unknown;
}
const ask = <Req, Res>(
  name: string,
  api: Api<Req, Res>,
  draft: Draft<Req> | ((ids: ReadonlyMap<string, string>) => Draft<Req>),
): Ask => ({
  api: api as Api<unknown, unknown>,
  name: `${api.name}: ${name}`,
  draft: typeof draft === 'function' ? (draft as (ids: ReadonlyMap<string, string>) => Draft<Req>) : () => draft,
});

const names = [...TOPICS, 'missing', 'alice-new'];
const group = (groupId: string) => ({ groupId, topics: null });
const noRecords = batchOf(['x']);
const transactional = batchOf(['x'], { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true });
/** Made on the way. */
const AUTOMATIC_TOPICS = ['alice-auto', 'auto', 'wide-auto'];
const AUTOMATIC = 'Metadata: automatically';
/** From what changes nothing to what does. */
const ASKS: readonly Ask[] = [
  ask('all topics', p.metadata, {
    topics: null,
    includeTopicAuthorizedOperations: true,
  }),
  ask('by name', p.metadata, {
    topics: names.map((name) => ({ name })),
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: true,
  }),
  ask('by id', p.metadata, (ids) => ({
    topics: TOPICS.map((name) => ({ topicId: ids.get(name)!, name: null })),
    allowAutoTopicCreation: false,
  })),
  ask('operations', p.describeCluster, { includeClusterAuthorizedOperations: true }),
  ask('all', p.describeTopicPartitions, {}),
  ask('by name', p.describeTopicPartitions, { topics: names.map((name) => ({ name })) }),
  ask('all', p.listOffsets, {
    replicaId: -1,
    topics: names.map((name) => ({ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] })),
  }),
  ask('of a client', p.offsetForLeaderEpoch, {
    replicaId: -1,
    topics: names.map((topic) => ({ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] })),
  }),
  ask('by id', p.fetch, (ids) => ({
    maxWaitMs: 0,
    minBytes: 0,
    sessionEpoch: -1,
    topics: TOPICS.map((name) => ({
      topicId: ids.get(name)!,
      partitions: [{ partition: 0, partitionMaxBytes: 1000 }],
    })),
  })),
  ask('in a session', p.fetch, (ids) => ({
    maxWaitMs: 0,
    minBytes: 0,
    sessionEpoch: 0,
    topics: TOPICS.map((name) => ({
      topicId: ids.get(name)!,
      partitions: [{ partition: 0, partitionMaxBytes: 1000 }],
    })),
  })),
  ask('groups', p.findCoordinator, { keyType: 0, coordinatorKeys: ['alice', 'bob', 'other'] }),
  ask('transactions', p.findCoordinator, { keyType: 1, coordinatorKeys: ['alice', 'bob'] }),
  ask('all', p.listGroups, {}),
  ask('some', p.describeGroups, { groups: ['alice', 'bob', 'other'], includeAuthorizedOperations: true }),
  ask('all of groups', p.offsetFetch, { groups: ['alice', 'bob', 'other'].map(group) }),
  ask('by id', p.offsetFetch, (ids) => ({
    groups: [
      { groupId: 'alice', topics: TOPICS.map((name) => ({ name, topicId: ids.get(name)!, partitionIndexes: [0] })) },
    ],
  })),
  ask('a member that there is not', p.heartbeat, { groupId: 'other', memberId: 'm' }),
  ask('a member that there is not, of alice’s', p.heartbeat, { groupId: 'alice', memberId: 'm' }),
  ask('other', p.joinGroup, {
    groupId: 'other',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'x', metadata: Buffer.alloc(0) }],
  }),
  ask('other', p.syncGroup, {
    groupId: 'other',
    memberId: 'm',
    generationId: 1,
    protocolType: 'consumer',
    protocolName: 'x',
  }),
  ask('other', p.leaveGroup, { groupId: 'other', members: [{ memberId: 'm' }] }),
  ask('of topics and brokers', p.describeConfigs, {
    resources: [
      ...names.map((resourceName) => ({ resourceType: 2, resourceName, configurationKeys: ['retention.ms'] })),
      { resourceType: 4, resourceName: '1', configurationKeys: ['node.id'] },
    ],
  }),
  ask('all', p.listConfigResources, {}),
  ask('all', p.describeLogDirs, { topics: TOPICS.map((topic) => ({ topic, partitions: [0] })) }),
  ask('all', p.describeAcls, {
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    patternTypeFilter: 1,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  }),
  ask('a rule', p.createAcls, {
    creations: [
      {
        resourceType: TOPIC,
        resourceName: 'x',
        resourcePatternType: LITERAL,
        principal: 'User:x',
        host: '*',
        operation: READ,
        permissionType: ALLOW,
      },
    ],
  }),
  ask('rules', p.deleteAcls, {
    filters: [
      {
        resourceTypeFilter: TOPIC,
        resourceNameFilter: 'x',
        patternTypeFilter: LITERAL,
        principalFilter: null,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      },
    ],
  }),
  ask('all', p.describeUserScramCredentials, { users: [] }),
  ask('one', p.alterUserScramCredentials, { deletions: [{ name: 'nobody', mechanism: 1 }] }),
  ask('all', p.describeProducers, { topics: names.map((name) => ({ name, partitionIndexes: [0] })) }),
  ask('all', p.describeTransactions, { transactionalIds: ['alice', 'bob'] }),
  ask('all', p.listTransactions, {}),
  ask('all', p.listPartitionReassignments, { topics: null }),
  ask('one', p.alterPartitionReassignments, {
    topics: [{ name: 'in', partitions: [{ partitionIndex: 0, replicas: null }] }],
  }),
  ask('preferred', p.electLeaders, { topicPartitions: [{ topic: 'in', partitions: [0] }] }),
  ask('metadata', p.describeQuorum, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  }),
  ask('none', p.updateFeatures, {
    featureUpdates: [{ feature: 'group.version', maxVersionLevel: 1 }],
    validateOnly: true,
  }),
  ask('mine', p.describeDelegationToken, { owners: null }),
  ask('idempotent', p.initProducerId, { transactionalId: null, transactionTimeoutMs: 1000 }),
  ask('transactional', p.initProducerId, { transactionalId: 'alice', transactionTimeoutMs: 1000 }),
  ask('another transactional', p.initProducerId, { transactionalId: 'bob', transactionTimeoutMs: 1000 }),
  ask('of nobody', p.endTxn, { transactionalId: 'bob', producerId: 1, producerEpoch: 0, committed: true }),
  ask('of a group that is another’s', p.addOffsetsToTxn, {
    transactionalId: 'alice',
    producerId: 1,
    producerEpoch: 0,
    groupId: 'other',
  }),
  ask('of nobody', p.addOffsetsToTxn, { transactionalId: 'bob', producerId: 1, producerEpoch: 0, groupId: 'alice' }),
  ask('of nobody', p.txnOffsetCommit, {
    transactionalId: 'bob',
    groupId: 'alice',
    producerId: 1,
    producerEpoch: 0,
    topics: [{ name: 'in', partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: '' }] }],
  }),
  ask('between brokers', p.addPartitionsToTxn, {
    transactions: [
      { transactionalId: 'alice', producerId: 1, producerEpoch: 0, topics: [{ name: 'out', partitions: [0] }] },
    ],
  }),
  ask('one', p.writeTxnMarkers, {
    markers: [
      {
        producerId: 1,
        producerEpoch: 0,
        transactionResult: false,
        topics: [{ name: 'in', partitionIndexes: [0] }],
        coordinatorEpoch: 0,
      },
    ],
  }),
  ask('by id', p.produce, (ids) => ({
    acks: -1,
    timeoutMs: 5000,
    topicData: TOPICS.map((name) => ({ topicId: ids.get(name)!, partitionData: [{ index: 0, records: noRecords }] })),
  })),
  ask('in a transaction of another', p.produce, (ids) => ({
    transactionalId: 'bob',
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ topicId: ids.get('out')!, partitionData: [{ index: 0, records: transactional }] }],
  })),
  ask('of a group', p.offsetCommit, (ids) => ({
    groupId: 'alice',
    topics: TOPICS.map((name) => ({
      name,
      topicId: ids.get(name)!,
      partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
    })),
  })),
  ask('of another group', p.offsetCommit, (ids) => ({
    groupId: 'other',
    topics: [
      {
        name: 'in',
        topicId: ids.get('in')!,
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
      },
    ],
  })),
  ask('by id, again', p.offsetFetch, (ids) => ({
    groups: [
      { groupId: 'alice', topics: TOPICS.map((name) => ({ name, topicId: ids.get(name)!, partitionIndexes: [0] })) },
    ],
  })),
  ask('all of groups, again', p.offsetFetch, { groups: ['alice', 'other'].map(group) }),
  ask('of a group', p.offsetDelete, {
    groupId: 'bob',
    topics: names.map((name) => ({ name, partitions: [{ partitionIndex: 0 }] })),
  }),
  ask('below nothing', p.deleteRecords, {
    topics: names.map((name) => ({ name, partitions: [{ partitionIndex: 0, offset: 0 }] })),
  }),
  ask('incrementally', p.incrementalAlterConfigs, {
    validateOnly: true,
    resources: [
      ...names.map((resourceName) => ({
        resourceType: 2,
        resourceName,
        configs: [{ name: 'retention.ms', configOperation: 0, value: '1000' }],
      })),
      {
        resourceType: 4,
        resourceName: '',
        configs: [{ name: 'message.max.bytes', configOperation: 0, value: '1000000' }],
      },
    ],
  }),
  ask('all', p.alterConfigs, {
    validateOnly: true,
    resources: names.map((resourceName) => ({ resourceType: 2, resourceName, configs: [] })),
  }),
  ask('more', p.createPartitions, {
    validateOnly: true,
    topics: names.map((name) => ({ name, count: 2, assignments: null })),
  }),
  ask('some', p.createTopics, {
    validateOnly: true,
    topics: ['alice-new', 'new', 'in', 'wide-new'].map((name) => ({ name, numPartitions: 1, replicationFactor: 1 })),
  }),
  ask('automatically', p.metadata, {
    topics: AUTOMATIC_TOPICS.map((name) => ({ name })),
    allowAutoTopicCreation: true,
  }),
  ask('groups', p.deleteGroups, { groupsNames: ['alice', 'bob', 'other'] }),
  ask('by name', p.deleteTopics, {
    topics: [...names, 'alice-missing'].map((name) => ({ name, topicId: p.ZERO_UUID })),
  }),
  ask('by id', p.deleteTopics, (ids) => ({ topics: TOPICS.map((name) => ({ name: null, topicId: ids.get(name)! })) })),
];

describe.skipIf('missing' in kafkaOf)('what users may do', () => {
  let kafka: SecuredKafka;
  beforeAll(async () => {
    kafka = await openSecuredKafka('folder' in kafkaOf ? kafkaOf.folder : '', PASSWORDS);
  }, 60_000);
  afterAll(() => kafka.close());

  /** Makes topics and rules, and says which topic has which id. */
  async function prepared(address: string): Promise<ReadonlyMap<string, string>> {
    const admin = await untilUp(() => loggedIn(address, 'admin', PASSWORDS.admin), 45_000);
    const made = [...AUTOMATIC_TOPICS].map((name) => ({ name, topicId: p.ZERO_UUID }));
    await admin.request(p.deleteTopics, create(p.deleteTopics, { topics: made }));
    const topics = TOPICS.map((name) => ({ name, numPartitions: 1, replicationFactor: 1 }));
    await untilUp(async () => {
      const answer = await admin.request(p.createTopics, create(p.createTopics, { topics }));
      if (answer.topics.some(({ errorCode }) => errorCode !== 0 && errorCode !== 36)) throw new Error('not yet');
    });
    const creations = RULES.map(
      ([principal, operation, resourceType, resourceName, resourcePatternType, permission]) => ({
        principal,
        operation,
        resourceType,
        resourceName,
        resourcePatternType,
        host: '*',
        permissionType: permission ?? ALLOW,
      }),
    );
    const { results } = await admin.request(p.createAcls, create(p.createAcls, { creations }));
    expect(results.map(({ errorCode }) => errorCode)).toEqual(RULES.map(() => 0));
    // The rules are in force, the topics are known, and coordinators are up.
    const ids = await untilUp(async () => {
      const request = create(p.metadata, { topics: TOPICS.map((name) => ({ name })), allowAutoTopicCreation: false });
      const found = (await admin.request(p.metadata, request)).topics;
      if (found.some(({ errorCode, partitions }) => errorCode !== 0 || partitions[0]?.leaderId !== 1))
        throw new Error('not yet');
      const find = (keyType: number) =>
        admin.request(p.findCoordinator, create(p.findCoordinator, { keyType, coordinatorKeys: ['x'] }));
      for (const keyType of [0, 1])
        if ((await find(keyType)).coordinators[0]!.errorCode !== 0) throw new Error('not yet');
      const { errorCode } = await admin.request(
        p.initProducerId,
        create(p.initProducerId, { transactionalId: 'warm', transactionTimeoutMs: 1000 }),
      );
      const fetched = await admin.request(p.offsetFetch, create(p.offsetFetch, { groups: [group('warm')] }));
      if (errorCode !== 0 || fetched.groups[0]!.errorCode !== 0) throw new Error('not yet');
      return new Map(found.map(({ name, topicId }) => [name!, topicId]));
    });
    const alice = await loggedIn(address, 'alice', PASSWORDS.alice);
    await untilUp(async () => {
      const request = create(p.metadata, { topics: [{ name: 'wide' }], allowAutoTopicCreation: false });
      if ((await alice.request(p.metadata, request)).topics[0]!.errorCode !== 0) throw new Error('not yet');
    });
    alice.close();
    admin.close();
    return ids;
  }

  /** The error codes of everything that a user asks for, and what is named beside them. */
  async function answersTo(
    address: string,
    user: User,
    ids: ReadonlyMap<string, string>,
  ): Promise<Record<string, unknown>> {
    const transport = await loggedIn(address, user, PASSWORDS[user]);
    const namesById = new Map([...ids].map(([name, id]) => [id, name]));
    const found: Record<string, unknown> = {};
    for (const { api, name, draft } of ASKS) {
      const request = create(api, draft(ids) as Draft<unknown>);
      const answer = await untilUp(async () => {
        const response = await transport.request(api, request);
        // Kafka's coordinators may still be loading; and its first answer about a topic that it makes is that there is none.
        const text = JSON.stringify(codesIn(response, namesById));
        const isMaking = name === AUTOMATIC && text.includes('"errorCode":3,');
        if (isMaking || /"errorCode":(14|15|16|51)\b/.test(text)) throw new Error(`not yet: ${text}`);
        return codesIn(response, namesById);
      });
      found[name] = answer;
    }
    transport.close();
    return found;
  }

  test.each(['carol', 'bob', 'alice'] as const)(
    '%s',
    async (user) => {
      const broker = await openBroker({
        settings: {
          'sasl.enabled.mechanisms': 'PLAIN',
          'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${MODULE} ${Object.entries(PASSWORDS)
            .map(([name, password]) => `user_${name}="${password}"`)
            .join(' ')};`,
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:admin',
          'group.initial.rebalance.delay.ms': '0',
        },
      });
      const { SASL_PLAINTEXT: ours } = await listen(broker, 'SASL_PLAINTEXT://127.0.0.1:0');
      const theirs = await answersTo(kafka.address, user, await prepared(kafka.address));
      expect(await answersTo(ours!, user, await prepared(ours!))).toEqual(theirs);
    },
    120_000,
  );
});

/** Tries again for as long as it takes an Apache Kafka to be up. */
async function untilUp<T>(attempt: () => Promise<T>, patienceMs = 10_000): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > giveUpAt || codeOf(error) === 'UNSUPPORTED_VERSION') throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }
}

const NAMED = [
  'name',
  'topic',
  'groupId',
  'transactionalId',
  'key',
  'user',
  'resourceName',
  'resourceType',
  'topicName',
];
const NOTHING =
  /^(brokers|abortedTransactions|currentLeader|divergingEpoch|snapshotId|configs|nodeEndpoints|nodes|\w+Nodes|\w+Replicas|lastKnownElr|currentVoters|observers)$/;
const KEPT =
  /^(errorCode|partitionErrorCode|topicConfigErrorCode|topicAuthorizedOperations|clusterAuthorizedOperations|authorizedOperations|partitionIndex|index|partition)$/;

/** Of an answer only error codes and what they are about; ids of topics as their names. */
function codesIn(value: unknown, namesById: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) {
    const isInternal = (item: { name?: string | null; resourceName?: string } | null): boolean =>
      (item?.name ?? item?.resourceName)?.startsWith('__') === true;
    const items = value.flatMap((item) => (isInternal(item) ? [] : (codesIn(item, namesById) ?? [])));
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return undefined;
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (name === 'topicId') {
      const known = namesById.get(String(field));
      if (known !== undefined) kept['id'] = known;
    } else if (KEPT.test(name) || (NAMED.includes(name) && typeof field !== 'object')) kept[name] = field;
    else {
      const inside = codesIn(field, namesById);
      if (inside !== undefined && !NOTHING.test(name)) kept[name] = inside;
    }
  }
  // One version has names, the next one ids: both mean the same topic.
  const { id, ...others } = kept;
  return kept['name'] === '' && id !== undefined ? { ...others, name: id } : kept;
}
