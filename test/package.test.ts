// The package, as its users get it: packed, unpacked in an empty folder, with what it says that it needs and nothing else.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unpackInto } from '../tools/build/unpacked.ts';
import { ANY_PORTS, Millrace } from './cli/support.ts';

const root = join(import.meta.dirname, '..');

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  let own: string;
  let bin: string;

  beforeAll(() => {
    own = unpackInto(folder);
    bin = join(own, 'bin', 'millrace');
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('starts everything, with queries in their threads, and stops', async () => {
    const data = join(folder, 'data');
    const started = new Millrace(['start', '-d', data, ...ANY_PORTS], { bin });
    const [, url] = await started.says(/SQL ready +(\S+)/);
    const sql = `SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM lines (line STRING) WITH (KAFKA_TOPIC = 'lines', PARTITIONS = 1, VALUE_FORMAT = 'JSON');
      INSERT INTO lines VALUES ('tea'); INSERT INTO lines VALUES ('tea');
      CREATE TABLE counts AS SELECT line, COUNT(*) AS n FROM lines GROUP BY line;
      SELECT * FROM counts EMIT CHANGES LIMIT 1;`;
    const asked = await new Millrace(['sql', url!, '-e', sql], { bin }).ended;
    expect({ code: asked.code, stderr: asked.stderr }).toEqual({ code: 0, stderr: '' });
    expect(asked.stdout).toMatch(/tea +\|? *[12]/);
    expect(await started.kill('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  });

  test('has its demo, with flights that are made up where the real ones are not installed', async () => {
    const data = join(folder, 'demo');
    const { code, stdout, stderr } = await new Millrace(['demo', '-d', data, '--records', '20000', ...ANY_PORTS], {
      bin,
    }).ended;
    expect(stderr).toBe('');
    expect(stdout).toContain('The flights are made up.');
    expect(stdout).toMatch(/verified: [\d,]+ windows, [\d,]+ routes, 0 differences/);
    expect(code).toBe(0);
  });

  test.each(Object.keys((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }).exports))(
    'exports %s, with types that need nothing else',
    (entry) => {
      const name = join('millrace', entry);
      const begin = `import * as all from '${name}'${entry.endsWith('.json') ? " with { type: 'json' }" : ''};`;
      writeFileSync(
        join(folder, 'use.ts'),
        `${begin}\nif (Object.keys(all).length === 0) throw new Error('nothing there');\n`,
      );
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      execFileSync(process.execPath, ['use.ts'], { cwd: folder, stdio: 'pipe' });

      mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
      for (const needed of ['@types/node', 'undici-types']) {
        const at = join(folder, 'node_modules', needed);
        rmSync(at, { force: true });
        symlinkSync(join(root, 'node_modules', needed), at);
      }
      const compiled = spawnSync(
        process.execPath,
        [
          join(root, 'node_modules/typescript/bin/tsc'),
          '--noEmit',
          '--strict',
          '--module',
          'nodenext',
          '--target',
          'esnext',
        ].concat(['--types', 'node', '--resolveJsonModule', '--skipLibCheck', 'false', 'use.ts']),
        { cwd: folder, encoding: 'utf8' },
      );
      expect(compiled.stdout).toBe('');
      expect(compiled.status).toBe(0);
    },
  );

  test('is as npm, bundlers and TypeScript want it: publint and attw find nothing', () => {
    const tarball = join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz'))!);
    const linted = spawnSync('npx', ['publint', 'run', tarball, '--strict'], { cwd: root, encoding: 'utf8' });
    expect({ status: linted.status, said: linted.stdout + linted.stderr }).toMatchObject({ status: 0 });
    const types = spawnSync('npx', ['attw', tarball, '--profile', 'esm-only'], { cwd: root, encoding: 'utf8' });
    expect({ status: types.status, said: types.stdout + types.stderr }).toMatchObject({ status: 0 });
  });

  test('holds the licences of the libraries that are part of it', () => {
    const licenses = readFileSync(join(own, 'dist', 'licenses.txt'), 'utf8');
    expect(licenses).toMatch(/^fastify 5\S* \(MIT\)$/m);
    expect(licenses).toMatch(/^chevrotain 13\S* \(Apache-2.0\)$/m);
  });
});
