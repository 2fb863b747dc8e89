// HTTP from a client's side, for all who ask a service: the registry's sources, SQL from code, the command line.
export { ConnectionFailure, type HttpAnswer, HttpConnection, type HttpConnectionOptions } from './connection.ts';
