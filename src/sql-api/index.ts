// SQL from code: the client of the service. In the package as `millrace/sql`.
export {
  createSqlClient,
  isDeleted,
  type QueryEvent,
  SqlClient,
  type SqlClientOptions,
  type SqlEntity,
  type SqlRequestOptions,
} from './client.ts';
export { parseSchema, type ResultColumn, type SqlResultValue } from './columns.ts';
export { InsertError, SqlError } from './errors.ts';
export { sql, type SqlParameter, SqlText } from './template.ts';
