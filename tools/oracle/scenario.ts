/**
 * A scenario is a list of requests that is sent to two brokers, each of which begins empty. What they answer is compared field by
 * field, once what differs by its nature (ids, addresses, times) has been replaced by names, which are given in the order of
 * first appearance.
 */
import { type AnyApi, type Api, BatchCursor, type Draft } from '../../src/protocol/index.ts';
import { type Connection, ConnectionEnded, NotAnswered, NotInVersion } from './connection.ts';

/** One request and its answer, as they are compared. */
export interface Exchange {
  readonly scenario: string;
  readonly api: string;
  readonly version: number;
  readonly request: string;
  readonly answer: unknown;
}

export interface Scenario {
  readonly name: string;
  run(session: Session): Promise<void>;
}

/** Names for values that are others with each broker. */
const NAMED = new Set(['topicId', 'clusterId', 'memberId', 'leader', 'producerId', 'sessionId', 'replicaDirectoryId']);
const ADDRESS = new Set(['host', 'port', 'clientHost', 'logDir']);
/** How large the disk is, and what a partition takes of it; how fast clients may be. */
const LEFT_OUT = new Set(['totalBytes', 'usableBytes', 'partitionSize', 'throttleTimeMs', 'finalizedFeaturesEpoch']);
const NOTHING = new Set<unknown>([0, -1, '', null, 'AAAAAAAAAAAAAAAAAAAAAA']);
const A_TIME = 1_600_000_000_000;

/** What a scenario talks to one broker through. */
export class Session {
  readonly exchanges: Exchange[] = [];
  readonly #open: () => Promise<Connection>;
  readonly #scenario: string;
  #connection: Connection | undefined;
  readonly #names = new Map<string, string>();

  constructor(scenario: string, open: () => Promise<Connection>) {
    this.#scenario = scenario;
    this.#open = open;
  }

  /** Sends a request in a version, the newest by default; what the broker does instead of answering is undefined. */
  async ask<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>, version = api.maxVersion): Promise<Res | undefined> {
    this.#connection ??= await this.#open();
    try {
      const answer = await this.#connection.ask(api, version, draft);
      this.#note(api, version, draft, this.#plain('', answer));
      return answer;
    } catch (error) {
      if (error instanceof NotInVersion) return undefined;
      this.#connection.close();
      this.#connection = undefined;
      const isOutcome = error instanceof ConnectionEnded || error instanceof NotAnswered;
      if (!isOutcome) throw error;
      this.#note(api, version, draft, error instanceof ConnectionEnded ? 'the connection is closed' : 'no answer');
      return undefined;
    }
  }

  /** Asks without comparing the answer: for what takes a while, or is only asked to go on with. */
  async unnoted<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>, version = api.maxVersion): Promise<Res | undefined> {
    this.#connection ??= await this.#open();
    return this.#connection.ask(api, version, draft);
  }

  /** The same in every version. */
  async every<Req, Res>(api: Api<Req, Res>, draft: Draft<Req>): Promise<void> {
    await this.eachVersion(api, () => draft);
  }

  /** In every version what it has a place for. */
  async eachVersion<Req, Res>(api: Api<Req, Res>, draft: (version: number) => Draft<Req>): Promise<void> {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      await this.ask(api, draft(version), version);
    }
  }

  /** What follows comes over another connection. */
  reconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #note(api: AnyApi, version: number, draft: unknown, answer: unknown): void {
    const request = JSON.stringify(this.#plain('', draft));
    this.exchanges.push({ scenario: this.#scenario, api: api.name, version, request, answer });
  }

  /** A value as it is compared. */
  #plain(key: string, value: unknown): unknown {
    if (NAMED.has(key) && !NOTHING.has(value) && typeof value !== 'object') return this.#nameOf(key, value as string);
    if (ADDRESS.has(key) && !NOTHING.has(value)) return `<${key}>`;
    if (typeof value === 'number') return value > A_TIME && value < 2 * A_TIME ? '<time>' : value;
    if (value instanceof Uint8Array) return key === 'records' ? recordsOf(Buffer.from(value)) : text(value);
    if (Array.isArray(value)) return value.map((each) => this.#plain(key, each)).sort(byText);
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
    return Object.fromEntries(fields.map(([name, each]) => [name, this.#plain(name, each)]));
  }

  #nameOf(key: string, value: string | number): string {
    const known = this.#names.get(`${key}/${value}`);
    if (known !== undefined) return known;
    const number = [...this.#names.values()].filter((name) => name.startsWith(`<${key} `)).length + 1;
    const name = `<${key} ${number}>`;
    this.#names.set(`${key}/${value}`, name);
    return name;
  }
}

/** Offsets, keys and values; where they can't be read, the bytes. */
function recordsOf(batches: Buffer): unknown {
  try {
    return readRecords(batches);
  } catch {
    return text(batches);
  }
}

function readRecords(batches: Buffer): unknown[] {
  const cursor = new BatchCursor(batches, { controlRecords: true });
  const found: unknown[] = [];
  while (cursor.advance()) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor;
    const part = (start: number, end: number) => (start < 0 ? null : text(bytes.subarray(start, end)));
    found.push([cursor.offset, part(keyStart, keyEnd), part(valueStart, valueEnd)]);
  }
  return found;
}

function text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes);
  const utf8 = buffer.toString('utf8');
  return /^[\x20-\x7e]*$/.test(utf8) ? utf8 : `0x${buffer.toString('hex')}`;
}

function byText(a: unknown, b: unknown): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return x < y ? -1 : x > y ? 1 : 0;
}
