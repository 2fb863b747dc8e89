// How a thread begins: with a module beside the one that starts it, and with what was compiled for it before, as the main
// thread does.
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Starts a thread with a module beside `here` (an `import.meta.url`), whether that is TypeScript or what was made of it. */
export function startWorker(here: string, module: string, options: WorkerOptions): Worker {
  const url = here.replace(/[^/]+\.(\w+)$/, `${module}.$1`);
  // Two lines in no file: whatever is loaded before the cache is on is compiled anew each time.
  const begin = `require('node:module').enableCompileCache(); import(${JSON.stringify(url)});`;
  return new Worker(begin, { ...options, eval: true });
}
