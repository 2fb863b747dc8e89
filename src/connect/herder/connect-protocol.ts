// What workers of a group tell each other when it is formed, to the byte as Java's do (ConnectProtocol, and
// IncrementalCooperativeConnectProtocol of KIP-415): of a worker its URL, how far it has read the config topic, and, in the
// cooperative versions, what it has; to a worker what it gets, what it is to give up, and when the group is formed anew.
import { ByteWriter, MillraceError } from '../../util/index.ts';
import { taskIdOf } from '../storage/json-records.ts';
import type { Allotment } from './allotment.ts';
import { allotment } from './allotment.ts';

/** `connect.protocol`, the name under which a group agrees upon it, and the version that its bytes begin with. */
export const PROTOCOLS = {
  eager: { name: 'default', version: 0 },
  compatible: { name: 'compatible', version: 1 },
  sessioned: { name: 'sessioned', version: 2 },
} as const;

export type ProtocolMode = keyof typeof PROTOCOLS;

/** What a worker says of itself. */
export interface WorkerState {
  /** Of its REST. */
  readonly url: string;
  /** Behind the last record of the config topic that it has read. */
  readonly offset: number;
  /** What it has; null: nothing, or the version does not say it. */
  readonly held: Assignment | null;
}

/** What a worker gets. In cooperative versions `gets` is what comes to what it has, and `givesUp` what goes of that. */
export interface Assignment {
  readonly version: number;
  /** Whether the leader could not assign, because it had not read enough. */
  readonly hasFailed: boolean;
  readonly leader: string;
  readonly leaderUrl: string;
  readonly offset: number;
  readonly gets: Allotment;
  readonly givesUp: Allotment;
  /** After so long the group is to be formed anew; 0: not. */
  readonly delayMs: number;
}

const CONFIG_MISMATCH = 1;
/** Stands for the connector itself where numbers of its tasks stand. */
const CONNECTOR_TASK = -1;

export function modeOf(protocolName: string): ProtocolMode {
  const found = Object.entries(PROTOCOLS).find(([, { name }]) => name === protocolName);
  if (found === undefined) throw malformed(`the group speaks ${JSON.stringify(protocolName)}`);
  return found[0] as ProtocolMode;
}

/** The modes that a worker offers, the preferred first: with each of them it speaks the older ones, too. */
export function offeredModes(mode: ProtocolMode): ProtocolMode[] {
  const all: ProtocolMode[] = ['sessioned', 'compatible', 'eager'];
  return all.slice(all.indexOf(mode));
}

export function encodeWorkerState({ url, offset, held }: WorkerState, mode: ProtocolMode): Buffer {
  const out = new ByteWriter();
  const { version } = PROTOCOLS[mode];
  out.int16(version);
  writeText(out, url);
  writeLong(out, offset);
  if (version === 0) return out.copy();
  const bytes = held === null ? undefined : encodeAssignment({ ...held, version });
  out.int32(bytes?.length ?? -1);
  if (bytes !== undefined) out.bytes(bytes);
  return out.copy();
}

export function decodeWorkerState(bytes: Uint8Array): WorkerState {
  const from = new Reader(bytes);
  from.version();
  const url = from.text();
  const offset = from.long();
  const length = from.isAtEnd ? -1 : from.int32();
  return { url, offset, held: length < 0 ? null : decodeAssignment(from.bytes(length)) };
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const { version, hasFailed, leader, leaderUrl, offset, gets, givesUp, delayMs } = assignment;
  const out = new ByteWriter();
  out.int16(version);
  out.int16(hasFailed ? CONFIG_MISMATCH : 0);
  writeText(out, leader);
  writeText(out, leaderUrl);
  writeLong(out, offset);
  writeAllotment(out, gets);
  if (version === 0) return out.copy();
  writeAllotment(out, givesUp);
  out.int32(delayMs);
  return out.copy();
}

export function decodeAssignment(bytes: Uint8Array): Assignment {
  const from = new Reader(bytes);
  const version = from.version();
  const hasFailed = from.int16() !== 0;
  const leader = from.text();
  const leaderUrl = from.text();
  const offset = from.long();
  const gets = from.isAtEnd ? allotment() : readAllotment(from);
  const givesUp = from.isAtEnd ? allotment() : readAllotment(from);
  const delayMs = from.isAtEnd ? 0 : from.int32();
  return { version, hasFailed, leader, leaderUrl, offset, gets, givesUp, delayMs };
}

function writeAllotment(out: ByteWriter, { connectors, tasks }: Allotment): void {
  const byConnector = new Map<string, number[]>();
  for (const connector of connectors) byConnector.set(connector, [CONNECTOR_TASK]);
  for (const name of tasks) {
    const { connector, task } = taskIdOf(name);
    byConnector.set(connector, [...(byConnector.get(connector) ?? []), task]);
  }
  out.int32(byConnector.size);
  for (const [connector, numbers] of byConnector) {
    writeText(out, connector);
    out.int32(numbers.length);
    for (const number of numbers) out.int32(number);
  }
}

function readAllotment(from: Reader): Allotment {
  const all = allotment();
  for (let count = from.count(); count > 0; count--) {
    const connector = from.text();
    for (let numbers = from.count(); numbers > 0; numbers--) {
      const number = from.int32();
      if (number === CONNECTOR_TASK) all.connectors.add(connector);
      else all.tasks.add(`${connector}-${number}`);
    }
  }
  return all;
}

function writeText(out: ByteWriter, text: string): void {
  out.int16(Buffer.byteLength(text));
  out.utf8(text);
}

function writeLong(out: ByteWriter, value: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  out.bytes(bytes);
}

/** Bytes of another worker, which may be anything. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
  version(): number {
    const version = this.int16();
    if (version < 0) throw malformed(`its version is ${version}`);
    return version;
  }
  int16(): number {
    return this.bytes(2).readInt16BE();
  }
  int32(): number {
    return this.bytes(4).readInt32BE();
  }
  long(): number {
    return Number(this.bytes(8).readBigInt64BE());
  }
  text(): string {
    return this.bytes(this.int16()).toString('utf8');
  }
  /** Of a list, each of whose elements has four bytes or more; null is an empty one. */
  count(): number {
    const count = this.int32();
    if (count * 4 > this.#bytes.length - this.#at) throw malformed(`it announces ${count} elements and ends before`);
    return count;
  }
  bytes(length: number): Buffer {
    if (length < 0 || this.#at + length > this.#bytes.length) throw malformed('it ends before it is complete');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function malformed(why: string): MillraceError {
  return new MillraceError('MALFORMED_MESSAGE', `what a worker of the group says cannot be understood: ${why}`);
}
