/**
 * Runs the query validation cases of a directory against the engine:
 * `npm run qtt -- <directory> [--json <file>] [--filter <text>] [--failures]`.
 */
import { report } from './report.ts';
import { runCase } from './run-case.ts';

await report('qtt', runCase);
