// What the service has, for completion. It is a comfort: a service that does not answer soon costs it, and nothing else.
import type { SqlClient, SqlEntity } from '../../sql-api/index.ts';
import { systemEnvironment } from '../../util/index.ts';
import type { Known } from './completion.ts';

const PATIENCE_MS = 1000;
const NOTHING: Known = {
  streams: [],
  tables: [],
  topics: [],
  functions: [],
  queries: [],
  properties: [],
  columns: new Map(),
};

export class Catalog {
  readonly #client: SqlClient;
  #known: Promise<Known> = Promise.resolve(NOTHING);

  constructor(client: SqlClient) {
    this.#client = client;
    this.refresh();
  }

  /** To be called when statements may have changed something. */
  refresh(): void {
    this.#known = this.#load();
  }

  /** What there is, with the columns of these sources. */
  async known(sources: Iterable<string>): Promise<Known> {
    const known = await this.#known;
    const columns = new Map(known.columns);
    for (const source of sources) {
      if (columns.has(source) || ![...known.streams, ...known.tables].includes(source)) continue;
      const [described] = await this.#ask(`DESCRIBE \`${source.replaceAll('`', '``')}\`;`);
      const fields = (described?.['sourceDescription'] as { fields?: { name: string }[] } | undefined)?.fields ?? [];
      columns.set(
        source,
        fields.map(({ name }) => name),
      );
    }
    const learned = { ...known, columns };
    this.#known = Promise.resolve(learned);
    return learned;
  }

  async #load(): Promise<Known> {
    const entities = await this.#ask(
      'SHOW STREAMS; SHOW TABLES; SHOW TOPICS; SHOW FUNCTIONS; SHOW QUERIES; SHOW PROPERTIES;',
    );
    const named = (member: string, name: string): string[] =>
      entities.flatMap((entity) =>
        ((entity[member] ?? []) as Record<string, unknown>[]).map((one) => String(one[name])),
      );
    return {
      streams: named('streams', 'name'),
      tables: named('tables', 'name'),
      topics: named('topics', 'name'),
      functions: named('functions', 'name'),
      queries: named('queries', 'id'),
      properties: named('properties', 'name').map((name) => name.replace(/^ksql\.streams\./, '')),
      columns: new Map(),
    };
  }

  async #ask(statements: string): Promise<readonly SqlEntity[]> {
    const patience = new AbortController();
    const cancel = systemEnvironment.after(PATIENCE_MS, () => patience.abort());
    try {
      return await this.#client.execute(statements, { signal: patience.signal });
    } catch {
      return [];
    } finally {
      cancel();
    }
  }
}
