/**
 * Runs REST query validation cases: statements over HTTP to a real platform, records in real topics, answers compared.
 * `npm run rqtt -- <directory> [--json <file>] [--filter <text>] [--failures]`.
 */
import { report } from '../qtt/report.ts';
import { runCase } from './run-case.ts';

await report('rqtt', runCase);
