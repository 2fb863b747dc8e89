// Consumers in share groups on our own broker, over both roads; what is refused at the call.
import { expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { openEmbedded } from '../suites/embedded.ts';
import { shareGroupSuite } from '../suites/share-groups.ts';

/** Members are heard often, so that nobody waits. */
const QUICK = {
  'group.share.heartbeat.interval.ms': 50,
  'group.share.min.heartbeat.interval.ms': 1,
  'group.share.assignment.interval.ms': 0,
};

shareGroupSuite('in process', async () => {
  const embedded = await openEmbedded(QUICK);
  return { connect: () => embedded.connect(), close: () => embedded.close() };
});

shareGroupSuite('over TCP', async () => {
  const embedded = await openEmbedded(QUICK);
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  return { connect: () => createClient({ bootstrapServers: `${host}:${port}` }), close: () => embedded.close() };
});

test('what makes no sense is refused where it is said', async () => {
  const client = createClient();
  expect(() => client.shareConsumer({ groupId: '' })).toThrow('groupId');
  expect(() => client.shareConsumer({ groupId: 'g', shareAcquireMode: 'all' as 'record_limit' })).toThrow(
    'record_limit',
  );
  const consumer = client.shareConsumer({ groupId: 'g' });
  await expect(consumer.poll(0)).rejects.toThrow('not subscribed');
  const record = {
    topic: 't',
    partition: 0,
    offset: 0,
    timestamp: 0,
    key: null,
    value: null,
    headers: [],
    deliveryCount: 1,
  };
  expect(() => consumer.acknowledge(record)).toThrow("shareAcknowledgementMode: 'explicit'");
  const explicit = client.shareConsumer({ groupId: 'g', shareAcknowledgementMode: 'explicit' });
  expect(() => explicit.acknowledge(record, 'gap' as 'accept')).toThrow('accept, release, reject, renew');
  expect(() => explicit.acknowledge(record)).toThrow('not one that the last poll has brought');
  await client.close();
});
