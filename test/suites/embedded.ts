// A broker of our own for a test: a fresh data directory, nothing listening unless asked for, gone afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../src/broker/index.ts';
import { type Client, createClient } from '../../src/client/index.ts';

export interface Embedded {
  readonly broker: Broker;
  readonly dataDir: string;
  /** A client that reaches the broker in process. */
  connect(): Client;
  close(): Promise<void>;
}

export async function openEmbedded(settings: Record<string, string | number | boolean> = {}): Promise<Embedded> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-'));
  const broker = await Broker.open({ dataDir, settings: { 'group.initial.rebalance.delay.ms': 0, ...settings } });
  return {
    broker,
    dataDir,
    connect: () => createClient({ dial: async () => broker.connect() }),
    async close() {
      await broker.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
