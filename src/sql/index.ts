// The SQL engine: text in, streams topologies out.
export { parseScript } from './parser/parse.ts';
export { SyntaxError } from './parser/syntax-error.ts';
export { sqlServer } from './service/rest.ts';
export { sqlRestSettings } from './settings.ts';
export type { HostThread, HostThreadListener } from './queries/remote-host.ts';
export { recordsIn } from './testing/records.ts';
export { testStatements } from './testing/runner.ts';
export type { QueryThreads, SqlServiceOptions } from './service/options.ts';
export { openSqlService, type SqlService } from './service/service.ts';
