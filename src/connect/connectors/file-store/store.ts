/** PORT. Where files are: a bucket of S3 or a folder. Names have `/` between their parts. */
import type { FileBytes } from '../record-files/index.ts';

/** A file that is there. */
export interface StoredFile {
  readonly name: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** Files by name. What may succeed later rejects with `RetriableError`, everything else with `ConnectError`. */
export interface FileStore {
  /** The files whose names begin with `prefix` and are behind `after`, in the order of the names' bytes. */
  list(prefix: string, after?: string): AsyncIterable<StoredFile>;
  read(name: string): FileBytes;
  /** Writes a whole file, in place of what was there: others see all of it or nothing. It is safe when this resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  close(): void;
}
