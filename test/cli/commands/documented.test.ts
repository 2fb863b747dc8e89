// What docs/command-line.md tells its readers to type works, and prints what it shows. The lines run as they stand, in a real
// shell; only the addresses are those of a platform with ports of its own.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Platform } from '../../../src/platform/index.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const document = readFileSync(join(root, 'docs', 'command-line.md'), 'utf8');

/** Blocks of commands, each with what is shown below it. */
const blocks = [...document.matchAll(/^```sh\n([^]*?)^```$(?:\n\n```\n([^]*?)^```$)?/gm)].map(
  ([, commands, shown]) => ({
    commands: commands!.trim(),
    shown,
  }),
);

test.skipIf(!existsSync('/bin/bash'))(
  'every example works',
  async () => {
    expect(blocks.length).toBeGreaterThan(8);
    const directory = mkdtempSync(join(tmpdir(), 'millrace-documented-'));
    const platform = await Platform.start({
      settings: {
        'log.dirs': join(directory, 'data'),
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'schema.registry.listeners': 'http://127.0.0.1:0',
        'ksql.listeners': 'http://127.0.0.1:0',
        'kafka.rest.listeners': 'http://127.0.0.1:0',
        'connect.listeners': 'http://127.0.0.1:0',
        'group.initial.rebalance.delay.ms': '0',
      },
    });
    const env = {
      ...process.env,
      PATH: `${join(root, 'bin')}:${join(process.execPath, '..')}:${process.env['PATH']}`,
      MILLRACE_BOOTSTRAP_SERVER: platform.url('broker').replace(/^.*:\/\//, ''),
      SCHEMA_REGISTRY_URL: platform.url('schema-registry'),
      MILLRACE_CONNECT_URL: platform.url('connect'),
    };
    const bash = async (script: string): Promise<string> => {
      const here = script.replaceAll(
        /^millrace (status|doctor)$/gm,
        `$& --sql ${platform.url('sql')} --rest ${platform.url('rest-proxy')} --connect ${platform.url('connect')}`,
      );
      return (await promisify(execFile)('/bin/bash', ['-euo', 'pipefail', '-c', here], { cwd: directory, env })).stdout;
    };
    try {
      for (const { commands, shown } of blocks) {
        const lines = commands.split('\n');
        if (shown === undefined) await bash(commands);
        else {
          // What is shown is of the last line.
          if (lines.length > 1) await bash(lines.slice(0, -1).join('\n'));
          expect(await bash(lines.at(-1)!)).toBe(shown);
        }
      }
    } finally {
      await platform.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
  120_000,
);
