// What administrators' tools ask beyond topics, configs and groups: transactions and producers of our own broker; access
// rules, elections and moves of replicas of a real Apache Kafka, where one is named.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AccessRule, type Client, createClient } from '../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

describe('on our broker', () => {
  let embedded: Embedded;
  let client: Client;
  beforeAll(async () => {
    embedded = await openEmbedded();
    client = embedded.connect();
    await client.admin().createTopics([{ name: 'written', partitions: 2 }]);
  });
  afterAll(async () => {
    await client.close();
    await embedded.close();
  });

  test('transactions are listed and described while they are open, and afterwards', async () => {
    const admin = client.admin();
    const producer = client.producer({ transactionalId: 'tx', transactionTimeoutMs: 30_000 });
    await producer.initTransactions();
    producer.beginTransaction();
    await producer.send({ topic: 'written', partition: 1, value: 'open' });
    const [listed] = await admin.listTransactions({ states: ['Ongoing'] });
    expect(listed).toMatchObject({ transactionalId: 'tx', coordinator: 1, state: 'Ongoing' });
    expect(await admin.listTransactions({ pattern: 'other' })).toEqual([]);
    expect(await admin.listTransactions({ producerIds: [listed!.producerId] })).toHaveLength(1);
    const described = await admin.describeTransaction('tx');
    expect(described).toMatchObject({
      ...listed,
      timeoutMs: 30_000,
      startedAt: expect.any(Number) as number,
      partitions: [{ topic: 'written', partition: 1 }],
    });
    expect(await admin.describeProducers({ topic: 'written', partition: 1 })).toEqual([
      expect.objectContaining({ producerId: described.producerId, transactionStartOffset: 0, lastSequence: 0 }),
    ]);
    expect(await admin.describeProducers({ topic: 'written', partition: 0 })).toEqual([]);
    await producer.commitTransaction();
    expect(await admin.describeTransaction('tx')).toMatchObject({ state: 'CompleteCommit', startedAt: undefined });
    const [after] = await admin.describeProducers({ topic: 'written', partition: 1 });
    expect(after!.transactionStartOffset).toBeUndefined();
  });

  test('what there is not is refused by name', async () => {
    const admin = client.admin();
    await expect(admin.describeTransaction('nobody')).rejects.toMatchObject({ code: 'TRANSACTIONAL_ID_NOT_FOUND' });
    await expect(admin.listTransactions({ states: ['Asleep'] })).rejects.toThrow('brokers know no state "Asleep"');
    await expect(admin.describeProducers({ topic: 'written', partition: 0 }, 9)).rejects.toMatchObject({
      code: 'BROKER_NOT_AVAILABLE',
    });
  });

  test('says which APIs it has', async () => {
    const apis = await client.admin().apiVersions(1);
    expect(apis.find(({ key }) => key === 66)).toEqual({ key: 66, name: 'ListTransactions', min: 0, max: 2 });
  });

  test('has no access rules, and says so', async () => {
    await expect(client.admin().describeAcls()).rejects.toMatchObject({ code: 'SECURITY_DISABLED' });
  });

  test('leads all partitions, and nothing is on its way', async () => {
    const admin = client.admin();
    const results = await admin.electLeaders('preferred', [{ topic: 'written', partition: 0 }]);
    expect(results).toMatchObject([{ topic: 'written', partition: 0, error: { code: 'ELECTION_NOT_NEEDED' } }]);
    expect(await admin.electLeaders('preferred', null)).toEqual([]);
    expect(await admin.listPartitionReassignments()).toEqual([]);
  });
});

const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS'];
if (bootstrapServers === undefined) console.log('skipped: KAFKA_BOOTSTRAP_SERVERS names no Apache Kafka');

describe.skipIf(bootstrapServers === undefined)('on Apache Kafka', () => {
  const topic = `administered-${process.pid}`;
  let client: Client;
  beforeAll(async () => {
    client = createClient({ bootstrapServers: bootstrapServers! });
    await client.admin().createTopics([{ name: topic, partitions: 1 }]);
  });
  afterAll(async () => {
    await client.admin().deleteTopics([topic]);
    await client.close();
  });

  const rule: AccessRule = {
    resourceType: 'TOPIC',
    resourceName: topic,
    patternType: 'PREFIXED',
    principal: 'User:reader',
    host: '*',
    operation: 'DESCRIBE_CONFIGS',
    permission: 'DENY',
  };

  test('rules are made, found and deleted, or the broker says that it has none', async () => {
    const admin = client.admin();
    try {
      await admin.createAcls([rule]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'SECURITY_DISABLED' });
      return;
    }
    const applying = { resourceType: 'TOPIC', resourceName: `${topic}-1`, patternType: 'MATCH' } as const;
    expect(await admin.describeAcls({ ...applying, principal: 'User:reader' })).toEqual([rule]);
    expect(await admin.describeAcls({ ...applying, patternType: 'LITERAL' })).toEqual([]);
    const filters = [{ ...applying, operation: 'READ' }, applying] as const;
    expect(await admin.deleteAcls(filters)).toEqual([[], [rule]]);
    expect(await admin.describeAcls({ principal: 'User:reader' })).toEqual([]);
  });

  test('an election that is not needed is said to be none', async () => {
    const [result] = await client.admin().electLeaders('preferred', [{ topic, partition: 0 }]);
    expect(result).toMatchObject({ topic, partition: 0, error: { code: 'ELECTION_NOT_NEEDED' } });
    expect(await client.admin().listPartitionReassignments([{ topic, partition: 0 }])).toEqual([]);
  });

  test('a transaction that hangs is ended in its partition', async () => {
    const admin = client.admin();
    const producer = client.producer({ transactionalId: topic });
    await producer.initTransactions();
    producer.beginTransaction();
    await producer.send({ topic, partition: 0, value: 'open' });
    const [open] = await admin.describeProducers({ topic, partition: 0 });
    expect(open!.transactionStartOffset).toBe(0);
    const { producerId, producerEpoch, coordinatorEpoch } = open!;
    await admin.abortTransaction({ topic, partition: 0, producerId, producerEpoch, coordinatorEpoch });
    const [ended] = await admin.describeProducers({ topic, partition: 0 });
    expect(ended!.transactionStartOffset).toBeUndefined();
    await producer.close();
  });
});
