// Parts that only some commands need: loaded when they are asked for, so that all others start without them.
import type { DumpOptions } from '../broker/index.ts';
import type { HttpSchemaSourceOptions } from '../schema-registry/index.ts';
import type { SchemaSource } from '../serde/index.ts';

/** The lines of a file of a partition's directory; undefined where it is of no kind that is known. */
export async function dumpFile(path: string, options: DumpOptions): Promise<Iterable<string> | undefined> {
  const broker = await import('../broker/index.ts');
  return broker.dumpFile(path, options);
}

/** A registry over HTTP. Rejects with `INVALID_OPTION` where the certificates are none. */
export async function registryAt(options: HttpSchemaSourceOptions): Promise<SchemaSource> {
  const { HttpSchemaSource } = await import('../schema-registry/index.ts');
  return new HttpSchemaSource(options);
}
