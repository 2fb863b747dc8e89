// A file of a partition's directory as lines, as Kafka's DumpLogSegments prints them.
import { existsSync } from 'node:fs';
import { MillraceError } from '../../util/index.ts';
import {
  dumpAbortedTransactions,
  dumpOffsetIndex,
  dumpProducers,
  dumpTimeIndex,
  type IndexDump,
} from './index-files.ts';
import { dumpLog, type LogDump } from './log-file.ts';

export type DumpOptions = LogDump & IndexDump;

/**
 * The lines of a `.log`, `.index`, `.timeindex`, `.txnindex` or `.snapshot`; undefined for a file of another kind. What is
 * damaged throws CORRUPT_MESSAGE behind the lines of what is whole; a file that is not there, INVALID_ARGUMENT.
 */
export function dumpFile(path: string, options: DumpOptions): Iterable<string> | undefined {
  const read = readerOf(path, options);
  if (read !== undefined && !existsSync(path)) {
    throw new MillraceError('INVALID_ARGUMENT', `There is no file ${path}.`);
  }
  return read?.();
}

function readerOf(path: string, options: DumpOptions): (() => Iterable<string>) | undefined {
  switch (path.slice(path.lastIndexOf('.'))) {
    case '.log':
      return () => dumpLog(path, options);
    case '.index':
      return () => dumpOffsetIndex(path, options);
    case '.timeindex':
      return () => dumpTimeIndex(path, options);
    case '.txnindex':
      return () => dumpAbortedTransactions(path);
    case '.snapshot':
      return () => dumpProducers(path);
    default:
      return undefined;
  }
}
