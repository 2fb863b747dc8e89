// Where a query thread begins: what it compiles is kept for the next start, as it is in the other threads.
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./query-work.ts');
