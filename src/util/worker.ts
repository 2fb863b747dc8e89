// How a thread begins: with an entry of its own, and with what was compiled for it before, as the main thread does.
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { entryFile } from './package-root.ts';

/** Starts a thread with an entry (`platform/query-work`); the build knows each of them by its name (`tools/build`). */
export function startWorker(entry: string, options: WorkerOptions): Worker {
  const { href } = pathToFileURL(entryFile(entry));
  // Two lines in no file: whatever is loaded before the cache is on is compiled anew each time.
  const begin = `require('node:module').enableCompileCache(); import(${JSON.stringify(href)});`;
  return new Worker(begin, { ...options, eval: true });
}
