// `millrace sql migrations`: what each command does, and what it prints.
import { readFileSync } from 'node:fs';
import { createSqlClient, type SqlClient } from '../../sql-api/index.ts';
import { MillraceError } from '../../util/index.ts';
import { addressOf } from '../connect.ts';
import type { ApplyOptions, MigrationsOptions } from '../options.ts';
import { applyMigration, changedMigration, statementsOf, wantedMigrations } from './apply.ts';
import { Metadata, type VersionRow } from './metadata.ts';
import { invalid, type Migration, newProject, Project } from './project.ts';

const tell = (line: string): void => console.log(line);

export async function create(path: string, url: string): Promise<void> {
  await timed(async () => {
    newProject(path, url, tell);
    tell('Migrations project directory created successfully');
  });
}

export async function initialize(options: MigrationsOptions): Promise<void> {
  await timed(() =>
    connected(options, async ({ metadata }) => {
      tell('Initializing migrations metadata');
      tell(`Creating stream: ${metadata.stream}`);
      await metadata.createStream();
      tell(`Creating table: ${metadata.table}`);
      await metadata.createTable();
      tell('Migrations metadata initialized successfully');
    }),
  );
}

export async function createMigration(
  description: string,
  version: string | undefined,
  options: MigrationsOptions,
): Promise<void> {
  await timed(async () => {
    const file = projectOf(options).create(description, version);
    tell(`Creating migration file: ${file}`);
    tell('Migration file successfully created');
  });
}

export async function apply({ define, dryRun, ...wanted }: ApplyOptions, options: MigrationsOptions): Promise<void> {
  const variables = Object.fromEntries(define.map(variableIn));
  await timed(() =>
    connected(options, async ({ metadata, project, connect }) => {
      if (dryRun === true) tell('This is a dry run. No ksqlDB statements will be submitted to the ksqlDB server.');
      await metadata.checkThere();
      const all = project.migrations();
      const current = await metadata.row();
      if (current?.state === 'RUNNING')
        throw invalid(
          `Version ${current.version} is RUNNING since ${timeText(current.startedOn)}: somebody else applies it, or was interrupted. Where that is over, look at what it did and insert its end into ${metadata.stream}.`,
        );
      tell('Validating current migration state before applying new migrations');
      await checkUnchanged(all, metadata);
      const { all: isAll, next, until, version } = wanted;
      tell('Loading migration files');
      const migrations = wantedMigrations(all, current, {
        ...(isAll === undefined ? {} : { all: isAll }),
        ...(next === undefined ? {} : { next }),
        ...(until === undefined ? {} : { until }),
        ...(version === undefined ? {} : { version }),
      });
      // What can't be run is refused before anything is.
      for (const migration of migrations) statementsOf(migration);
      tell(
        migrations.length === 0 ? 'No eligible migrations found.' : `${migrations.length} migration file(s) loaded.`,
      );
      for (const migration of migrations) {
        tell(`Applying migration version ${migration.version}: ${migration.name}`);
        tell(`${migration.file} contents:\n${readFileSync(migration.file, 'utf8')}`);
        if (dryRun === true) continue;
        await applyMigration(migration, {
          metadata,
          connect: () => connect(variables),
          signal: new AbortController().signal,
        });
        tell('Successfully migrated');
      }
      if (dryRun === true) tell('Dry run complete. No migrations were actually applied.');
    }),
  );
}

export async function info(options: MigrationsOptions): Promise<void> {
  await connected(options, async ({ metadata, project }) => {
    await metadata.checkThere();
    const current = await metadata.row();
    tell(`Current migration version: ${current === undefined ? 'None' : current.version}`);
    const rows: string[][] = [];
    for (const migration of project.migrations()) rows.push(infoRow(migration, await metadata.row(migration.version)));
    if (rows.length === 0) tell('No migrations files found');
    else
      tell(
        tableText(['Version', 'Name', 'State', 'Previous Version', 'Started On', 'Completed On', 'Error Reason'], rows),
      );
  });
}

export async function validate(options: MigrationsOptions): Promise<void> {
  await timed(() =>
    connected(options, async ({ metadata, project }) => {
      await metadata.checkThere();
      await checkUnchanged(project.migrations(), metadata);
      tell('Successfully validated checksums for migrations that have already been applied');
    }),
  );
}

export async function destroy(options: MigrationsOptions): Promise<void> {
  await timed(() =>
    connected(options, async ({ metadata }) => {
      await metadata.checkThere();
      tell('Cleaning migrations metadata stream and table from ksqlDB server');
      await metadata.destroy();
      tell('Migrations metadata cleaned successfully');
    }),
  );
}

// ── Pieces ────────────────────────────────────────────────────────────────────────────────────────────────────────

function projectOf({ configFile }: MigrationsOptions): Project {
  if (configFile === undefined) throw invalid('Say which project: --config-file <file>, before the command.');
  return new Project(configFile);
}

interface Connected {
  readonly project: Project;
  readonly metadata: Metadata;
  readonly connect: (variables: Readonly<Record<string, string>>) => SqlClient;
}

async function connected(options: MigrationsOptions, work: (connected: Connected) => Promise<void>): Promise<void> {
  const project = projectOf(options);
  const { settings } = project;
  const [url, user, ca] = [
    settings['ksql.server.url'],
    settings['ksql.auth.basic.username'],
    settings['ssl.truststore.location'],
  ];
  const address = addressOf(url, {
    ...(user === '' ? {} : { user: `${user}:${settings['ksql.auth.basic.password']}` }),
    ...(ca === '' ? {} : { ca }),
  });
  const connect: Connected['connect'] = (variables) => createSqlClient(url, { ...address, variables });
  const client = connect({});
  try {
    await work({ project, connect, metadata: new Metadata(client, settings) });
  } finally {
    client.close();
  }
}

async function checkUnchanged(all: readonly Migration[], metadata: Metadata): Promise<void> {
  const changed = await changedMigration(all, metadata);
  if (changed !== undefined)
    throw invalid(`The migration with version ${changed.version} is not what was applied: ${changed.why}.`);
}

function variableIn(text: string): [string, string] {
  const match = /^(\w+)=(.*)$/s.exec(text);
  if (match === null) throw new MillraceError('INVALID_OPTION', `--define takes name=value, not "${text}".`);
  return [match[1]!, match[2]!];
}

async function timed(work: () => Promise<void>): Promise<void> {
  const begun = performance.now();
  await work();
  tell(`Execution time: ${((performance.now() - begun) / 1000).toFixed(4)} seconds`);
}

function infoRow({ version, name }: Migration, row: VersionRow | undefined): string[] {
  if (row === undefined) return [String(version), name, 'PENDING', 'N/A', 'N/A', 'N/A', 'N/A'];
  const { state, previous, startedOn, completedOn, errorReason } = row;
  const reason = errorReason?.replaceAll(/\s*\n\s*/g, ' ') ?? 'N/A';
  return [
    String(version),
    name,
    state,
    previous === undefined ? '<none>' : String(previous),
    timeText(startedOn),
    timeText(completedOn),
    reason,
  ];
}

function timeText(ms: number | undefined): string {
  return ms === undefined ? 'N/A' : new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

function tableText(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => cells.map((cell, i) => ` ${cell.padEnd(widths[i]!)} `).join('|');
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 3, -1));
  return [rule, line(headings), rule, ...rows.map(line), rule].join('\n');
}
