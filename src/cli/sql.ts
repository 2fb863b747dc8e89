// `millrace sql`: the prompt, or statements and scripts from the command line.
import { readFileSync } from 'node:fs';
import { createSqlClient, type SqlClient } from '../sql-api/index.ts';
import { MillraceError } from '../util/index.ts';
import { addressOf } from './connect.ts';
import type { SqlOptions } from './options.ts';
import { runRepl } from './repl.ts';
import { type OutputFormat, readScript, Session } from './session.ts';

export async function sql(url: string, options: SqlOptions): Promise<void> {
  const output = options.output.toLowerCase();
  if (output !== 'tabular' && output !== 'json') {
    throw new MillraceError('INVALID_OPTION', `Unknown output format "${options.output}": use tabular or json.`);
  }
  const client = createSqlClient(url, addressOf(url, options));
  const scripts = [...options.execute];
  if (options.file !== undefined) scripts.push(readScript(options.file));
  if (scripts.length === 0 && process.stdin.isTTY) {
    await runRepl(client);
    return;
  }
  // Without a terminal the prompt would only be noise: what is piped in is a script.
  if (scripts.length === 0) scripts.push(readFileSync(0, 'utf8'));
  await runScripts(client, scripts, output);
}

async function runScripts(client: SqlClient, scripts: readonly string[], format: OutputFormat): Promise<void> {
  const session = new Session(
    client,
    { write: (line) => console.log(line), width: process.stdout.columns ?? 160 },
    format,
  );
  const running = new AbortController();
  process.once('SIGINT', () => running.abort());
  for (const script of scripts) {
    try {
      await session.run(script, running.signal);
    } catch (error) {
      console.error(Session.explain(error, script));
      process.exitCode = 1;
      return;
    }
  }
}
