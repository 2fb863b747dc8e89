// Consumers in the consumer protocol on our own broker, over all roads; what is refused at the call.
import { expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { consumerGroupSuite } from '../suites/consumer-groups.ts';
import { openEmbedded } from '../suites/embedded.ts';

/** Members are heard often, so that nobody waits. */
const QUICK = {
  'group.consumer.heartbeat.interval.ms': 50,
  'group.consumer.min.heartbeat.interval.ms': 1,
  'group.consumer.assignment.interval.ms': 0,
};

consumerGroupSuite('in process', async () => {
  const embedded = await openEmbedded(QUICK);
  return { connect: () => embedded.connect(), close: () => embedded.close() };
});

consumerGroupSuite('over TCP', async () => {
  const embedded = await openEmbedded(QUICK);
  const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
  return { connect: () => createClient({ bootstrapServers: `${host}:${port}` }), close: () => embedded.close() };
});

test('settings that do not go together are refused', async () => {
  const client = createClient();
  const refused = (settings: object): unknown => {
    try {
      client.consumer(settings);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  expect(refused({ groupProtocol: 'consumer', sessionTimeoutMs: 1000 })).toBe(
    "consumer: with groupProtocol: 'consumer' the broker decides about sessionTimeoutMs: leave it out",
  );
  expect(refused({ groupProtocol: 'consumer', partitionAssignmentStrategy: ['range'] })).toContain('leave it out');
  expect(refused({ groupRemoteAssignor: 'range' })).toBe(
    "consumer: groupRemoteAssignor needs groupProtocol: 'consumer'",
  );
  expect(refused({ partitionAssignmentStrategy: ['sticky'] })).toContain('"cooperative-sticky"');
  expect(refused({ partitionAssignmentStrategy: [] })).toContain('names no assignor');
  expect(() => client.consumer({ groupId: 'g' }).subscribe({ pattern: 'x.*' })).toThrow(
    "a pattern needs groupProtocol: 'consumer'",
  );
  await client.close();
});
