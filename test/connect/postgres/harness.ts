// What the worker does with a source's task, as far as the connector can tell: it polls, writes what comes, and keeps the
// offset of the last record that is written; it can be cut off at any record, and begun again from what was kept.
import { expect } from 'vitest';
import {
  parseConfig,
  type RawConfig,
  type SourceOffset,
  type SourceRecord,
  type SourceTask,
} from '../../../src/connect/index.ts';
import { postgresSource } from '../../../src/connect/connectors/postgres/connector.ts';
import { systemEnvironment } from '../../../src/util/index.ts';
import type { Postgres } from '../support/postgres.ts';

const PATIENCE_MS = 30_000;

/** A record as it is read: of a change, with its row by name. */
export interface ChangeValue {
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly op: string;
  readonly source: Record<string, unknown>;
  readonly transaction: Record<string, unknown> | null;
}

/** A task and what it wrote. */
export class Harness {
  /** Everything that was written, in order. */
  readonly written: SourceRecord[] = [];
  readonly warnings: string[] = [];
  readonly raw: RawConfig;
  #offset: SourceOffset | null = null;
  #task: SourceTask | undefined;

  constructor(postgres: Postgres, database: string, settings: Record<string, string> = {}) {
    this.raw = {
      name: 'cdc',
      'connector.class': postgresSource.className,
      'database.hostname': '127.0.0.1',
      'database.port': String(postgres.port),
      'database.user': postgres.user,
      'database.password': postgres.password,
      'database.dbname': database,
      'topic.prefix': 'srv',
      'slot.name': database,
      'poll.interval.ms': '50',
      'retriable.restart.connector.wait.ms': '200',
      ...settings,
    };
  }

  /** What is stored. */
  get offset(): SourceOffset | null {
    return this.#offset;
  }

  set offset(offset: SourceOffset | null) {
    this.#offset = offset;
  }

  /** Begins, or goes on, with other settings if any are given. */
  async start(settings: Record<string, string> = {}): Promise<void> {
    const raw = { ...this.raw, ...settings };
    const config = parseConfig(postgresSource.config, raw);
    const log = {
      error: (text: string) => this.warnings.push(text),
      warn: (text: string) => this.warnings.push(text),
      info: () => undefined,
      debug: () => undefined,
    };
    const connector = postgresSource.create(config, raw, {
      name: 'cdc',
      environment: systemEnvironment,
      log,
      requestTaskReconfiguration: () => undefined,
      raiseError: (error) => this.warnings.push(error.message),
    });
    const [task] = await connector.taskConfigs(1);
    this.#task = postgresSource.task();
    await this.#task.start(
      parseConfig(postgresSource.config, task!),
      {
        connector: 'cdc',
        taskId: 0,
        environment: systemEnvironment,
        log,
        offset: () => Promise.resolve(this.#offset),
        offsets: (partitions) => Promise.resolve(partitions.map(() => this.#offset)),
        transaction: undefined,
        pause: (delayMs, signal) =>
          new Promise((resolve) => {
            if (signal.aborted) return resolve();
            const done = (): void => {
              cancel();
              signal.removeEventListener('abort', done);
              resolve();
            };
            const cancel = systemEnvironment.after(delayMs, done);
            signal.addEventListener('abort', done);
          }),
      },
      task!,
    );
  }

  /** One poll, of which so many records are written; retriable faults are nothing. Answers how many were. */
  async poll(most = Number.POSITIVE_INFINITY, signal = AbortSignal.timeout(PATIENCE_MS)): Promise<number> {
    let records: readonly SourceRecord[];
    try {
      records = await this.#task!.poll(signal);
    } catch (error) {
      if (error instanceof Error && 'retriable' in error && error.retriable === true) return 0;
      throw error;
    }
    const written = records.slice(0, most);
    this.written.push(...written);
    const last = written.at(-1);
    // As they are stored: as JSON.
    if (last !== undefined) this.#offset = JSON.parse(JSON.stringify(last.sourceOffset)) as SourceOffset;
    if (written.length === records.length) await this.#task!.commit?.();
    return written.length;
  }

  /** Polls until it is so. */
  async until(
    isSo: (written: readonly SourceRecord[]) => boolean | Promise<boolean>,
    what = 'what is waited for',
  ): Promise<void> {
    const endMs = systemEnvironment.now() + PATIENCE_MS;
    while (!(await isSo(this.written))) {
      if (systemEnvironment.now() > endMs)
        expect.fail(`${what} did not come; written: ${this.written.length}; ${this.warnings.join('; ')}`);
      await this.poll();
    }
  }

  /** Ends the task, as a worker that is killed would: nothing more is written. */
  async kill(): Promise<void> {
    const task = this.#task;
    this.#task = undefined;
    await task?.stop();
  }

  /** The changes that were written to a table's topic. */
  changes(table: string): ChangeValue[] {
    return this.written
      .filter((record) => record.topic === `srv.${table}` && record.value !== null)
      .map((record) => record.value as ChangeValue);
  }
}
