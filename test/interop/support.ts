import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../src/broker/index.ts';

/** A broker that listens for all tests of a file: its address, and the function that ends it. */
export async function listeningBroker(): Promise<{ address: string; broker: Broker; stop: () => Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-interop-'));
  const settings = { 'group.initial.rebalance.delay.ms': 0, 'offsets.topic.num.partitions': 3 };
  const broker = await Broker.open({ dataDir, settings });
  const { host, port } = await broker.listen({ host: '127.0.0.1', port: 0 });
  return {
    address: `${host}:${port}`,
    broker,
    async stop() {
      await broker.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
