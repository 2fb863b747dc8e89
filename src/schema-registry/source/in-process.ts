import type { RegisteredSchema, SchemaSource } from '../../serde/index.ts';
import { MillraceError } from '../../util/index.ts';
import { asRefusal, RegistryError } from '../errors.ts';
import type { SchemaRegistry } from '../registry.ts';
import { contextOf } from '../subject-name.ts';

/** The registry in the same process as a `SchemaSource`: ids resolve without waiting. */
export function registrySource(registry: SchemaRegistry): SchemaSource {
  const cached = (id: number, subject?: string): RegisteredSchema | undefined =>
    foundOr(undefined, () => registry.byId(id, subject));
  /** What an id, a GUID or a version means does not change: only what is not known may have been written elsewhere. */
  const known = async <T>(find: () => T | undefined): Promise<T | undefined> => {
    const found = find();
    if (found !== undefined) return found;
    await registry.caughtUp();
    return find();
  };
  return {
    cached,
    async byId(id, subject) {
      return (await known(() => cached(id, subject))) ?? notFound(`with id ${id}`);
    },
    async byGuid(guid, subject = '') {
      const context = contextOf(subject);
      const find = () => foundOr([], () => registry.byGuid(guid)).find((use) => contextOf(use.subject) === context);
      return (await known(find)) ?? notFound(`with GUID ${guid}`);
    },
    async version(subject, version) {
      if (version === -1) await registry.caughtUp();
      const find = () => foundOr(undefined, () => registry.version(subject, String(version), true));
      return (await known(find)) ?? notFound(`that is version ${version} of ${subject}`);
    },
    async latest(subject, properties) {
      await registry.caughtUp();
      return foundOr(undefined, () =>
        properties === undefined ? registry.version(subject, 'latest') : registry.withMetadata(subject, properties),
      );
    },
    async register(subject, schema) {
      try {
        return (await registry.register(subject, schema)).id;
      } catch (thrown) {
        const error = asRefusal(thrown);
        throw error instanceof RegistryError ? asSourceError(error) : error;
      }
    },
    async lookup(subject, schema) {
      await registry.caughtUp();
      return foundOr(undefined, () => registry.lookup(subject, schema).id);
    },
  };
}

function foundOr<T>(absent: T, find: () => T): T {
  try {
    return find();
  } catch (thrown) {
    const error = asRefusal(thrown);
    if (!(error instanceof RegistryError)) throw error;
    if (error.status === 404) return absent;
    throw asSourceError(error);
  }
}

export function notFound(which: string): never {
  throw new MillraceError('SCHEMA_NOT_FOUND', `there is no schema ${which} in the registry`);
}

export function asSourceError(error: RegistryError): MillraceError {
  const code =
    error.status === 409 ? 'INCOMPATIBLE_SCHEMA' : error.status === 422 ? 'INVALID_SCHEMA' : 'REGISTRY_FAILED';
  return new MillraceError(code, error.message, { retriable: error.status >= 500, cause: error });
}
