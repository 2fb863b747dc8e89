// A worker of ours with everything that is real: plugins, tasks, stores, REST.
import { type Client } from '../../../src/client/index.ts';
import { readWorkerSettings, type WorkerMode } from '../../../src/connect/herder/settings.ts';
import { Plugins } from '../../../src/connect/plugins/index.ts';
import { type ConnectService, openConnect } from '../../../src/connect/service.ts';
import { MemorySchemas } from '../../../src/serde/index.ts';
import { systemEnvironment } from '../../../src/util/index.ts';

export interface WholeWorker {
  readonly service: ConnectService;
  readonly url: string;
  /** What it is called in states. */
  readonly name: string;
  readonly log: readonly string[];
  close(): Promise<void>;
}

export async function startWorker(
  mode: WorkerMode,
  client: Client,
  settings: Readonly<Record<string, string>>,
): Promise<WholeWorker> {
  const log: string[] = [];
  const service = await openConnect({
    config: readWorkerSettings(mode, {
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      listeners: 'http://127.0.0.1:0',
      'offset.flush.interval.ms': '500',
      ...settings,
    }),
    client,
    plugins: new Plugins(),
    schemaSource: () => new MemorySchemas(),
    version: '4.1.1',
    environment: systemEnvironment,
    log: (message) => void log.push(message),
  });
  const close = async (): Promise<void> => {
    await service.close();
    await client.close();
  };
  return { service, url: service.url.replace(/\/$/, ''), name: new URL(service.url).host, log, close };
}

/** The topics of a cluster of workers on one broker. */
export function clusterSettings(groupId: string): Record<string, string> {
  return {
    'group.id': groupId,
    'config.storage.topic': `${groupId}-configs`,
    'offset.storage.topic': `${groupId}-offsets`,
    'status.storage.topic': `${groupId}-status`,
    'config.storage.replication.factor': '1',
    'offset.storage.replication.factor': '1',
    'status.storage.replication.factor': '1',
    'offset.storage.partitions': '3',
    'status.storage.partitions': '2',
    'scheduled.rebalance.max.delay.ms': '1000',
    'session.timeout.ms': '6000',
    'heartbeat.interval.ms': '500',
  };
}
