// The consumers that clients keep here between their requests: made, found by group and name, and closed when nobody has
// asked for them for a while.
import type { Client } from '../../client/index.ts';
import { type Environment, messageOf, randomUuid } from '../../util/index.ts';
import { consumerExists, consumerInstanceNotFound, ProxyError } from '../errors.ts';
import type { Formats } from '../formats.ts';
import type { RestProxySettings } from '../settings.ts';
import { ConsumerInstance, type InstanceConfig } from './instance.ts';

export interface ConsumersOptions {
  readonly client: Client;
  readonly formats: Formats;
  readonly settings: RestProxySettings;
  readonly environment: Environment;
  readonly log: (message: string) => void;
}

interface Kept {
  readonly instance: ConsumerInstance;
  /** Requests that are under way: while there are some, it is in use. */
  users: number;
  cancelExpiry: () => void;
}

export class Consumers {
  readonly #options: ConsumersOptions;
  readonly #kept = new Map<string, Kept>();
  #isClosed = false;

  constructor(options: ConsumersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#kept.size;
  }

  get settings(): RestProxySettings {
    return this.#options.settings;
  }

  /** Makes an instance and returns its name. */
  create(group: string, name: string | undefined, config: InstanceConfig): string {
    const { client, formats, settings, environment, log } = this.#options;
    const id = name ?? `rest-consumer-${randomUuid(environment)}`;
    const key = keyOf(group, id);
    if (this.#isClosed) throw new ProxyError(50301, 'The REST proxy is stopping.');
    if (this.#kept.has(key)) throw consumerExists();
    const most = settings['kafka.rest.consumer.instances.max'];
    if (this.#kept.size >= most) {
      throw new ProxyError(429, `There are ${most} consumer instances: delete some, or raise consumer.instances.max.`);
    }
    const decode = formats.decoder(config.format);
    const instance = new ConsumerInstance({ client, environment, group, config, decode, log });
    const kept: Kept = { instance, users: 0, cancelExpiry: () => {} };
    this.#kept.set(key, kept);
    this.#expireLater(group, id, kept);
    return id;
  }

  /** Does something with an instance, which is not closed meanwhile. */
  async use<T>(group: string, name: string, work: (instance: ConsumerInstance) => Promise<T>): Promise<T> {
    const kept = this.#kept.get(keyOf(group, name));
    if (kept === undefined) throw consumerInstanceNotFound();
    kept.users++;
    kept.cancelExpiry();
    try {
      return await work(kept.instance);
    } finally {
      kept.users--;
      if (kept.users === 0 && this.#kept.get(keyOf(group, name)) === kept) this.#expireLater(group, name, kept);
    }
  }

  /** Commits where the instance commits by itself, and leaves the group. Requests that wait for records are answered. */
  async delete(group: string, name: string): Promise<void> {
    const key = keyOf(group, name);
    const kept = this.#kept.get(key);
    if (kept === undefined) throw consumerInstanceNotFound();
    this.#kept.delete(key);
    kept.cancelExpiry();
    await kept.instance.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#kept.values()];
    this.#kept.clear();
    await Promise.all(
      all.map(async ({ instance, cancelExpiry }) => {
        cancelExpiry();
        await instance.close().catch((error: unknown) => this.#options.log(`REST proxy: ${messageOf(error)}`));
      }),
    );
  }

  #expireLater(group: string, name: string, kept: Kept): void {
    const { environment, settings, log } = this.#options;
    const idleMs = settings['kafka.rest.consumer.instance.timeout.ms'];
    kept.cancelExpiry = environment.after(idleMs, () => {
      log(`REST proxy: the consumer ${name} of ${group} was closed: nobody had asked for it for ${idleMs} ms`);
      this.delete(group, name).catch((error: unknown) => log(`REST proxy: ${messageOf(error)}`));
    });
  }
}

function keyOf(group: string, name: string): string {
  return `${group}\0${name}`;
}
