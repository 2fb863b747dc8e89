// What the SQL service is given, and what it says of a command.
import type { Client } from '../../client/index.ts';
import type { SchemaSource } from '../../serde/index.ts';
import type { Environment, GivenSettings } from '../../util/index.ts';
import type { HostThread } from '../queries/remote-host.ts';

export interface SqlServiceOptions {
  readonly client: Client;
  readonly schemas: SchemaSource;
  /** Where the state of queries is checkpointed; empty: nowhere, every start reads their changelogs. */
  readonly stateDir: string;
  /** `ksql.*` properties. */
  readonly settings?: GivenSettings;
  readonly version: string;
  /** Statements that the service runs, and no others; without it, they come from clients and are kept in the command log. */
  readonly script?: string;
  /** Threads for queries; without any, they run in this one. */
  readonly threads?: QueryThreads;
  /** Where the platform's own Connect is, once it is known; for `ksql.connect.url`, where that does not say otherwise. */
  readonly connectUrl?: () => string | undefined;
  readonly log?: (message: string) => void;
  readonly environment?: Environment;
}

/** PORT. Threads that serve query hosts. */
export interface QueryThreads {
  /** How many are used where `num.stream.threads` does not say. */
  readonly defaultCount: number;
  /** One of them, which is started when it is needed. */
  thread(index: number): HostThread;
}

export interface CommandStatus {
  readonly status: 'SUCCESS' | 'ERROR';
  readonly message: string;
  readonly queryId?: string;
}
