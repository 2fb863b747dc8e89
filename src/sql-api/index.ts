// SQL from code: the client of the service, and how functions are declared. In the package as `millrace/sql`.
export type {
  AnalyzedOperator,
  AnalyzedPartition,
  AnalyzedStore,
  AnalyzedTask,
  EmptyReason,
  EmptyReasonKind,
  QueryAnalysis,
} from './analysis.ts';
export {
  createSqlClient,
  isDeleted,
  type QueryEvent,
  SqlClient,
  type SqlClientOptions,
  type SqlEntity,
  type SqlRequestOptions,
} from './client.ts';
export type { Replacement } from './replacement.ts';
export { parseSchema, type ResultColumn, type SqlResultValue } from './columns.ts';
export { InsertError, SqlError } from './errors.ts';
export {
  type AggregateDefinition,
  type AsyncDefinition,
  defineAggregate,
  defineAsync,
  defineScalar,
  defineTable,
  type DefinitionKind,
  definitionKindOf,
  type FunctionCall,
  type ScalarDefinition,
  type SqlOf,
  type TableDefinition,
} from './functions.ts';
export { sql, type SqlParameter, SqlText } from './template.ts';
