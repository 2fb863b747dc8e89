// A door of its own for threads that run queries: what parses statements and serves HTTP is not loaded there.
export { builtInFunctions } from './functions/index.ts';
export { serveHost } from './queries/remote-host.ts';
