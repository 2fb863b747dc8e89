// What the death of an instance, or of a broker, costs an application of three instances with standbys that runs exactly once on a
// cluster of three: silence of its partitions until its session, and the transaction that it had open, have ended, and nothing
// more; a standby that takes over restores nothing. Runs where there are Java and Maven, with one death of an instance by
// default. `npm run instance-deaths` has 20, and 10 of brokers, and the limit of silence that counts on a machine with nothing
// else to do.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/client/index.ts';
import type { RestoreReport } from '../../src/streams/index.ts';
import { type KafkaCluster, openKafkaCluster } from '../suites/kafka-cluster.ts';
import { kafkaJars } from '../suites/kafka-jars.ts';
import { follow, writeWords } from './steady-load.ts';

const NODES = 3;
const INSTANCES = 3;
const INSTANCE_KILLS = Number(process.env['INSTANCE_KILLS'] ?? 1);
const BROKER_KILLS = Number(process.env['BROKER_KILLS'] ?? 0);
/** The least that Kafka's brokers let a session be. */
const SESSION_MS = 6000;
/** On a busy machine only whether it ends. */
const LONGEST_SILENCE_MS = Number(process.env['INSTANCE_SILENCE_MS'] ?? 100_000);
const kafka = await kafkaJars();
const reason = 'missing' in kafka ? kafka.missing : undefined;
if (reason !== undefined) console.log(`the death of instances is not tested: ${reason}`);

/** An instance in a process of its own. */
class Instance {
  readonly #child: ChildProcess;
  readonly isRunning: Promise<void>;
  readonly restored: RestoreReport[] = [];

  constructor(bootstrapServers: string, stateDir: string) {
    const settings = {
      numStandbyReplicas: 1,
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: 500,
      probingRebalanceIntervalMs: 2000,
    };
    const script = join(import.meta.dirname, 'counting-app.ts');
    const args = [script, bootstrapServers, 'counting', stateDir, 'words', 'counts', '0', JSON.stringify(settings)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr!.on('data', (chunk: Buffer) => log(String(chunk).trim()));
    this.isRunning = new Promise((resolve, reject) => {
      let rest = '';
      this.#child.stdout!.on('data', (chunk: Buffer) => {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          if (line === 'running') resolve();
          else this.restored.push(JSON.parse(line.slice('restored '.length)) as RestoreReport);
        }
      });
      this.#child.once('exit', (code) => reject(new Error(`an instance ended with ${code}`)));
    });
  }

  /** As a crash: kill -9. */
  kill(): Promise<void> {
    this.isRunning.catch(() => {});
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.kill('SIGKILL');
    });
  }
}

describe.skipIf(reason !== undefined)(
  `an application of three instances${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-deaths-'));
    const instances: Instance[] = [];
    let cluster: KafkaCluster;
    let client: Client;

    beforeAll(async () => {
      cluster = await openKafkaCluster((kafka as { readonly folder: string }).folder, NODES);
      client = createClient({ bootstrapServers: cluster.bootstrapServers });
    }, 180_000);
    afterAll(async () => {
      for (const instance of instances) await instance.kill();
      // Whatever the client still waits for: nothing may be left running.
      await Promise.all([client?.close(), cluster?.close()]);
      rmSync(directory, { recursive: true, force: true });
    }, 60_000);

    const start = (index: number): Instance => {
      const instance = new Instance(cluster.bootstrapServers, join(directory, String(index)));
      instances[index] = instance;
      return instance;
    };

    test(
      'counts every word once, whoever dies',
      async () => {
        await client.admin().createTopics(['words', 'counts'].map((name) => ({ name, partitions: 3 })));
        await Promise.all(Array.from({ length: INSTANCES }, (_, index) => start(index).isRunning));
        const reading = follow(client, 'counts');
        const writing = writeWords(createClient({ bootstrapServers: cluster.bootstrapServers }), 'words');
        // Everybody has something to do, and follows what another one does.
        const settle = async (): Promise<void> => {
          const mark = reading.total();
          const at = performance.now();
          await reading.until(
            () => reading.total() > mark + 1000 && performance.now() - at > 8_000 && reading.sinceLast() < 1_000,
          );
        };
        const afterDeath = async (who: string, longestMs: number): Promise<number> => {
          const at = performance.now();
          await reading.until(() => performance.now() - at > longestMs / 2 && reading.sinceLast() < 1_000);
          log(`${who}: the longest silence of a partition was ${Math.round(reading.longestSilence)} ms`);
          return reading.longestSilence;
        };
        const silences: number[] = [];
        let read = 0;
        for (let kill = 0; kill < INSTANCE_KILLS; kill++) {
          await settle();
          const index = kill % INSTANCES;
          const others = instances.filter((_, i) => i !== index);
          const before = others.map(({ restored }) => restored.length);
          reading.longestSilence = 0;
          await instances[index]!.kill();
          silences.push(await afterDeath(`instance ${index}`, 2 * (SESSION_MS + 2000)));
          const taken = others.flatMap(({ restored }, i) => restored.slice(before[i]));
          for (const { taskId, changelogRecords, wasStandby } of taken) {
            log(`task ${taskId} read ${changelogRecords} records${wasStandby ? ', and was a standby' : ''}`);
            if (wasStandby) read = Math.max(read, changelogRecords);
          }
          await start(index).isRunning;
        }
        const brokers: number[] = [];
        for (let kill = 0; kill < BROKER_KILLS; kill++) {
          await settle();
          const node = 1 + (kill % NODES);
          reading.longestSilence = 0;
          await cluster.kill(node);
          brokers.push(await afterDeath(`broker ${node}`, 24_000));
          await cluster.restart(node);
          const mark = reading.total();
          await reading.until(() => reading.total() > mark + 500);
        }
        const sent = await writing.stop();
        await reading.until(() => reading.total() >= sent);
        await reading.stop();
        const seconds = (list: readonly number[]): string => list.map((ms) => (ms / 1000).toFixed(1)).join(' ');
        console.log(
          `${sent} words; silence behind deaths of instances, s: ${seconds(silences)}; of brokers: ${seconds(brokers)}; ` +
            `at most ${read} records of changelogs were read by a standby that took over; faults: ${reading.faults.length}`,
        );
        expect(reading.faults).toEqual([]);
        expect(reading.total()).toBe(sent);
        expect(Math.max(...silences, ...brokers)).toBeLessThan(LONGEST_SILENCE_MS);
      },
      240_000 + (INSTANCE_KILLS + BROKER_KILLS) * 120_000,
    );
  },
);

const started = performance.now();

function log(line: string): void {
  if (process.env['KAFKA_VERBOSE'] !== undefined) console.log(`${Math.round(performance.now() - started)} ${line}`);
}
