// A project of migrations: a directory with a file of properties and numbered files of statements, laid out and named as
// ksqlDB's own tool has it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readPropertiesFile } from '../../platform/index.ts';
import { messageOf, MillraceError, readSettings, type SettingTable, stringSetting } from '../../util/index.ts';

const CONFIG_FILE = 'ksql-migrations.properties';
const MIGRATIONS = 'migrations';
const FILE_NAME = /^V(\d{6})__(.+)\.sql$/;
const VERSION_MAX = 999_999;

const settingTable = {
  'ksql.server.url': stringSetting('', 'The SQL service.'),
  'ksql.auth.basic.username': stringSetting('', 'Who logs in.'),
  'ksql.auth.basic.password': stringSetting('', 'With which password.'),
  'ssl.truststore.location': stringSetting('', 'A PEM file with the certificates of the authorities to trust.'),
  'ksql.migrations.stream.name': stringSetting('MIGRATION_EVENTS', 'The stream of what was done.'),
  'ksql.migrations.table.name': stringSetting('MIGRATION_SCHEMA_VERSIONS', 'The table of what is there.'),
  'ksql.migrations.stream.topic.name': stringSetting('', "The stream's topic; empty: <service id>ksql_<stream>."),
  'ksql.migrations.table.topic.name': stringSetting('', "The table's topic; empty: <service id>ksql_<table>."),
  'ksql.migrations.topic.replicas': stringSetting('1', 'The replicas of both topics.'),
  'ksql.migrations.dir.override': stringSetting(
    '',
    'Where the files are; empty: migrations, beside the file of properties.',
  ),
} as const satisfies SettingTable;

export type ProjectSettings = { readonly [name in keyof typeof settingTable]: string };

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly file: string;
}

/** The files and the settings of a project. */
export class Project {
  readonly settings: ProjectSettings;
  readonly directory: string;

  /** Throws for a file that can't be read, or has properties that there are not. */
  constructor(configFile: string) {
    this.settings = readSettings(settingTable, readPropertiesFile(configFile));
    if (this.settings['ksql.server.url'] === '') throw invalid(`${configFile} does not say ksql.server.url.`);
    this.directory = this.settings['ksql.migrations.dir.override'] || join(dirname(configFile), MIGRATIONS);
  }

  /** All migrations, by version. Throws for two of one version, and for files that are named otherwise. */
  migrations(): Migration[] {
    let names: string[];
    try {
      names = readdirSync(this.directory).filter((name) => name.endsWith('.sql'));
    } catch (error) {
      throw invalid(`The directory ${this.directory} can't be read: ${messageOf(error)}`);
    }
    const found = names.map((name): Migration => {
      const match = FILE_NAME.exec(name);
      const version = Number(match?.[1]);
      if (match === null || version === 0)
        throw invalid(
          `${join(this.directory, name)} is not named as a migration is: V<six digits from 000001 on>__<description>.sql`,
        );
      return { version, name: match[2]!.replaceAll('_', ' '), file: join(this.directory, name) };
    });
    found.sort((a, b) => a.version - b.version);
    const twice = found.find(({ version }, i) => found[i + 1]?.version === version);
    if (twice !== undefined) throw invalid(`There are several migrations with version ${twice.version}.`);
    return found;
  }

  /** Makes a file for a new migration; returns its path. */
  create(description: string, wanted: string | undefined): string {
    const known = this.migrations();
    const version = wanted === undefined ? (known.at(-1)?.version ?? 0) + 1 : versionOf(wanted);
    if (version > VERSION_MAX) throw invalid(`There is no version behind ${VERSION_MAX}.`);
    if (known.some((other) => other.version === version))
      throw invalid(`There is a migration with version ${version} already.`);
    if (!/^[\w .-]+$/.test(description))
      throw invalid(
        `"${description}" can't be a part of a file's name: use letters, digits, blanks, "_", "-" and ".".`,
      );
    const file = join(this.directory, `V${String(version).padStart(6, '0')}__${description.replaceAll(' ', '_')}.sql`);
    writeFileSync(file, '', { flag: 'wx' });
    return file;
  }
}

/** Makes a project; tells what it makes. */
export function newProject(path: string, url: string, tell: (line: string) => void): void {
  const root = resolve(path);
  const config = join(root, CONFIG_FILE);
  if (existsSync(config)) throw invalid(`There is a project in ${root} already.`);
  tell(`Creating new migrations project at ${root}`);
  for (const directory of [root, join(root, MIGRATIONS)]) {
    if (existsSync(directory)) continue;
    tell(`Creating directory: ${directory}`);
    mkdirSync(directory, { recursive: true });
  }
  tell(`Creating file: ${config}`);
  tell(`Writing to config file: ksql.server.url=${url}`);
  const others = Object.entries(settingTable).filter(([name]) => name !== 'ksql.server.url');
  const lines = others.map(([name, { default: value, doc }]) => `# ${doc}\n# ${name}=${value}`);
  writeFileSync(config, `# ${settingTable['ksql.server.url'].doc}\nksql.server.url=${url}\n\n${lines.join('\n\n')}\n`);
}

/** A version as people write it. */
export function versionOf(text: string): number {
  const version = /^\d+$/.test(text) ? Number(text) : 0;
  if (version < 1 || version > VERSION_MAX)
    throw invalid(`"${text}" is no version: they are from 1 to ${VERSION_MAX}.`);
  return version;
}

/** By what a file is known again. */
export function checksumOf({ file }: Migration): string {
  return createHash('md5').update(readFileSync(file)).digest('hex');
}

export function invalid(message: string): MillraceError {
  return new MillraceError('MIGRATION_REFUSED', message);
}
