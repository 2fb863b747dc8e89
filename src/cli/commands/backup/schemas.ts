// The subjects of a registry, out of it and into another one, with their ids: what records say of their schemas stays true.
import { MillraceError } from '../../../util/index.ts';
import type { RegistryClient, SchemaEntity } from '../../registry-client.ts';
import type { BackedUpSchemas } from './files.ts';

/** All of them, with deleted versions: records may have been written with those. */
export async function schemasIn(registry: RegistryClient): Promise<BackedUpSchemas> {
  const bySubject = Map.groupBy(await registry.schemas(undefined, true), ({ subject }) => subject);
  const subjects: BackedUpSchemas['subjects'][number][] = [];
  for (const [subject, versions] of [...bySubject].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const config = await registry.ownConfig(subject);
    subjects.push({ subject, versions, ...(config === undefined ? {} : { config }) });
  }
  return { config: await registry.ownConfig(undefined), subjects };
}

/**
 * The subjects that the registry does not have yet; those that it has as they are in the backup are left out. Rejects where it
 * has others under their names.
 */
export async function missingSubjects(
  registry: RegistryClient,
  { subjects }: BackedUpSchemas,
): Promise<BackedUpSchemas['subjects']> {
  const there = Map.groupBy(await registry.schemas(undefined, true), ({ subject }) => subject);
  const isThere = ({ subject, version, id }: SchemaEntity): boolean =>
    there.get(subject)?.some((other) => other.version === version && other.id === id) === true;
  const others = subjects.filter(({ subject, versions }) => there.has(subject) && !versions.every(isThere));
  if (others.length > 0) {
    const names = others.map(({ subject }) => subject).join(', ');
    throw new MillraceError(
      'RESTORE_REFUSED',
      `the registry has other versions of ${names}: delete them for good (millrace schemas delete --permanent), or leave schemas out with --no-schemas.`,
    );
  }
  return subjects.filter(({ subject }) => !there.has(subject));
}

/** In the order of their ids: what a schema refers to was registered before it. */
export async function importSubjects(registry: RegistryClient, subjects: BackedUpSchemas['subjects']): Promise<void> {
  const versions = subjects
    .flatMap((subject) => subject.versions)
    .toSorted((a, b) => a.id - b.id || a.version - b.version);
  const importing: string[] = [];
  try {
    for (const { subject } of subjects) {
      await registry.setMode(subject, 'IMPORT');
      importing.push(subject);
    }
    for (const version of versions) await registry.importVersion(version);
  } finally {
    for (const subject of importing) await registry.setMode(subject, null);
  }
  for (const { subject, version, deleted } of versions.toReversed()) {
    if (deleted === true) await registry.deleteVersion(subject, String(version), false);
  }
  for (const { subject, config } of subjects) if (config !== undefined) await registry.setConfig(subject, config);
}
