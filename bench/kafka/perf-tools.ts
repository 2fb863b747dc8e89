// Apache Kafka's own measuring tools, run on a broker; what they print becomes figures.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contender } from './contenders.ts';

const JVM = ['-Xmx512M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
const PATIENCE_MS = 300_000;

/** Whose client: without, or with TLS and a login. */
export type Way = 'plain' | 'secured';

export interface Throughput {
  readonly perSecond: number;
  /** Of the broker's processor, per record, in microseconds. */
  readonly cpuMicros: number;
}

export class PerfTools {
  readonly #words: readonly string[];

  constructor(jars: string) {
    const log4j = join(tmpdir(), `millrace-bench-log4j-${process.pid}.properties`);
    writeFileSync(log4j, 'rootLogger.level=OFF\n');
    this.#words = [...JVM, `-Dlog4j2.configurationFile=${log4j}`, '-cp', join(jars, '*')];
  }

  async createTopic(at: Contender, topic: string, partitions: number): Promise<void> {
    const words = ['--create', '--topic', topic, '--partitions', String(partitions)];
    await this.#run('TopicCommand', ['--bootstrap-server', at.address, ...words]);
  }

  async deleteTopic(at: Contender, topic: string): Promise<void> {
    await this.#run('TopicCommand', ['--bootstrap-server', at.address, '--delete', '--topic', topic]);
  }

  async produce(
    at: Contender,
    topic: string,
    records: number,
    size: number,
    way: Way,
    acks = 'all',
  ): Promise<Throughput> {
    const cpu = at.cpuSeconds();
    const text = await this.#run('ProducerPerformance', [
      ...['--topic', topic, '--num-records', String(records), '--record-size', String(size), '--throughput', '-1'],
      ...['--bootstrap-server', addressOf(at, way), '--command-property', `acks=${acks}`],
      ...fileOf(at, way, '--command-config'),
    ]);
    const perSecond = figure(text, /([\d.]+) records\/sec[^\n]*99th/g);
    return { perSecond, cpuMicros: ((at.cpuSeconds() - cpu) / records) * 1e6 };
  }

  async consume(at: Contender, topic: string, records: number, way: Way): Promise<Throughput> {
    const cpu = at.cpuSeconds();
    const text = await this.#run('ConsumerPerformance', [
      ...['--topic', topic, '--num-records', String(records), '--timeout', '60000', '--hide-header'],
      ...['--bootstrap-server', addressOf(at, way)],
      ...fileOf(at, way, '--command-config'),
    ]);
    // Records per second while fetching, without the time of joining the group.
    const columns = text.trim().split('\n').at(-1)!.split(', ');
    if (columns.length < 10) throw new Error(`the consumer of ${at.name} says: ${text.slice(-500)}`);
    return { perSecond: Number(columns[9]), cpuMicros: ((at.cpuSeconds() - cpu) / records) * 1e6 };
  }

  /** Milliseconds from sending a record until a consumer has it, one at a time. */
  async endToEnd(at: Contender, topic: string, records: number, acks: string): Promise<{ mean: number; p99: number }> {
    const text = await this.#run('EndToEndLatency', [at.address, topic, String(records), acks, '100']);
    return { mean: figure(text, /Avg latency: ([\d.]+)/g), p99: figure(text, /99th = ([\d.]+)/g) };
  }

  #run(tool: string, words: readonly string[]): Promise<string> {
    const child = spawn('java', [...this.#words, `org.apache.kafka.tools.${tool}`, ...words], { timeout: PATIENCE_MS });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(text);
        else reject(new Error(`${tool} ${words.join(' ')} ended with ${code}: ${text.slice(-1000)}`));
      });
    });
  }
}

function addressOf(at: Contender, way: Way): string {
  return way === 'plain' ? at.address : at.secured.address;
}

function fileOf(at: Contender, way: Way, flag: string): string[] {
  return way === 'plain' ? [] : [flag, at.secured.properties];
}

/** The last place where a text says it. */
function figure(text: string, pattern: RegExp): number {
  const last = [...text.matchAll(pattern)].at(-1);
  if (last === undefined) throw new Error(`nothing like ${pattern.source} in: ${text.slice(-500)}`);
  return Number(last[1]);
}
