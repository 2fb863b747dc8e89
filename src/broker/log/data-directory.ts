/**
 * What lies in a broker's directory beside the logs: the list of topics, the checkpoints, and directories that no topic has.
 * The list can't be made up again, so a broker does not start without it; everything else can.
 */
import { join } from 'node:path';
import { MillraceError } from '../../util/index.ts';
import type { Disk } from './disk.ts';

const CATALOGUE_FILE = 'topics.json';
const PARTITION_DIRECTORY = /^(.+)-(\d+)$/;
const DELETED = '-delete';

export type CheckpointName =
  | 'log-start-offset-checkpoint'
  | 'cleaner-offset-checkpoint'
  | 'recovery-point-offset-checkpoint';

export interface StoredTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

export class DataDirectory {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #report: (message: string) => void;

  constructor(disk: Disk, path: string, report: (message: string) => void) {
    this.#disk = disk;
    this.#path = path;
    this.#report = report;
  }

  /** Where the log of a partition is. */
  partition(topic: string, index: number): string {
    return join(this.#path, `${topic}-${index}`);
  }

  /** Where a deleted partition waits for its end; the next start makes it. */
  deleted(topicId: string, index: number): string {
    return join(this.#path, `${topicId}-${index}${DELETED}`);
  }

  /** Forces it to the disk that directories were made. */
  sync(): void {
    this.#disk.syncDirectory(this.#path);
  }

  // ── The list of topics ──────────────────────────────────────────────────────────────────────────────────────────

  writeTopics(topics: readonly StoredTopic[]): void {
    const text = `${JSON.stringify({ version: 1, topics }, undefined, 1)}\n`;
    this.#disk.replaceFile(join(this.#path, CATALOGUE_FILE), text, true);
  }

  /** What topics there are. From the first start on there is a list: records without one are not to be taken for nothing. */
  readTopics(): readonly StoredTopic[] {
    const path = join(this.#path, CATALOGUE_FILE);
    if (!this.#disk.exists(path)) {
      const found = this.#partitionsBut(() => false).find((name) => this.#holdsRecords(name));
      if (found !== undefined) {
        const what = `${path} is missing, although there are records, as in ${found}`;
        throw damaged(`${what}. Restore that file, or move the directories of the partitions away to start empty.`);
      }
      this.writeTopics([]);
      return [];
    }
    try {
      const { topics } = JSON.parse(this.#disk.readFile(path).toString()) as { topics: StoredTopic[] };
      if (topics.every(isStoredTopic)) return topics;
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    }
    throw damaged(`${path} is damaged: it is not the list of topics that the broker wrote. Restore that file.`);
  }

  /** Removes what was deleted, and what was being made when the process ended. Records that no topic has are kept aside. */
  tidy(stored: readonly StoredTopic[]): void {
    for (const name of this.#disk.list(this.#path)) {
      if (name.endsWith(DELETED)) this.#disk.remove(join(this.#path, name));
    }
    const known = new Map(stored.map(({ name, partitions }) => [name, partitions]));
    for (const name of this.#partitionsBut((topic, index) => index < (known.get(topic) ?? 0))) {
      const path = join(this.#path, name);
      if (!this.#holdsRecords(name)) {
        this.#disk.remove(path);
        continue;
      }
      let aside = `${path}.stray`;
      while (this.#disk.exists(aside)) aside += '.stray';
      this.#disk.rename(path, aside);
      this.#report(`${path} belongs to no topic: its records are kept as ${aside}`);
    }
  }

  /** Names of directories with logs, but for those that are known. */
  #partitionsBut(isKnown: (topic: string, index: number) => boolean): string[] {
    return this.#disk.list(this.#path).filter((name) => {
      const match = PARTITION_DIRECTORY.exec(name);
      return match !== null && !isKnown(match[1]!, Number(match[2])) && this.#logsIn(name).length > 0;
    });
  }

  #holdsRecords(name: string): boolean {
    return this.#logsIn(name).some((log) => {
      const file = this.#disk.open(join(this.#path, name, log));
      try {
        return file.size() > 0;
      } finally {
        file.close();
      }
    });
  }

  #logsIn(name: string): string[] {
    return this.#disk.list(join(this.#path, name)).filter((file) => /^\d{20}\.log$/.test(file));
  }

  // ── Checkpoints ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Kafka's text: version, count, then `topic partition offset` lines. */
  writeCheckpoint(name: CheckpointName, lines: readonly string[]): void {
    const text = `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`;
    this.#disk.replaceFile(join(this.#path, name), text, true);
  }

  /** Offsets by `topic-partition`. A checkpoint that is not whole says nothing: what it told is found out from the logs. */
  readCheckpoint(name: CheckpointName): ReadonlyMap<string, number> {
    const path = join(this.#path, name);
    if (!this.#disk.exists(path)) return new Map();
    const [version, count, ...rest] = this.#disk.readFile(path).toString().split('\n');
    const lines = rest.filter(Boolean).map((line) => /^(\S+) (\d+) (\d+)$/.exec(line));
    if (version !== '0' || lines.length !== Number(count) || lines.includes(null)) {
      this.#report(`${path} is damaged: it is passed over`);
      return new Map();
    }
    return new Map(lines.map((match) => [`${match![1]}-${match![2]}`, Number(match![3])]));
  }
}

function isStoredTopic(topic: Partial<StoredTopic>): boolean {
  const { name, id, partitions, configs } = topic;
  return (
    typeof name === 'string' && typeof id === 'string' && Number.isInteger(partitions) && typeof configs === 'object'
  );
}

function damaged(message: string): MillraceError {
  return new MillraceError('DATA_DIRECTORY_DAMAGED', message);
}
