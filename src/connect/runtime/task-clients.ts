// The clients of tasks: the worker's own, unless its settings or a connector's have producers, consumers or the administration
// get in to the cluster as somebody else (`producer.sasl.jaas.config`, `consumer.override.sasl.jaas.config`).
import type { Client, SecurityOptions } from '../../client/index.ts';
import type { RawConfig } from '../api/config-def.ts';
import { ConfigError } from '../data/errors.ts';
import { accessOf, type ClientKind, type OverridePolicy } from './client-settings.ts';

export interface TaskClientsOptions {
  /** The worker's. */
  readonly client: Client;
  /** Makes a client that gets in otherwise than the worker; undefined: the brokers are in this process, and nobody has to get in. */
  readonly clientWith: ((access: SecurityOptions) => Client) | undefined;
  /** The worker's settings. */
  readonly raw: RawConfig;
  readonly overridePolicy: OverridePolicy;
}

export class TaskClients {
  readonly #options: TaskClientsOptions;
  /** By what they get in with. */
  readonly #others = new Map<string, Client>();

  constructor(options: TaskClientsOptions) {
    this.#options = options;
  }

  /** Throws for settings that can't be, and for those that the worker's policy does not let a connector have. */
  of(kind: ClientKind, connector: RawConfig): Client {
    const { client, clientWith, raw, overridePolicy } = this.#options;
    const access = accessOf(kind, raw, connector, overridePolicy);
    const [name] = Object.keys(access);
    if (name === undefined) return client;
    if (clientWith === undefined) {
      throw new ConfigError(
        `The ${kind} is told ${name}, but the worker is on the broker of its own process, which lets in everybody.`,
      );
    }
    const key = JSON.stringify(access);
    const other = this.#others.get(key) ?? clientWith(access);
    this.#others.set(key, other);
    return other;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#others.values()].map((client) => client.close()));
  }
}
