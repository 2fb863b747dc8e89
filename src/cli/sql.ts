// `millrace sql`: the prompt, or statements and scripts from the command line.
import { readFileSync } from 'node:fs';
import { createSqlClient, type SqlClient } from '../sql-api/index.ts';
import { outputFormat, type OutputFormat } from './answers.ts';
import { addressOf } from './connect.ts';
import type { SqlOptions } from './options.ts';
import { readScript, Session } from './session.ts';

interface Script {
  readonly text: string;
  readonly file?: string;
}

export async function sql(url: string, options: SqlOptions): Promise<void> {
  const output = outputFormat(options.output);
  const client = createSqlClient(url, addressOf(url, options));
  const scripts: Script[] = options.execute.map((text) => ({ text }));
  if (options.file !== undefined) scripts.push({ text: readScript(options.file), file: options.file });
  if (scripts.length === 0 && process.stdin.isTTY) {
    const { runPrompt } = await import('./prompt/prompt.ts');
    await runPrompt(client, output, (other) => createSqlClient(other, addressOf(other, options)));
    return;
  }
  // Without a terminal the prompt would only be noise: what is piped in is a script.
  if (scripts.length === 0) scripts.push({ text: readFileSync(0, 'utf8') });
  await runScripts(client, scripts, output);
}

async function runScripts(client: SqlClient, scripts: readonly Script[], format: OutputFormat): Promise<void> {
  const write = (text: string): void => console.log(text);
  const session = new Session(client, { write, show: write, width: process.stdout.columns ?? 160 }, format);
  const running = new AbortController();
  process.once('SIGINT', () => running.abort());
  for (const { text, file } of scripts) {
    try {
      await session.run(text, running.signal, file);
    } catch (error) {
      console.error(session.explain(error));
      process.exitCode = 1;
      return;
    }
  }
}
