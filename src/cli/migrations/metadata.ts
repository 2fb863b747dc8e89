// What the service knows of migrations: a stream of what was done, and a table of the last thing that was done with each
// version, and with whichever was last (`CURRENT`). Both have the columns of ksqlDB's own tool, so that either goes on where
// the other was.
import { type SqlClient, sql } from '../../sql-api/index.ts';
import { invalid, type Migration, type ProjectSettings } from './project.ts';

export type MigrationState = 'RUNNING' | 'MIGRATED' | 'ERROR';

export interface VersionRow {
  readonly version: number;
  readonly name: string;
  readonly state: MigrationState;
  readonly checksum: string;
  /** Milliseconds; undefined: not yet. */
  readonly startedOn: number | undefined;
  readonly completedOn: number | undefined;
  /** The version that was the last before; undefined: none. */
  readonly previous: number | undefined;
  readonly errorReason: string | undefined;
}

const COLUMNS = ['version', 'name', 'state', 'checksum', 'started_on', 'completed_on', 'previous', 'error_reason'];
const CURRENT = 'CURRENT';
const NOT_YET = '';
const NONE = '<none>';
const NOTHING = 'N/A';
/** How soon the table is looked at again, and for how long at most. */
const LOOK_MS = 50;
const PATIENCE_MS = 30_000;

export class Metadata {
  readonly #client: SqlClient;
  readonly #settings: ProjectSettings;
  readonly stream: string;
  readonly table: string;

  constructor(client: SqlClient, settings: ProjectSettings) {
    this.#client = client;
    this.#settings = settings;
    this.stream = settings['ksql.migrations.stream.name'];
    this.table = settings['ksql.migrations.table.name'];
  }

  async createStream(): Promise<void> {
    const columns = COLUMNS.map((name) => `${name} STRING`).join(', ');
    await this.#client.execute(
      `CREATE STREAM ${this.stream} (version_key STRING KEY, ${columns}) WITH (KAFKA_TOPIC='${await this.#topic('stream')}', VALUE_FORMAT='JSON', PARTITIONS=1, REPLICAS=${this.#replicas});`,
    );
  }

  async createTable(): Promise<void> {
    const columns = COLUMNS.map((name) => `LATEST_BY_OFFSET(${name}) AS ${name}`).join(', ');
    await this.#client.execute(
      `CREATE TABLE ${this.table} WITH (KAFKA_TOPIC='${await this.#topic('table')}') AS SELECT version_key, ${columns} FROM ${this.stream} GROUP BY version_key EMIT CHANGES;`,
      { properties: { 'auto.offset.reset': 'earliest' } },
    );
  }

  /** Refuses to go on where there is nothing that knows of migrations. */
  async checkThere(): Promise<void> {
    const entities = await this.#client.execute('SHOW STREAMS; SHOW TABLES;');
    const names = entities.flatMap((entity) =>
      ['streams', 'tables'].flatMap((member) => ((entity[member] ?? []) as { name: string }[]).map(({ name }) => name)),
    );
    const missing = [this.stream, this.table].filter((name) => !names.includes(name.toUpperCase()));
    if (missing.length > 0) throw invalid(`There is no ${missing.join(' and no ')}: run initialize-metadata first.`);
  }

  async destroy(): Promise<void> {
    await this.#client.execute(`DROP TABLE ${this.table} DELETE TOPIC; DROP STREAM ${this.stream} DELETE TOPIC;`);
  }

  /** What was done last with a version, or last of all. */
  async row(version?: number): Promise<VersionRow | undefined> {
    const key = version === undefined ? CURRENT : String(version);
    const rows = this.#client.query<Record<string, string | null>>(
      sql`SELECT * FROM ${sql.raw(this.table)} WHERE version_key = ${key};`,
    );
    for await (const row of rows) return rowOf(row);
    return undefined;
  }

  /** Resolves when the table says it, too: what is asked next has it. */
  async write(row: VersionRow): Promise<void> {
    const values = {
      VERSION: String(row.version),
      NAME: row.name,
      STATE: row.state,
      CHECKSUM: row.checksum,
      STARTED_ON: row.startedOn === undefined ? NOT_YET : String(row.startedOn),
      COMPLETED_ON: row.completedOn === undefined ? NOT_YET : String(row.completedOn),
      PREVIOUS: row.previous === undefined ? NONE : String(row.previous),
      // A null would leave what was there.
      ERROR_REASON: row.errorReason ?? NOTHING,
    };
    const keys = [CURRENT, String(row.version)];
    await this.#client.insert(
      this.stream,
      keys.map((key) => ({ VERSION_KEY: key, ...values })),
    );
    const until = performance.now() + PATIENCE_MS;
    const isThere = (found: VersionRow | undefined) =>
      found?.version === row.version && found.state === row.state && found.startedOn === row.startedOn;
    while (!(isThere(await this.row()) && isThere(await this.row(row.version)))) {
      if (performance.now() > until)
        throw invalid(`The table ${this.table} does not get what was written to ${this.stream}: does its query run?`);
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_MS);
      });
    }
  }

  get #replicas(): string {
    const replicas = this.#settings['ksql.migrations.topic.replicas'];
    if (!/^\d+$/.test(replicas)) throw invalid(`ksql.migrations.topic.replicas is a number, not "${replicas}".`);
    return replicas;
  }

  async #topic(kind: 'stream' | 'table'): Promise<string> {
    const given = this.#settings[`ksql.migrations.${kind}.topic.name`];
    if (given !== '') return given;
    const { ksqlServiceId } = await this.#client.info();
    return `${ksqlServiceId}ksql_${this.#settings[`ksql.migrations.${kind}.name`]}`;
  }
}

/** The version that was migrated to last, by what was done last. */
export function migratedVersion(current: VersionRow | undefined): number | undefined {
  return current?.state === 'MIGRATED' ? current.version : current?.previous;
}

export function startedRow(migration: Migration, checksum: string, previous: number | undefined): VersionRow {
  return {
    version: migration.version,
    name: migration.name,
    state: 'RUNNING',
    checksum,
    startedOn: Date.now(),
    completedOn: undefined,
    previous,
    errorReason: undefined,
  };
}

function rowOf(row: Readonly<Record<string, string | null>>): VersionRow {
  const numberIn = (column: string): number | undefined =>
    /^\d+$/.test(row[column] ?? '') ? Number(row[column]) : undefined;
  const reason = row['ERROR_REASON'];
  return {
    version: numberIn('VERSION') ?? 0,
    name: row['NAME'] ?? '',
    state: row['STATE'] as MigrationState,
    checksum: row['CHECKSUM'] ?? '',
    startedOn: numberIn('STARTED_ON'),
    completedOn: numberIn('COMPLETED_ON'),
    previous: numberIn('PREVIOUS'),
    errorReason: reason === null || reason === NOTHING ? undefined : reason,
  };
}
