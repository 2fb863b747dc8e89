// The topology of the tests of threads: counts by key, and does what some values say to the thread that reads them, once.
import { writeFileSync } from 'node:fs';
import { type ProcessingErrorHandler, StreamsBuilder, type StreamsSettings } from '../../src/streams/index.ts';
import { texts } from './support.ts';

/** `exit:<file>` and `throw:<file>`: the file says that it has been done. */
function obey(value: string): boolean {
  const [order, file] = value.split(':');
  if (file === undefined) return true;
  try {
    writeFileSync(file, '', { flag: 'wx' });
  } catch {
    return true;
  }
  if (order === 'exit') process.exit(1);
  throw new Error(`as ${order} says`);
}

export default function topology(): StreamsBuilder {
  const builder = new StreamsBuilder();
  builder
    .stream<string, string>('in', texts)
    .filter((_key, value) => obey(value))
    .groupByKey(texts)
    .count({ name: 'counts' })
    .toStream()
    .to('out');
  return builder;
}

const onProcessingError: ProcessingErrorHandler = (error) => (String(error).includes('skip') ? 'continue' : 'fail');

export const settings: Partial<StreamsSettings> = { onProcessingError };
