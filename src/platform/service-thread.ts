// Where the services' thread begins: what it compiles is kept for the next start, as it is in the main thread.
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./service-work.ts');
