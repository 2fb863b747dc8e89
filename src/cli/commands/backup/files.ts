/**
 * A backup as it lies in a directory:
 *
 *   manifest.json                      what there is: topics with their configs, each file with its checksum
 *   topics/<topic>/<partition>.jsonl.gz  a record per line: {"o": offset, "t": ms, "k": base64, "v": base64, "h": [[name, base64]]}
 *   groups.json                        [{"group", "offsets": [{"topic", "partition", "offset", "metadata"}]}]
 *   schemas.json                       {"config", "subjects": [{"subject", "config", "versions": […]}]}
 *
 * The manifest is written last: a backup that was broken off has none.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { CommittedOffset, ConsumerRecord } from '../../../client/index.ts';
import { codeOf, messageOf, MillraceError } from '../../../util/index.ts';
import type { SchemaEntity } from '../../registry-client.ts';

const VERSION = 1;

export interface BackupFile {
  /** Below the directory, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

export interface PartitionFile extends BackupFile {
  readonly partition: number;
  readonly records: number;
}

export interface BackedUpTopic {
  readonly topic: string;
  readonly replicas: number;
  /** Of its own. */
  readonly configs: Readonly<Record<string, string>>;
  /** One per partition, in their order. */
  readonly partitions: readonly PartitionFile[];
}

export interface Manifest {
  readonly version: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly cluster: string;
  readonly topics: readonly BackedUpTopic[];
  readonly groups: BackupFile;
  /** Missing: schemas were left out. */
  readonly schemas?: BackupFile;
}

export interface BackedUpGroup {
  readonly group: string;
  readonly offsets: readonly CommittedOffset[];
}

export interface BackedUpSchemas {
  readonly config: Readonly<Record<string, unknown>> | undefined;
  readonly subjects: readonly {
    readonly subject: string;
    /** Missing: it has none of its own. */
    readonly config?: Readonly<Record<string, unknown>>;
    readonly versions: readonly SchemaEntity[];
  }[];
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Writes the records of one partition. */
export class PartitionWriter {
  readonly #path: string;
  readonly #partition: number;
  readonly #gzip = createGzip();
  readonly #hash = createHash('sha256');
  readonly #written: Promise<void>;
  #bytes = 0;
  #records = 0;

  constructor(directory: string, topic: string, partition: number) {
    this.#path = `topics/${topic}/${partition}.jsonl.gz`;
    this.#partition = partition;
    const file = join(directory, this.#path);
    mkdirSync(dirname(file), { recursive: true });
    this.#gzip.on('data', (chunk: Buffer) => {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
    });
    this.#written = pipeline(this.#gzip, createWriteStream(file));
    // A full disk is told to the next write, or at the end.
    this.#written.catch(() => {});
  }

  /** Resolves when there is room for the next one. */
  async write({ offset, timestamp, key, value, headers }: ConsumerRecord): Promise<void> {
    this.#records++;
    const line = {
      o: offset,
      t: timestamp,
      k: base64(key),
      v: base64(value),
      ...(headers.length === 0 ? {} : { h: headers.map((header) => [header.key, base64(header.value)]) }),
    };
    if (this.#gzip.write(`${JSON.stringify(line)}\n`)) return;
    await Promise.race([once(this.#gzip, 'drain'), this.#written]);
  }

  async end(): Promise<PartitionFile> {
    this.#gzip.end();
    await this.#written;
    return {
      partition: this.#partition,
      path: this.#path,
      records: this.#records,
      bytes: this.#bytes,
      sha256: this.#hash.digest('hex'),
    };
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

export function writeJson(directory: string, path: string, content: unknown): BackupFile {
  const text = Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
  writeFileSync(join(directory, path), text);
  return { path, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
}

export function writeManifest(directory: string, manifest: Omit<Manifest, 'version'>): void {
  writeJson(directory, 'manifest.json', { version: VERSION, ...manifest });
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Rejects with BACKUP_DAMAGED where there is no backup, or one of a version that is not known. */
export function readManifest(directory: string): Manifest {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as Manifest;
  } catch (error) {
    const why =
      codeOf(error) === 'ENOENT' ? 'it has no manifest.json: it was broken off, or is none' : messageOf(error);
    throw damaged(directory, why, error);
  }
  if (manifest.version !== VERSION) throw damaged(directory, `its version is ${manifest.version}, not ${VERSION}`);
  return manifest;
}

export function readJson<T>(directory: string, { path }: BackupFile): T {
  return JSON.parse(readFileSync(join(directory, path), 'utf8')) as T;
}

export type BackedUpRecord = Pick<ConsumerRecord, 'offset' | 'timestamp' | 'key' | 'value' | 'headers'>;

export async function* readRecords(directory: string, { path }: BackupFile): AsyncGenerator<BackedUpRecord> {
  const gunzip = createGunzip();
  const file = createReadStream(join(directory, path));
  const read = pipeline(file, gunzip);
  // Whoever stops early has seen what there was to see; a broken file breaks the loop below.
  read.catch(() => {});
  for await (const line of createInterface({ input: gunzip, crlfDelay: Number.POSITIVE_INFINITY })) {
    const { o, t, k, v, h = [] } = JSON.parse(line) as Line;
    yield {
      offset: o,
      timestamp: t,
      key: bytesOf(k),
      value: bytesOf(v),
      headers: h.map(([key, value]) => ({ key, value: bytesOf(value) })),
    };
  }
  await read;
}

interface Line {
  readonly o: number;
  readonly t: number;
  readonly k: string | null;
  readonly v: string | null;
  readonly h?: readonly (readonly [string, string | null])[];
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}

export function filesOf({ topics, groups, schemas }: Manifest): BackupFile[] {
  return [...topics.flatMap(({ partitions }) => partitions), groups, ...(schemas === undefined ? [] : [schemas])];
}

/** Undefined: the file is as it was written. Else what is wrong with it. */
export async function faultOf(directory: string, { path, bytes, sha256 }: BackupFile): Promise<string | undefined> {
  const hash = createHash('sha256');
  let length = 0;
  try {
    for await (const chunk of createReadStream(join(directory, path)) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      length += chunk.length;
    }
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'it is missing' : messageOf(error);
  }
  if (length !== bytes) return `it has ${length} bytes instead of ${bytes}`;
  return hash.digest('hex') === sha256 ? undefined : 'its checksum is another';
}

export function damaged(directory: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('BACKUP_DAMAGED', `${directory} is no whole backup: ${why}.`, { cause });
}
