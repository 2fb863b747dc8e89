// Parts that only some commands need: loaded when they are asked for, so that all others start without them.
import type { DumpOptions } from '../broker/index.ts';
import type { HttpSchemaSourceOptions } from '../schema-registry/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import type { GivenSettings } from '../util/index.ts';
import type { ConnectWorkerOptions, RunningConnectWorker } from './connect-worker.ts';
import type { NewScramUser } from './scram-users.ts';

/** The lines of a file of a partition's directory; undefined where it is of no kind that is known. */
export async function dumpFile(path: string, options: DumpOptions): Promise<Iterable<string> | undefined> {
  const broker = await import('../broker/index.ts');
  return broker.dumpFile(path, options);
}

/** A worker of Connect by itself. Rejects with what is wrong with its settings, its connectors, or the brokers. */
export async function startConnectWorker(options: ConnectWorkerOptions): Promise<RunningConnectWorker> {
  return (await import('./connect-worker.ts')).startConnectWorker(options);
}

/** A registry over HTTP. Rejects with `INVALID_OPTION` where the certificates are none. */
export async function registryAt(options: HttpSchemaSourceOptions): Promise<SchemaSource> {
  const { HttpSchemaSource } = await import('../schema-registry/index.ts');
  return new HttpSchemaSource(options);
}

/** Sets passwords of users who log in with SCRAM, in the data directory of a broker that does not run. */
export async function addScramUsers(given: GivenSettings, users: readonly NewScramUser[]): Promise<void> {
  await (await import('./scram-users.ts')).addScramUsers(given, users);
}
