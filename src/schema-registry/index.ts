// The Schema Registry: subjects, versions, ids and compatibility, kept in the `_schemas` topic. In process it is a
// `SchemaSource`; over HTTP it answers like Confluent's.
export { RegistryError } from './errors.ts';
export { SchemaRegistry, type SchemaRequest } from './registry.ts';
export { registryServer } from './rest.ts';
export { HttpSchemaSource, registrySource } from './source.ts';
