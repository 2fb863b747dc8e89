// The platform with the REST proxy on ports of its own, and requests to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Platform } from '../../src/platform/index.ts';
import type { GivenSettings } from '../../src/util/index.ts';

export const V2 = 'application/vnd.kafka.v2+json';
export const embedded = (format: string): string => `application/vnd.kafka.${format}.v2+json`;

export interface Said {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  /** The JSON of the answer. */
  // oxlint-disable-next-line typescript/no-explicit-any -- compared with what is expected
  readonly body: any;
}

export interface Ask {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
}

export class Proxy {
  readonly platform: Platform;
  readonly url: string;
  readonly #directory: string;

  private constructor(platform: Platform, directory: string) {
    this.platform = platform;
    this.url = platform.url('rest-proxy');
    this.#directory = directory;
  }

  static async start(settings: GivenSettings = {}): Promise<Proxy> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-rest-proxy-'));
    const platform = await Platform.start({
      settings: {
        'log.dirs': directory,
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'kafka.rest.listeners': 'http://127.0.0.1:0',
        ...settings,
      },
    });
    return new Proxy(platform, directory);
  }

  async stop(): Promise<void> {
    await this.platform.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** `method /path`, with a body as JSON unless it is a text. */
  async ask(what: string, { body, type = V2, accept }: Ask = {}): Promise<Said> {
    const [method, path] = what.split(' ') as [string, string];
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': type }), ...(accept === undefined ? {} : { accept }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      text,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
  }
}
