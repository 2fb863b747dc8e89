// Which migrations are next, and what becomes of each: it is told as RUNNING, its statements are run in order, and it is told
// as MIGRATED, or as ERROR with the reason. Nothing is taken back: statements before the one that failed have been run.
import { readFileSync } from 'node:fs';
import type { SqlClient } from '../../sql-api/index.ts';
import { messageOf } from '../../util/index.ts';
import { Session } from '../session.ts';
import { isBlank, splitStatements } from '../statements.ts';
import { type Metadata, migratedVersion, startedRow, type VersionRow } from './metadata.ts';
import { checksumOf, invalid, type Migration, versionOf } from './project.ts';

/** What is to be applied: one of these. */
export interface Wanted {
  readonly all?: boolean;
  readonly next?: boolean;
  readonly until?: string;
  readonly version?: string;
}

/** Statements that migrations have: those that change something. */
const CHANGES = /^(CREATE|INSERT|UPDATE|DELETE|TERMINATE|PAUSE|RESUME|DROP|ALTER|SET|UNSET|DEFINE|UNDEFINE|ASSERT)\b/i;

/** The migrations that are wanted, behind the last one that was applied. */
export function wantedMigrations(
  all: readonly Migration[],
  current: VersionRow | undefined,
  wanted: Wanted,
): Migration[] {
  const given = Object.values(wanted).filter((value) => value !== undefined && value !== false);
  if (given.length !== 1)
    throw invalid('Say which migrations: one of --next, --all, --until <version> and --version <version>.');
  const last = migratedVersion(current) ?? 0;
  const newer = all.filter(({ version }) => version > last);
  if (wanted.all === true) return newer;
  if (wanted.next === true) return newer.slice(0, 1);
  const version = versionOf((wanted.until ?? wanted.version)!);
  if (version <= last)
    throw invalid(`Version ${version} is not behind the last one that was applied, which is ${last}.`);
  if (!all.some((migration) => migration.version === version))
    throw invalid(`There is no migration with version ${version}.`);
  return newer.filter((migration) =>
    wanted.until === undefined ? migration.version === version : migration.version <= version,
  );
}

/** A migration whose file is not what was applied, or is gone; undefined when all are as they were. */
export async function changedMigration(
  all: readonly Migration[],
  metadata: Metadata,
): Promise<{ readonly version: number; readonly why: string } | undefined> {
  let version = migratedVersion(await metadata.row());
  while (version !== undefined) {
    const applied = await metadata.row(version);
    if (applied === undefined) return { version, why: 'there is nothing written about it' };
    const migration = all.find((other) => other.version === version);
    if (migration === undefined) return { version, why: 'its file is gone' };
    const checksum = checksumOf(migration);
    if (checksum !== applied.checksum)
      return {
        version,
        why: `its file has been changed since: its checksum is ${checksum} instead of ${applied.checksum}`,
      };
    version = applied.previous;
  }
  return undefined;
}

/** The statements of a migration; refuses those that migrations don't have before any is run. */
export function statementsOf(migration: Migration): readonly string[] {
  const { statements, rest } = splitStatements(readFileSync(migration.file, 'utf8'));
  if (!isBlank(rest)) throw invalid(`${migration.file}: the last statement has no semicolon.`);
  for (const { text } of statements) {
    const bare = withoutComments(text);
    if (!CHANGES.test(bare))
      throw invalid(`${migration.file}: a migration has statements that change something, not ${bare}`);
  }
  return statements.map(({ text }) => text);
}

function withoutComments(statement: string): string {
  return statement.replace(/^(?:\s|--[^\n]*\n|\/\*[^]*?\*\/)+/, '');
}

export interface Applying {
  readonly metadata: Metadata;
  /** A client of its own for each migration: what it sets ends with it. */
  readonly connect: () => SqlClient;
  readonly signal: AbortSignal;
}

/** Applies one migration; throws when a statement of it is refused. */
export async function applyMigration(migration: Migration, { metadata, connect, signal }: Applying): Promise<void> {
  const statements = statementsOf(migration);
  const row = startedRow(migration, checksumOf(migration), migratedVersion(await metadata.row()));
  await metadata.write(row);
  const client = connect();
  const session = new Session(client, { write: () => {}, show: () => {}, width: 160 });
  try {
    for (const statement of statements) await session.run(withoutComments(statement), signal);
  } catch (error) {
    await metadata.write({ ...row, state: 'ERROR', completedOn: Date.now(), errorReason: messageOf(error) });
    throw error;
  } finally {
    client.close();
  }
  await metadata.write({ ...row, state: 'MIGRATED', completedOn: Date.now() });
}
