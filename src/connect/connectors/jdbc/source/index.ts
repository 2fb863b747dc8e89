// io.confluent.connect.jdbc.JdbcSourceConnector: rows of tables, or of a query, found again and again by what has grown since. The
// connector looks which tables there are and shares them out; each task looks at its tables in turn.
import { messageOf } from '../../../../util/index.ts';
import type { RawConfig } from '../../../api/index.ts';
import {
  type Connector,
  type ConnectorContext,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../../api/index.ts';
import { ConnectError } from '../../../data/errors.ts';
import type { SourceRecord } from '../../../data/record.ts';
import { connectionProblems, KeptConnection } from '../connection.ts';
import { nameOfTable, type TableId } from '../database.ts';
import { VERSION } from '../version.ts';
import { Querier } from './querier.ts';
import { type SourceConfig, sourceConfig, sourceProblems } from './settings.ts';
import { chosen } from './tables.ts';

export const jdbcSource = sourcePlugin({
  className: 'io.confluent.connect.jdbc.JdbcSourceConnector',
  version: VERSION,
  config: sourceConfig,
  async validate(config) {
    const problems = sourceProblems(config);
    return problems.length > 0 ? problems : connectionProblems(config);
  },
  create: (config, raw, context) => new JdbcSourceConnector(config, raw, context),
  task: () => new JdbcSourceTask(),
  // Rows whose offset is a time that is not done with are read again.
  exactlyOnce: ({ mode }) =>
    mode === 'incrementing' || mode === 'timestamp+incrementing' ? 'supported' : 'unsupported',
  checkOffsets(_config, offsets) {
    for (const { partition, offset } of offsets) {
      if (partition['table'] === undefined && partition['query'] === undefined)
        throw new ConnectError(
          `Partition objects must name a table ({"protocol":"1","table":"public.orders"}), or {"query":"query"}: ${JSON.stringify(partition)}`,
        );
      for (const name of Object.keys(offset ?? {}))
        if (!['incrementing', 'timestamp', 'timestamp_nanos'].includes(name))
          throw new ConnectError(`Offset objects have incrementing, timestamp and timestamp_nanos, not ${name}`);
    }
  },
});

class JdbcSourceConnector implements Connector {
  readonly #config: SourceConfig;
  readonly #raw: RawConfig;
  readonly #context: ConnectorContext;
  readonly #connection: KeptConnection;
  #tables: readonly TableId[] = [];
  #cancel = (): void => {};

  constructor(config: SourceConfig, raw: RawConfig, context: ConnectorContext) {
    this.#config = config;
    this.#raw = raw;
    this.#context = context;
    this.#connection = new KeptConnection(config, context.environment);
  }

  async start(): Promise<void> {
    if (this.#config.query !== '') return;
    this.#tables = await this.#look();
    this.#lookAgain();
  }

  taskConfigs(maxTasks: number): readonly RawConfig[] {
    if (this.#config.query !== '') return [{ ...this.#raw, tables: '' }];
    const count = Math.min(maxTasks, this.#tables.length);
    const names = this.#tables.map((table) => JSON.stringify(table));
    return Array.from({ length: count }, (_, task) => ({
      ...this.#raw,
      tables: names
        .filter((_name, i) => i % count === task)
        .map((name) => Buffer.from(name).toString('base64url'))
        .join(),
    }));
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#connection.drop();
  }

  async #look(): Promise<readonly TableId[]> {
    const database = await this.#connection.get();
    const tables = chosen(await database.tables(this.#config['table.types']), this.#config);
    if (tables.length === 0)
      this.#context.log.warn(
        'there is no table to read yet: see table.whitelist, table.include.list, schema.pattern and table.types',
      );
    return tables;
  }

  #lookAgain(): void {
    this.#cancel = this.#context.environment.after(this.#config['table.poll.interval.ms'], async () => {
      try {
        const tables = await this.#look();
        const names = (list: readonly TableId[]): string => list.map(nameOfTable).join();
        if (names(tables) !== names(this.#tables)) {
          this.#tables = tables;
          this.#context.requestTaskReconfiguration();
        }
      } catch (error) {
        this.#context.log.warn(`could not look for tables, and will look again: ${messageOf(error)}`);
        await this.#connection.drop();
      }
      this.#lookAgain();
    });
  }
}

class JdbcSourceTask implements SourceTask<SourceConfig> {
  #config!: SourceConfig;
  #context!: SourceTaskContext;
  #connection!: KeptConnection;
  /** Those that wait, the next first, with the time of their next look. */
  #queue: { readonly querier: Querier; at: number }[] = [];

  async start(config: SourceConfig, context: SourceTaskContext): Promise<void> {
    this.#config = config;
    this.#context = context;
    this.#connection = new KeptConnection(config, context.environment);
    const asked =
      config.query === ''
        ? config.tables.map((name) => ({ table: JSON.parse(Buffer.from(name, 'base64url').toString()) as TableId }))
        : [{ query: config.query }];
    const queriers = asked.map((each) => new Querier(config, each));
    const offsets = await context.offsets(queriers.map(({ partition }) => partition));
    queriers.forEach((querier, i) => querier.resume(offsets[i]!));
    this.#queue = queriers.map((querier) => ({ querier, at: 0 }));
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const next = this.#queue[0];
    if (next === undefined) {
      await this.#context.pause(this.#config['poll.interval.ms'], signal);
      return [];
    }
    const { environment } = this.#context;
    if (next.at > environment.now() && !next.querier.isReading) {
      await this.#context.pause(next.at - environment.now(), signal);
      if (signal.aborted) return [];
    }
    try {
      const records = await this.#look(next.querier, signal);
      if (!next.querier.isReading) this.#putBack();
      return records;
    } catch (error) {
      next.querier.forget();
      await this.#connection.drop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#connection?.drop();
  }

  async #look(querier: Querier, signal: AbortSignal): Promise<SourceRecord[]> {
    const database = await this.#connection.get(signal);
    if (!querier.isReading) await querier.begin(database);
    return querier.next(this.#config['batch.max.rows']);
  }

  #putBack(): void {
    const [looked, ...others] = this.#queue;
    looked!.at = this.#context.environment.now() + this.#config['poll.interval.ms'];
    this.#queue = [...others, looked!];
  }
}
