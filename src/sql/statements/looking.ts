import type { Client } from '../../client/index.ts';
import type { Query } from '../parser/ast.ts';
import type { Variables } from '../parser/variables.ts';
import type { Entity } from './entities.ts';
import type { EngineContext, QueryCounts, Settings } from './context.ts';

/** Something that stopped a query. */
export interface QueryError {
  /** When, in milliseconds since the epoch. */
  readonly timestamp: number;
  readonly errorMessage: string;
  /** Whose it is to mend: what the query reads or may do, the service's, or nobody knows. */
  readonly type: 'USER' | 'SYSTEM' | 'UNKNOWN';
}

/** PORT. The connectors of the Connect that is asked. */
export interface ConnectorListing {
  list(kind: 'source' | 'sink' | undefined): Promise<Entity>;
  plugins(): Promise<Entity>;
}

/** What statements see that only look. */
export interface Looking {
  readonly engine: EngineContext;
  readonly client: Client;
  readonly setting: Settings;
  readonly overrides: Readonly<Record<string, string>>;
  readonly variables: Variables;
  /** The `host:port` that the service is asked under, where it is known. */
  readonly host: string | undefined;
  readonly stateOf: (queryId: string) => string;
  readonly errorsOf: (queryId: string) => readonly QueryError[];
  readonly applicationId: (queryId: string) => string;
  readonly counts: (queryId: string) => Promise<QueryCounts>;
  /** SHOW CONNECTORS and SHOW CONNECTOR PLUGINS. */
  readonly connectors: ConnectorListing;
  /** What a query that is read at rest would do. */
  readonly explainPull: (query: Query) => object;
}
