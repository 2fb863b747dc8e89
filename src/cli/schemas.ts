// `millrace schemas`: what each command asks the registry, and what it prints.
import { existsSync } from 'node:fs';
import { HttpConnection } from '../http-client/index.ts';
import { MillraceError } from '../util/index.ts';
import { addressOf } from './connect.ts';
import { onlyOurs, RegistryClient, RegistryRefusal, type SchemaEntity } from './registry-client.ts';
import { readSchema } from './schema-file.ts';
import type {
  DeleteOptions,
  FileOptions,
  GetOptions,
  ListOptions,
  RegisterOptions,
  RegistryOptions,
} from './options.ts';
import {
  changesLines,
  checkText,
  diffText,
  dryRunText,
  schemaText,
  type Style,
  type SubjectSummary,
  subjectsText,
} from './schemas-text.ts';

const style: Style = {
  width: process.stdout.columns ?? 160,
  colours: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
};

const QUESTIONS_AT_ONCE = 16;

export async function list(prefix: string | undefined, options: ListOptions): Promise<void> {
  const client = connect(options);
  const bySubject = Map.groupBy(await client.schemas(prefix, options.deleted === true), ({ subject }) => subject);
  const entries = [...bySubject];
  const subjects: SubjectSummary[] = [];
  // One question per subject: some at a time, as the registry may be far away.
  for (let i = 0; i < entries.length; i += QUESTIONS_AT_ONCE) {
    const some = entries.slice(i, i + QUESTIONS_AT_ONCE);
    const levels = await Promise.all(some.map(([subject]) => client.compatibilityLevel(subject)));
    subjects.push(...some.map(([subject, versions], j) => summary(subject, versions, levels[j]!)));
  }
  show(options, subjects, () => subjectsText(subjects, options.deleted === true, style));
}

function summary(subject: string, versions: readonly SchemaEntity[], compatibility: string): SubjectSummary {
  const ordered = versions.toSorted((a, b) => a.version - b.version);
  const live = ordered.filter(({ deleted }) => deleted !== true);
  const latest = live.at(-1) ?? ordered.at(-1)!;
  return {
    subject,
    schemaType: latest.schemaType ?? 'AVRO',
    versions: live.map(({ version }) => version),
    deletedVersions: ordered.filter(({ deleted }) => deleted === true).map(({ version }) => version),
    latestId: latest.id,
    compatibility,
  };
}

/** The schema goes to the standard output alone, so that it can be piped; which one it is goes beside it. */
export async function get(
  subject: string | undefined,
  version: string | undefined,
  options: GetOptions,
): Promise<void> {
  const client = connect(options);
  if ((subject === undefined) === (options.id === undefined)) {
    throw new MillraceError('INVALID_OPTION', 'Name a subject, or give the id of a schema with --id.');
  }
  const found: Partial<SchemaEntity> & Pick<SchemaEntity, 'schema'> =
    subject === undefined ? await client.byId(options.id!) : await client.version(subject, version ?? 'latest');
  const referenced = options.references === true ? await referencedBy(client, found, new Set()) : [];
  show(options, { ...found, ...(options.references === true ? { referenced } : {}) }, () => {
    const { schemaType = 'AVRO' } = found;
    console.error(
      subject === undefined
        ? `id ${options.id} (${schemaType})`
        : `${found.subject} version ${found.version}, id ${found.id} (${schemaType})`,
    );
    return [
      ...referenced.map(
        (other) => `# ${other.name}: ${other.subject} version ${other.version}\n${schemaText(other)}\n`,
      ),
      schemaText(found),
    ].join('\n');
  });
}

/** Dependencies first, each once. */
async function referencedBy(
  client: RegistryClient,
  { references = [] }: Partial<SchemaEntity>,
  seen: Set<string>,
): Promise<(SchemaEntity & { name: string })[]> {
  const all: (SchemaEntity & { name: string })[] = [];
  for (const { name, subject, version } of references) {
    if (seen.has(name)) continue;
    seen.add(name);
    const found = await client.version(subject, String(version));
    all.push(...(await referencedBy(client, found, seen)), { ...found, name });
  }
  return all;
}

export async function register(subject: string, file: string, options: RegisterOptions): Promise<void> {
  if (options.dryRun === true) return check(subject, file, options);
  const client = connect(options);
  const registered = await client.register(subject, readSchema(file, options), options.normalize === true);
  show(options, registered, () => {
    const { id, version } = registered;
    return `Registered as ${version === undefined ? '' : `version ${version} of `}${subject}, id ${id}`;
  });
}

export async function check(subject: string, file: string, options: FileOptions): Promise<void> {
  const client = connect(options);
  const { check: checked, dryRun } = await client.dryRun(
    subject,
    readSchema(file, options),
    options.normalize === true,
  );
  if (!checked.is_compatible) process.exitCode = 1;
  show(options, dryRun ?? checked, () => {
    if (dryRun !== undefined) return dryRunText(dryRun, style);
    console.error(`The registry at ${client.url} only says yes or no; Millrace's own registry explains and advises.`);
    return checkText(subject, checked);
  });
}

export async function diff(
  subject: string,
  from: string | undefined,
  to: string | undefined,
  options: FileOptions,
): Promise<void> {
  const client = connect(options);
  const isVersion = (text: string) => /^(-?\d+|latest)$/.test(text);
  if (from !== undefined && to === undefined && !isVersion(from) && (from === '-' || existsSync(from))) {
    const { dryRun } = await client.dryRun(subject, readSchema(from, options), options.normalize === true);
    if (dryRun === undefined) throw onlyOurs(client.url, 'what a schema would change');
    show(options, dryRun, () =>
      [`${dryRun.subject}: latest version → ${from}`, ...changesLines(dryRun.changes, style)].join('\n'),
    );
    return;
  }
  const found = await client.diff(subject, from, to);
  show(options, found, () => diffText(found, style));
}

/** What is to go for good has to be deleted first: that is done on the way. */
export async function remove(subject: string, version: string | undefined, options: DeleteOptions): Promise<void> {
  const client = connect(options);
  const once = async (permanent: boolean) =>
    version === undefined
      ? client.deleteSubject(subject, permanent)
      : [await client.deleteVersion(subject, version, permanent)];
  let versions: number[];
  try {
    versions = await once(options.permanent === true);
  } catch (error) {
    const notDeletedYet = error instanceof RegistryRefusal && [40405, 40407].includes(error.errorCode);
    if (!notDeletedYet) throw error;
    await once(false);
    versions = await once(true);
  }
  show(options, versions, () => {
    const how = options.permanent === true ? ' for good' : '; --permanent deletes for good';
    return `Deleted version${versions.length === 1 ? '' : 's'} ${versions.join(', ')} of ${subject}${how}`;
  });
}

function connect({ registry, output, ...login }: RegistryOptions): RegistryClient {
  if (output !== 'table' && output !== 'json') {
    throw new MillraceError('INVALID_OPTION', `Unknown output format "${output}": use table or json.`);
  }
  // A list of registries is one registry with several addresses.
  return new RegistryClient(new HttpConnection(addressOf(registry.split(',')[0]!.trim(), login)));
}

function show({ output }: RegistryOptions, answer: unknown, text: () => string): void {
  console.log(output === 'json' ? JSON.stringify(answer) : text());
}
