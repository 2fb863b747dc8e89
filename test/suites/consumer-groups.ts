// What consumers in the consumer protocol (KIP-848) must do, and members of the classic one beside them, whatever road leads to the
// brokers. A real Apache Kafka beats in its own rhythm: nothing here counts on a shorter one.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client, Consumer, ConsumerSettings, RebalanceListener, TopicPartition } from '../../src/client/index.ts';
import { recordsOf } from '../../src/client/index.ts';
import { codeOf } from '../../src/util/index.ts';
import type { Road } from './client.ts';

const PATIENCE_MS = 60_000;

export function consumerGroupSuite(name: string, open: () => Promise<Road>): void {
  describe(`groups in the consumer protocol ${name}`, { timeout: PATIENCE_MS }, () => {
    let road: Road;
    let client: Client;

    beforeAll(async () => {
      road = await open();
      client = road.connect();
    });
    afterAll(async () => {
      await client?.close();
      await road?.close();
    });

    async function newTopic(partitions: number, topic = `t-${randomUUID()}`): Promise<string> {
      await client.admin().createTopics([{ name: topic, partitions }]);
      return topic;
    }

    function member(
      groupId: string,
      topics: string | { pattern: string },
      settings: ConsumerSettings = {},
      listener: RebalanceListener = {},
    ): Consumer {
      const { groupProtocol = 'consumer' } = settings;
      const consumer = client.consumer({ groupId, groupProtocol, autoOffsetReset: 'earliest', ...settings });
      consumer.subscribe(typeof topics === 'string' ? [topics] : topics, listener);
      return consumer;
    }

    /** All of them poll until they read so many partitions. */
    async function share(members: readonly Consumer[], counts: readonly number[]): Promise<void> {
      while (!members.every((each, i) => each.assignment().length === counts[i])) {
        await Promise.all(members.map((each) => each.poll(20)));
      }
    }

    const indexes = (...members: readonly Consumer[]): number[] =>
      members.flatMap((each) => each.assignment().map(({ partition }) => partition)).sort();

    test('members share a topic, take over when one leaves, and are described', async () => {
      const topic = await newTopic(4);
      const groupId = `g-${randomUUID()}`;
      const revoked: TopicPartition[][] = [];
      const one = member(groupId, topic, {}, { onRevoked: (list) => void revoked.push([...list]) });
      await share([one], [4]);
      const two = member(groupId, topic);
      await share([one, two], [2, 2]);
      expect(indexes(one, two)).toEqual([0, 1, 2, 3]);
      // Only what moved was given up.
      expect(revoked.map((list) => list.length)).toEqual([2]);
      const [described] = await client.admin().describeGroups([groupId]);
      expect(described).toMatchObject({ protocolType: 'consumer', protocol: 'uniform' });
      expect(described!.members.map(({ assignment }) => assignment.length)).toEqual([2, 2]);
      await one.close();
      await share([two], [4]);
      await two.close();
      await client.admin().deleteGroups([groupId]);
      expect((await client.admin().listGroups()).map((group) => group.groupId)).not.toContain(groupId);
    });

    test('commits as a member and goes on there; once it has lost its place it can not', async () => {
      const topic = await newTopic(1);
      const groupId = `g-${randomUUID()}`;
      const producer = client.producer();
      for (const value of ['a', 'b', 'c']) await producer.send({ topic, value });
      const one = member(groupId, topic);
      const read: string[] = [];
      while (read.length < 3) {
        for (const { value } of recordsOf(await one.poll(20))) read.push(Buffer.from(value!).toString());
      }
      const { memberId, generationId } = one.groupMetadata();
      expect(memberId).not.toBe('');
      expect(generationId).toBeGreaterThan(0);
      await one.commit([{ topic, partition: 0, offset: 2, metadata: 'here' }]);
      await client.admin().removeMembers(groupId, [{ memberId }]);
      await expect(one.commit([{ topic, partition: 0, offset: 3 }])).rejects.toMatchObject({
        code: 'UNKNOWN_MEMBER_ID',
      });
      // The next poll joins again.
      let again: string[] = [];
      while (again.length === 0) {
        again = [...recordsOf(await one.poll(20))].map(({ value }) => Buffer.from(value!).toString());
      }
      expect(again).toEqual(['c']);
      expect(await one.committed([{ topic, partition: 0 }])).toMatchObject([{ offset: 2, metadata: 'here' }]);
      await one.close();
    });

    test('a member that the group has gone on without is told, and comes back', async () => {
      const topic = await newTopic(2);
      const groupId = `g-${randomUUID()}`;
      const heard: string[] = [];
      const listener = {
        onAssigned: (list: readonly TopicPartition[]) => void heard.push(`assigned ${list.length}`),
        onRevoked: (list: readonly TopicPartition[]) => void heard.push(`revoked ${list.length}`),
        onLost: (list: readonly TopicPartition[]) => void heard.push(`lost ${list.length}`),
      };
      const one = member(groupId, topic, {}, listener);
      await share([one], [2]);
      await client.admin().removeMembers(groupId, [{ memberId: one.groupMetadata().memberId }]);
      while (!heard.includes('lost 2')) await one.poll(20);
      await share([one], [2]);
      await one.close();
      expect(heard.filter((each) => each !== 'assigned 0')).toEqual([
        'assigned 2',
        'lost 2',
        'assigned 2',
        'revoked 2',
      ]);
    });

    test('a pattern is looked up by the broker, also for topics that come later', async () => {
      const prefix = `p-${randomUUID()}`;
      await newTopic(1, `${prefix}.one`);
      await newTopic(1, `no-${prefix}.one`);
      const one = member(`g-${randomUUID()}`, { pattern: `${prefix}\\..*` }, { groupRemoteAssignor: 'range' });
      await share([one], [1]);
      await newTopic(2, `${prefix}.two`);
      await share([one], [3]);
      expect(new Set(one.assignment().map(({ topic }) => topic))).toEqual(new Set([`${prefix}.one`, `${prefix}.two`]));
      await one.close();
      const broken = member(`g-${randomUUID()}`, { pattern: '(' });
      const refused = async (): Promise<void> => {
        for (;;) await broken.poll(20);
      };
      await expect(refused()).rejects.toMatchObject({ code: 'INVALID_REGULAR_EXPRESSION' });
      await broken.close();
    });

    test('a static member finds what it had, and its twin is refused while it is there', async () => {
      const topic = await newTopic(2);
      const groupId = `g-${randomUUID()}`;
      const one = member(groupId, topic, { groupInstanceId: 'one' });
      const two = member(groupId, topic, { groupInstanceId: 'two' });
      await share([one, two], [1, 1]);
      const own = two.assignment();
      const twin = member(groupId, topic, { groupInstanceId: 'two' });
      const refused = async (): Promise<void> => {
        for (;;) await twin.poll(20);
      };
      await expect(refused()).rejects.toMatchObject({ code: 'UNRELEASED_INSTANCE_ID' });
      await two.close();
      await share([one, twin], [1, 1]);
      expect(twin.assignment()).toEqual(own);
      await twin.close();
      await one.close();
      await client.admin().removeMembers(groupId, [{ groupInstanceId: 'one' }, { groupInstanceId: 'two' }]);
      expect((await client.admin().describeGroups([groupId]))[0]).toMatchObject({ state: 'Empty', members: [] });
    });

    test('offsets in a transaction are the member’s in its epoch', async () => {
      const topic = await newTopic(1);
      const groupId = `g-${randomUUID()}`;
      const one = member(groupId, topic);
      await share([one], [1]);
      const producer = client.producer({ transactionalId: `x-${randomUUID()}` });
      await producer.initTransactions();
      producer.beginTransaction();
      const stale = { ...one.groupMetadata(), generationId: 1 };
      const offsets = [{ topic, partition: 0, offset: 5 }];
      const refusal = await producer.sendOffsetsToTransaction(offsets, stale).then(
        () => undefined,
        (error) => codeOf(error),
      );
      expect(refusal).toBe('ILLEGAL_GENERATION');
      await producer.abortTransaction();
      producer.beginTransaction();
      await producer.sendOffsetsToTransaction(offsets, one.groupMetadata());
      await producer.commitTransaction();
      expect(await one.committed([{ topic, partition: 0 }])).toMatchObject([{ offset: 5 }]);
      await one.close();
    });

    test('classic members and new ones are in one group while it changes over, there and back', async () => {
      const topic = await newTopic(4);
      const groupId = `g-${randomUUID()}`;
      const classic = { groupProtocol: 'classic', heartbeatIntervalMs: 100 } as const;
      const old = member(groupId, topic, { ...classic, partitionAssignmentStrategy: ['cooperative-sticky'] });
      const eager = member(groupId, topic, {
        ...classic,
        partitionAssignmentStrategy: ['cooperative-sticky', 'range'],
      });
      await share([old, eager], [2, 2]);
      const one = member(groupId, topic);
      const typeOf = async (): Promise<string | undefined> =>
        (await client.admin().listGroups()).find((group) => group.groupId === groupId)?.type.toLowerCase();
      while (one.assignment().length === 0 || indexes(old, eager, one).length !== 4) {
        await Promise.all([old, eager, one].map((each) => each.poll(20)));
      }
      expect(indexes(old, eager, one)).toEqual([0, 1, 2, 3]);
      expect(await typeOf()).toBe('consumer');
      await one.close();
      await share([old, eager], [2, 2]);
      expect(await typeOf()).toBe('classic');
      await old.close();
      await share([eager], [4]);
      await eager.close();
    });

    test('cooperative-sticky: in classic groups, too, only what moves is given up', async () => {
      const topic = await newTopic(6);
      const groupId = `g-${randomUUID()}`;
      const settings = {
        groupProtocol: 'classic',
        heartbeatIntervalMs: 100,
        partitionAssignmentStrategy: ['cooperative-sticky'],
      } as const;
      const given: number[] = [];
      const one = member(groupId, topic, settings, { onRevoked: (list) => void given.push(list.length) });
      await share([one], [6]);
      const two = member(groupId, topic, settings);
      await share([one, two], [3, 3]);
      const three = member(groupId, topic, settings);
      await share([one, two, three], [2, 2, 2]);
      expect(given).toEqual([3, 1]);
      expect(indexes(one, two, three)).toEqual([0, 1, 2, 3, 4, 5]);
      for (const each of [one, two, three]) await each.close();
    });
  });
}
