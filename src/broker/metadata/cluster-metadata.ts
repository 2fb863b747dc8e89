/**
 * What the cluster keeps beside its topics: access rules, credentials, quotas, configs that were changed while it ran, and
 * the levels of features. All of it is small and changes by hand, so that each change writes the whole into one file, which
 * replaces the one before: after a crash it holds the old or the new. What is told to a client as done is on the disk.
 *
 * Whoever acts on a part of it looks at `current` when it needs it, or is told of changes (`onChange`).
 */
import { join } from 'node:path';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import type { Disk } from '../log/disk.ts';

const FILE = 'cluster-metadata.json';

/** An access rule, in Kafka's numbers for types and operations. */
export interface StoredAcl {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** What is kept of a user's password (RFC 5802), each part in base64; never the password. */
export interface StoredScramCredential {
  readonly user: string;
  /** SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly mechanism: string;
  readonly iterations: number;
  readonly salt: string;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** Limits of what they are for: a user, a client id, both, or an address; null stands for the default of all. */
export interface StoredQuota {
  readonly entity: Readonly<Partial<Record<'user' | 'client-id' | 'ip', string | null>>>;
  readonly limits: Readonly<Record<string, number>>;
}

/** Configs of one resource that is not a topic, as text; the name '' stands for the default of all brokers. */
export interface StoredConfigs {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: Readonly<Record<string, string>>;
}

/** All parts. */
export interface MetadataParts {
  readonly acls: readonly StoredAcl[];
  readonly scramCredentials: readonly StoredScramCredential[];
  readonly quotas: readonly StoredQuota[];
  readonly configs: readonly StoredConfigs[];
  /** Finalized levels of features, by name; what is not here has its default. */
  readonly features: Readonly<Record<string, number>>;
}

const EMPTY: MetadataParts = { acls: [], scramCredentials: [], quotas: [], configs: [], features: {} };

const NONE: Readonly<Record<string, string>> = {};

/** The durable parts, and who wants to know of their changes. */
export class ClusterMetadata {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #listeners = new Set<(parts: MetadataParts) => void>();
  #parts: MetadataParts = EMPTY;
  #changes = 0;
  /** Looked up with each heartbeat of a group. */
  #configs: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map();

  private constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#path = join(directory, FILE);
  }

  /** Reads what the last run left. Throws DATA_DIRECTORY_DAMAGED when that is not what a broker wrote: rules must not be lost in silence. */
  static open(disk: Disk, directory: string): ClusterMetadata {
    const metadata = new ClusterMetadata(disk, directory);
    if (disk.exists(metadata.#path)) metadata.#read();
    return metadata;
  }

  /** What holds now; another object after each change. */
  get current(): MetadataParts {
    return this.#parts;
  }

  /** How many changes there have been, over all runs. */
  get changes(): number {
    return this.#changes;
  }

  /** The configs that were set for a resource. */
  configsOf(resourceType: number, resourceName: string): Readonly<Record<string, string>> {
    return this.#configs.get(resourceKey({ resourceType, resourceName })) ?? NONE;
  }

  /** Replaces parts. When it returns, the change is on the disk and everybody acts on it; when it throws, nothing has changed. */
  change(parts: Partial<MetadataParts>): void {
    const next = { ...this.#parts, ...parts };
    const changes = this.#changes + 1;
    this.#disk.replaceFile(this.#path, `${JSON.stringify({ version: 1, changes, ...next }, undefined, 1)}\n`, true);
    this.#hold(next, changes);
    for (const listener of this.#listeners) listener(next);
  }

  /** Replaces the configs of some resources, which are checked; empty ones go. */
  setConfigs(changed: readonly StoredConfigs[]): void {
    const byKey = new Map(this.#parts.configs.map((stored) => [resourceKey(stored), stored]));
    for (const stored of changed) {
      if (Object.keys(stored.configs).length === 0) byKey.delete(resourceKey(stored));
      else byKey.set(resourceKey(stored), stored);
    }
    this.change({ configs: [...byKey.values()] });
  }

  /** Calls with what holds now, and after each change. */
  onChange(listener: (parts: MetadataParts) => void): void {
    this.#listeners.add(listener);
    listener(this.#parts);
  }

  #hold(parts: MetadataParts, changes: number): void {
    this.#parts = parts;
    this.#changes = changes;
    this.#configs = new Map(parts.configs.map((stored) => [resourceKey(stored), stored.configs]));
  }

  #read(): void {
    try {
      const text = this.#disk.readFile(this.#path).toString();
      const { version, changes, ...parts } = JSON.parse(text) as MetadataParts & { version: unknown; changes: unknown };
      if (version === 1 && typeof changes === 'number' && isWhole(parts)) {
        this.#hold(parts, changes);
        return;
      }
    } catch (error) {
      if (codeOf(error) !== undefined) throw error;
      throw this.#damaged(messageOf(error));
    }
    throw this.#damaged('it is not what a broker of this version wrote');
  }

  #damaged(why: string): MillraceError {
    const what = `${this.#path} is damaged (${why})`;
    const consequence = 'it holds the access rules, credentials, quotas and changed configs';
    return new MillraceError('DATA_DIRECTORY_DAMAGED', `${what}: ${consequence}. Restore that file.`);
  }
}

function resourceKey({ resourceType, resourceName }: Omit<StoredConfigs, 'configs'>): string {
  return `${resourceType}/${resourceName}`;
}

function isWhole({ acls, scramCredentials, quotas, configs, features }: Partial<MetadataParts>): boolean {
  return (
    isListOf(
      acls,
      ['resourceName', 'principal', 'host'],
      ['resourceType', 'patternType', 'operation', 'permissionType'],
    ) &&
    isListOf(scramCredentials, ['user', 'mechanism', 'salt', 'storedKey', 'serverKey'], ['iterations']) &&
    isListOf(quotas, [], []) &&
    quotas!.every(({ entity, limits }) => isRecordOf(entity, isNameOrDefault) && isRecordOf(limits, isNumber)) &&
    isListOf(configs, ['resourceName'], ['resourceType']) &&
    configs!.every((stored) => isRecordOf(stored.configs, isText)) &&
    isRecordOf(features, isNumber)
  );
}

function isListOf(value: unknown, texts: readonly string[], numbers: readonly string[]): boolean {
  const isOne = (item: unknown): boolean =>
    isObject(item) && texts.every((name) => isText(item[name])) && numbers.every((name) => isNumber(item[name]));
  return Array.isArray(value) && value.every(isOne);
}

function isRecordOf(value: unknown, isOne: (value: unknown) => boolean): boolean {
  return isObject(value) && Object.values(value).every(isOne);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isNameOrDefault = (value: unknown): boolean => value === null || typeof value === 'string';
