// What consumers in share groups (KIP-932) must do, whatever road leads to the brokers. A real Apache Kafka beats in its own rhythm:
// nothing here counts on a shorter one, nor on where a group begins.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client, ShareCommit, ShareConsumer, ShareConsumerSettings, ShareRecord } from '../../src/client/index.ts';
import type { Road } from './client.ts';

const PATIENCE_MS = 60_000;
const READY = 'ready';

export function shareGroupSuite(name: string, open: () => Promise<Road>): void {
  describe(`share groups ${name}`, { timeout: PATIENCE_MS }, () => {
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

    async function newTopic(partitions = 1): Promise<string> {
      const topic = `t-${randomUUID()}`;
      await client.admin().createTopics([{ name: topic, partitions }]);
      return topic;
    }

    const textOf = ({ value }: ShareRecord): string => Buffer.from(value!).toString();

    async function send(topic: string, ...values: string[]): Promise<void> {
      const producer = client.producer();
      for (const value of values) await producer.send({ topic, value });
      await producer.close();
    }

    /** A member of the group that reads; the group begins behind what it has read so far. */
    async function member(topic: string, settings: ShareConsumerSettings): Promise<ShareConsumer> {
      const consumer = client.shareConsumer(settings);
      consumer.subscribe([topic]);
      let found: ShareRecord[] = [];
      while (found.length === 0) {
        await send(topic, READY);
        found = await consumer.poll(1000);
      }
      await drain(consumer, settings, found);
      return consumer;
    }

    /** Accepts what is left of getting ready. */
    async function drain(
      consumer: ShareConsumer,
      settings: ShareConsumerSettings,
      first: ShareRecord[],
    ): Promise<void> {
      for (let found = first; found.length > 0; found = await consumer.poll(300)) {
        if (settings.shareAcknowledgementMode === 'explicit') for (const record of found) consumer.acknowledge(record);
      }
      await consumer.commit();
    }

    /** Polls until so many records have come. */
    async function read(consumer: ShareConsumer, count: number): Promise<ShareRecord[]> {
      const found: ShareRecord[] = [];
      while (found.length < count) found.push(...(await consumer.poll(500)));
      return found;
    }

    test('what a poll has brought is accepted by the next one, and nobody gets it again', async () => {
      const topic = await newTopic();
      const settings = { groupId: `s-${randomUUID()}` };
      const one = await member(topic, settings);
      await send(topic, 'a', 'b');
      expect((await read(one, 2)).map((record) => [textOf(record), record.deliveryCount])).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
      expect(one.acquisitionLockTimeoutMs).toBe(30_000);
      expect(await one.commit()).toEqual([{ topic, partition: 0 }]);
      const [group] = await client.admin().describeGroups([settings.groupId]);
      expect(group).toMatchObject({
        protocolType: 'share',
        protocol: 'simple',
        members: [{ assignment: [{ topic }] }],
      });
      await one.close();
      const two = client.shareConsumer(settings);
      two.subscribe([topic]);
      await send(topic, 'c');
      expect((await read(two, 1)).map(textOf)).toEqual(['c']);
      await two.close();
    });

    test('explicitly: accepted, released and rejected ones; all of a poll before the next', async () => {
      const topic = await newTopic();
      const one = await member(topic, { groupId: `s-${randomUUID()}`, shareAcknowledgementMode: 'explicit' });
      await send(topic, 'accepted', 'released', 'rejected');
      const found = await read(one, 1);
      await expect(one.poll(0)).rejects.toMatchObject({ code: 'INVALID_STATE' });
      const says = { accepted: 'accept', released: 'release', rejected: 'reject' } as const;
      const heard: string[] = [];
      let records = found;
      for (;;) {
        for (const record of records) {
          heard.push(`${textOf(record)} ${record.deliveryCount}`);
          const isAgain = record.deliveryCount > 1;
          one.acknowledge(record, isAgain ? 'accept' : says[textOf(record) as keyof typeof says]);
        }
        if (heard.length >= 4) break;
        records = await one.poll(500);
      }
      expect(heard.sort()).toEqual(['accepted 1', 'rejected 1', 'released 1', 'released 2']);
      expect((await one.commit()).every(({ error }) => error === undefined)).toBe(true);
      expect(await one.poll(300)).toEqual([]);
      await one.close();
    });

    test('a record whose time is renewed comes once more, as the same delivery', async () => {
      const topic = await newTopic();
      const one = await member(topic, { groupId: `s-${randomUUID()}`, shareAcknowledgementMode: 'explicit' });
      await send(topic, 'long');
      const [record] = await read(one, 1);
      one.acknowledge(record!, 'renew');
      const [again] = await one.poll(500);
      expect(again).toBe(record);
      one.acknowledge(again!);
      // Once for the renewal, once for the rest.
      const renewed = { topic, partition: 0 };
      expect(await one.commit()).toEqual([renewed, renewed]);
      await one.close();
    });

    test('members read the same partition; what one leaves behind the other gets', async () => {
      const topic = await newTopic();
      const settings = { groupId: `s-${randomUUID()}`, shareAcknowledgementMode: 'explicit' } as const;
      const one = await member(topic, settings);
      const two = await member(topic, settings);
      await send(topic, 'x');
      let held: ShareRecord[] = [];
      let [holder, other] = [one, two];
      while (held.length === 0) {
        held = await holder.poll(300);
        if (held.length === 0) [holder, other] = [other, holder];
      }
      expect(held.map(textOf)).toEqual(['x']);
      expect(await other.poll(300)).toEqual([]);
      await holder.close();
      const [taken] = await read(other, 1);
      expect([textOf(taken!), taken!.deliveryCount]).toEqual(['x', 2]);
      other.acknowledge(taken!);
      await other.close();
    });

    test('with a limit, a poll brings no more; what becomes of acknowledgements is told', async () => {
      const topic = await newTopic();
      const told: ShareCommit[] = [];
      const one = await member(topic, {
        groupId: `s-${randomUUID()}`,
        shareAcquireMode: 'record_limit',
        maxPollRecords: 2,
        onAcknowledged: (commits) => void told.push(...commits),
      });
      const producer = client.producer({ lingerMs: 50 });
      await Promise.all(['a', 'b', 'c'].map((value) => producer.send({ topic, value })));
      await producer.close();
      expect(await read(one, 1)).toHaveLength(2);
      expect((await read(one, 1)).map(textOf)).toEqual(['c']);
      await one.commit();
      expect(told.length).toBeGreaterThan(0);
      expect(told.every(({ error }) => error === undefined)).toBe(true);
      await one.close();
    });
  });
}
