// The Schema Registry: subjects, versions, ids and compatibility, kept in the `_schemas` topic. In process it is a
// `SchemaSource`; over HTTP it answers like Confluent's.
export { RegistryError } from './errors.ts';
export { type RegistryRestSettings, registryRestSettings } from './http-security/settings.ts';
export { SchemaRegistry } from './registry.ts';
export { registryServer } from './rest.ts';
export type { SchemaRequest } from './schema-reader.ts';
export type { AffectedQuery, SchemaUsers, WritingQuery } from './schema-users.ts';
export { HttpSchemaSource, registrySource } from './source.ts';
