// The Schema Registry: subjects, versions, ids and compatibility, kept in the `_schemas` topic. In process it is a
// `SchemaSource`; over HTTP it answers like Confluent's.
export type { CompatibilityLevel } from './compatibility-levels.ts';
export { RegistryError } from './errors.ts';
export { SchemaRegistry } from './registry.ts';
export { registryServer } from './rest.ts';
export { type RegistrySettings, registrySettings } from './settings.ts';
export type { SchemaRequest } from './schema-reader.ts';
export type { AffectedQuery, SchemaUsers, WritingQuery } from './schema-users.ts';
export { HttpSchemaSource } from './source/http-source.ts';
export type { HttpSchemaSourceOptions } from './source/http-connection.ts';
export { registrySource } from './source/in-process.ts';
