// The sink of files into a folder.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderSink } from '../../../src/connect/connectors/files/index.ts';
import { temporaryDirectory } from '../support/worker.ts';
import { fileSinkSuite } from './sink-suite.ts';

function filesIn(path: string): Map<string, Buffer> {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return new Map(
    names
      .filter((name) => !/(?:^|\/)\./.test(name) && statSync(join(path, name)).isFile())
      .map((name) => [name, readFileSync(join(path, name))]),
  );
}

describe('the sink of a folder', () => {
  fileSinkSuite({
    plugin: folderSink,
    compression: 'compression.type',
    open: async () => {
      const path = temporaryDirectory();
      return { settings: { path }, files: async () => filesIn(path) };
    },
  });

  test('whose process is killed at any time has whole files only, and the same in the end', async () => {
    const directory = temporaryDirectory();
    const paths = ['straight', 'killed'].map((name) => join(directory, name));
    for (const path of paths) mkdirSync(path);
    /** A process that goes on where the last one committed; it says each of its commits. */
    const live = (path: string, from: number, killAfter: number): Promise<number> =>
      new Promise((resolve, reject) => {
        const program = join(import.meta.dirname, 'folder-sink-child.ts');
        const child = spawn(process.execPath, [program, path, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
        let said = '';
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          if (said.split('\n').length > killAfter) child.kill('SIGKILL');
        });
        child.on('error', reject);
        child.on('close', () => resolve(Number(said.split('\n').slice(0, -1).at(-1) ?? from)));
      });
    const end = await live(paths[0]!, 0, Number.POSITIVE_INFINITY);
    let committed = 0;
    for (let life = 0; life < 6; life++) committed = await live(paths[1]!, committed, 1 + ((life * 7) % 5));
    committed = await live(paths[1]!, committed, Number.POSITIVE_INFINITY);
    expect([committed, end]).toEqual([400, 400]);
    expect(filesIn(paths[1]!)).toEqual(filesIn(paths[0]!));
    expect(filesIn(paths[0]!).size).toBeGreaterThan(40);
  }, 60_000);
});
