// A consumer instance of the proxy, as its clients see it.
import assert from 'node:assert/strict';
import { embedded, type Proxy } from './support.ts';

export class Instance {
  readonly #proxy: Proxy;
  readonly path: string;
  readonly format: string;

  constructor(proxy: Proxy, path: string, format: string) {
    this.#proxy = proxy;
    this.path = path;
    this.format = format;
  }

  static async create(proxy: Proxy, group: string, config: Record<string, unknown> = {}): Promise<Instance> {
    const body = { format: 'json', 'auto.offset.reset': 'earliest', ...config };
    const made = await proxy.ask(`POST /consumers/${group}`, { body });
    assert.equal(made.status, 200);
    assert.equal(made.body.base_uri, `${proxy.url}/consumers/${group}/instances/${made.body.instance_id}`);
    return new Instance(proxy, `/consumers/${group}/instances/${made.body.instance_id}`, String(body.format));
  }

  ask(method: string, what: string, body?: unknown) {
    return this.#proxy.ask(`${method} ${this.path}${what}`, body === undefined ? {} : { body });
  }

  async does(method: string, what: string, body?: unknown): Promise<void> {
    const { status, text } = await this.ask(method, what, body);
    assert.deepEqual({ status, text }, { status: 204, text: '' });
  }

  read(query = '') {
    return this.#proxy.ask(`GET ${this.path}/records${query}`, { accept: embedded(this.format) });
  }

  /** Reads until there are so many values: the first reads may find the group being formed. */
  async values(count: number, query = ''): Promise<unknown[]> {
    const values: unknown[] = [];
    while (values.length < count) {
      const { status, body } = await this.read(query);
      assert.equal(status, 200);
      values.push(...body.map((record: { value: unknown }) => record.value));
    }
    return values;
  }

  delete() {
    return this.#proxy.ask(`DELETE ${this.path}`);
  }
}
