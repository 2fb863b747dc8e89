// The public keys that tokens are signed with, as an identity provider publishes them (JWKS, RFC 7517): read from a file or a
// URL when they are first needed, and again when they are old or a token names one that is not among them. There are no
// timers: who asks is who waits.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Environment, messageOf, MillraceError } from '../util/index.ts';

const READ_TIMEOUT_MS = 10_000;
const MAX_BYTES = 1_000_000;

export interface PublicKey {
  /** The name by which tokens call it; some sets have one key without a name. */
  readonly id: string | undefined;
  /** The one algorithm that it is for, where that is said. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
}

export interface JwksOptions {
  /** `file:`, `http:` or `https:`. */
  readonly url: string;
  readonly refreshMs: number;
  readonly retryMs: number;
  readonly retryMaxMs: number;
  readonly environment: Environment;
}

/** The keys at one place. */
export class Jwks {
  readonly #options: JwksOptions;
  #keys: readonly PublicKey[] = [];
  #reading: Promise<void> | undefined;
  /** When the keys that there are were read, and when the next try may be. */
  #readAt = Number.NEGATIVE_INFINITY;
  #nextAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #failure = 'they have not been read yet';

  /** Throws `INVALID_CONFIG` for what is no such URL; nothing is read yet. */
  constructor(setting: string, options: JwksOptions) {
    if (!URL.canParse(options.url) || !/^(file|https?):$/.test(new URL(options.url).protocol)) {
      throw new MillraceError(
        'INVALID_CONFIG',
        `"${setting}" must be a file:, http: or https: URL, not "${options.url}".`,
      );
    }
    this.#options = options;
  }

  /** The keys that may have signed a token which names `id`. Rejects with `SASL_AUTHENTICATION_FAILED` when there are none to be had. */
  async candidates(id: string | undefined): Promise<readonly PublicKey[]> {
    const { environment, refreshMs } = this.#options;
    const isOld = environment.now() - this.#readAt >= refreshMs;
    let found = this.#named(id);
    if ((isOld || found.length === 0) && environment.now() >= this.#nextAt) {
      await this.#read();
      found = this.#named(id);
    } else if (found.length === 0 && this.#reading !== undefined) {
      await this.#reading;
      found = this.#named(id);
    }
    if (found.length === 0 && this.#failures > 0) {
      throw new MillraceError('SASL_AUTHENTICATION_FAILED', `The keys of tokens can not be read: ${this.#failure}.`);
    }
    return found;
  }

  #named(id: string | undefined): readonly PublicKey[] {
    return id === undefined ? this.#keys : this.#keys.filter((key) => key.id === id || key.id === undefined);
  }

  /** One reading at a time, whoever waits for it. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    const { environment, retryMs, retryMaxMs } = this.#options;
    try {
      this.#keys = keysIn(await this.#text());
      this.#readAt = environment.now();
      this.#failures = 0;
    } catch (error) {
      // The keys that there are stay good: it is their place that is away.
      this.#failure = messageOf(error);
      this.#failures++;
    }
    this.#nextAt = environment.now() + Math.min(retryMaxMs, retryMs * 2 ** Math.min(this.#failures, 20));
  }

  async #text(): Promise<string> {
    const url = new URL(this.#options.url);
    if (url.protocol === 'file:') return readFile(fileURLToPath(url), 'utf8');
    const abort = new AbortController();
    const cancel = this.#options.environment.after(READ_TIMEOUT_MS, () => abort.abort(new Error('no answer in time')));
    try {
      const response = await fetch(url, { signal: abort.signal, headers: { accept: 'application/json' } });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const text = await response.text();
      if (text.length > MAX_BYTES) throw new Error('the answer is too long');
      return text;
    } finally {
      cancel();
    }
  }
}

/** The keys of a set that check signatures; others in it are for other things. */
function keysIn(text: string): PublicKey[] {
  const { keys } = JSON.parse(text) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('there is no list of keys');
  const found = keys.flatMap((jwk: Record<string, unknown>): PublicKey[] => {
    const isForSignatures = (jwk['use'] ?? 'sig') === 'sig' && ['RSA', 'EC', 'OKP'].includes(String(jwk['kty']));
    if (!isForSignatures) return [];
    const named = (name: string): string | undefined => (typeof jwk[name] === 'string' ? jwk[name] : undefined);
    return [{ id: named('kid'), algorithm: named('alg'), key: createPublicKey({ key: jwk, format: 'jwk' }) }];
  });
  if (found.length === 0) throw new Error('there is no key for signatures in it');
  return found;
}
