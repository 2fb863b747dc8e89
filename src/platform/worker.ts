// How a thread begins: with a module of this folder, and with what was compiled for it before, as the main thread does.
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { entryFile } from '../util/index.ts';

/** Starts a thread with a module beside this file, whether that is TypeScript or what was made of it. */
export function startWorker(module: 'query-work' | 'service-work', options: WorkerOptions): Worker {
  const { href } = pathToFileURL(entryFile(`platform/${module}`));
  // Two lines in no file: whatever is loaded before the cache is on is compiled anew each time.
  const begin = `require('node:module').enableCompileCache(); import(${JSON.stringify(href)});`;
  return new Worker(begin, { ...options, eval: true });
}
