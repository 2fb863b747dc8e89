// Connect: connectors between topics and everything else, under the names, settings and REST of Kafka Connect. What a
// connector's author needs is exported here (`millrace/connect`); begin at api/plugins.ts.
export type * from './api/plugins.ts';
export {
  converterPlugin,
  headerConverterPlugin,
  predicatePlugin,
  sinkPlugin,
  sourcePlugin,
  transformationPlugin,
} from './api/plugins.ts';
export * from './api/config-def.ts';
export { ConfigError, ConnectError, DataError, RetriableError } from './data/errors.ts';
export type * from './data/record.ts';
export { sourceRecord } from './data/record.ts';
export * from './data/schema.ts';
export {
  type Check,
  sinkContract,
  type SinkContractOptions,
  sourceContract,
  type SourceContractOptions,
} from './testing/contract.ts';
export { checkValue, fieldValue } from './data/validate.ts';
