// io.confluent.connect.jdbc.JdbcSinkConnector: records as rows. What was put is written, in a transaction, when `put` returns. A batch
// that a database does not take is tried again; then, where errors are tolerated, its records one by one, and those that are to blame
// are reported.
import { messageOf } from '../../../../util/index.ts';
import { type SinkTask, type SinkTaskContext, sinkPlugin } from '../../../api/index.ts';
import { ConnectError, RetriableError } from '../../../data/errors.ts';
import type { SinkRecord } from '../../../data/record.ts';
import { connectionProblems, KeptConnection } from '../connection.ts';
import { VERSION } from '../version.ts';
import { type SinkConfig, sinkConfig, sinkProblems } from './settings.ts';
import { Writer } from './writer.ts';

export const jdbcSink = sinkPlugin({
  className: 'io.confluent.connect.jdbc.JdbcSinkConnector',
  version: VERSION,
  config: sinkConfig,
  async validate(config) {
    const problems = sinkProblems(config);
    return problems.length > 0 ? problems : connectionProblems(config);
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () => new JdbcSinkTask(),
});

class JdbcSinkTask implements SinkTask<SinkConfig> {
  #config!: SinkConfig;
  #context!: SinkTaskContext;
  #connection!: KeptConnection;
  #writer!: Writer;
  #triesLeft = 0;

  start(config: SinkConfig, context: SinkTaskContext): void {
    this.#config = config;
    this.#context = context;
    this.#connection = new KeptConnection(config, context.environment);
    this.#writer = new Writer(config);
    this.#triesLeft = config['max.retries'];
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await this.#write(records);
    } catch (error) {
      await this.#afterFailure(records, error);
    }
    this.#triesLeft = this.#config['max.retries'];
  }

  async stop(): Promise<void> {
    await this.#connection?.drop();
  }

  async #write(records: readonly SinkRecord[]): Promise<void> {
    const database = await this.#connection.get();
    await this.#writer.write(database, records);
  }

  async #afterFailure(records: readonly SinkRecord[], error: unknown): Promise<void> {
    this.#writer.forget();
    if (error instanceof RetriableError) {
      await this.#connection.drop();
      if (this.#triesLeft === 0)
        throw new ConnectError(`Exceeded max.retries (${this.#config['max.retries']}): ${this.#said(error)}`, {
          cause: error,
        });
      this.#triesLeft--;
      this.#context.retryIn(this.#config['retry.backoff.ms']);
      throw error;
    }
    if (!(error instanceof ConnectError) || !this.#context.toleratesErrors)
      throw new ConnectError(this.#said(error), { cause: this.#config['trim.sensitive.log'] ? undefined : error });
    await this.#writeOneByOne(records);
  }

  /** What is wrong with one record must not be blamed on the others. */
  async #writeOneByOne(records: readonly SinkRecord[]): Promise<void> {
    for (const record of records) {
      try {
        await this.#write([record]);
      } catch (error) {
        this.#writer.forget();
        if (error instanceof RetriableError || !(error instanceof ConnectError)) throw error;
        await this.#context.reportErrant(record, new ConnectError(this.#said(error), { cause: error }));
      }
    }
  }

  #said(error: unknown): string {
    return this.#config['trim.sensitive.log'] ? 'the database has refused it (trim.sensitive.log)' : messageOf(error);
  }
}
