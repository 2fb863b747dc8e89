import type { SchemaSource } from '../serde/index.ts';

/** A source that is made when it is first asked: who never asks does not load it. */
export function lazySchemas(make: () => Promise<SchemaSource>): SchemaSource {
  let made: SchemaSource | undefined;
  let making: Promise<SchemaSource> | undefined;
  const source = (): Promise<SchemaSource> => {
    making ??= make().then((each) => {
      made = each;
      return each;
    });
    return making;
  };
  return {
    cached: (id, subject) => made?.cached(id, subject),
    byId: async (id, subject) => (await source()).byId(id, subject),
    byGuid: async (guid, subject) => (await source()).byGuid(guid, subject),
    version: async (subject, version) => (await source()).version(subject, version),
    latest: async (subject, properties) => (await source()).latest(subject, properties),
    register: async (subject, schema) => (await source()).register(subject, schema),
    lookup: async (subject, schema) => (await source()).lookup(subject, schema),
  };
}
