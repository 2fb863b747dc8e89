// A whole platform for a measurement: a fresh data directory, any free ports, and a caller's statements over the engine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Platform } from '../src/platform/index.ts';

export interface MeasuredPlatform {
  readonly platform: Platform;
  execute(statements: string): Promise<void>;
  /** Records in a topic that readers of committed data can see, markers and all. */
  end(topic: string): Promise<number>;
  close(): Promise<void>;
}

export async function openPlatform(settings: Record<string, string | number> = {}): Promise<MeasuredPlatform> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const platform = await Platform.start({
    settings: {
      'log.dirs': dataDir,
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': 'http://127.0.0.1:0',
      'ksql.listeners': 'http://127.0.0.1:0',
      'ksql.streams.auto.offset.reset': 'earliest',
      ...settings,
    },
  });
  const admin = platform.client.admin();
  return {
    platform,
    async execute(statements) {
      const response = await fetch(`${platform.url('sql')}/ksql`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.ksql.v1+json' },
        body: JSON.stringify({ ksql: statements }),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async end(topic) {
      const description = (await admin.describeTopics([topic])).get(topic);
      const partitions = (description?.partitions ?? []).map(({ partition }) => ({ topic, partition, timestamp: -1 }));
      const ends = await admin.listOffsets(partitions, 'read_committed');
      return ends.reduce((sum, { offset }) => sum + offset, 0);
    },
    async close() {
      await platform.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export async function until(condition: () => Promise<boolean>, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('what was waited for did not happen in time');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
