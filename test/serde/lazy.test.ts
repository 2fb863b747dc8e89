import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/** The packages that a program has loaded at its end. */
function loadedBy(program: string): string[] {
  const report = `
    const { default: Module } = await import('node:module');
    const names = Object.keys(Module._cache).map((file) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1]);
    console.log(JSON.stringify([...new Set(names)]));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program + report], { encoding: 'utf8' });
  return JSON.parse(output) as string[];
}

const libraries = ['avsc', 'protobufjs', 'ajv', 'ajv-formats', 'ajv-draft-04'];
const among = (loaded: string[]) => libraries.filter((name) => loaded.includes(name));

test('the libraries behind schemas are loaded with the first schema, not with a platform', () => {
  const platform = loadedBy(`
    import { mkdtempSync, rmSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    import { Platform } from '${src}/platform/index.ts';
    const directory = mkdtempSync(join(tmpdir(), 'millrace-lazy-'));
    const http = 'http://127.0.0.1:0';
    const platform = await Platform.start({ settings: { 'log.dirs': directory, listeners: 'PLAINTEXT://127.0.0.1:0',
      'schema.registry.listeners': http, 'ksql.listeners': http } });
    await platform.stop();
    rmSync(directory, { recursive: true });`);
  // What the HTTP server loads for itself.
  const ofFastify = ['ajv', 'ajv-formats'];
  expect(platform).toContain('fastify');
  expect(among(platform).filter((name) => !ofFastify.includes(name))).toEqual([]);

  const serde = `
    import { MemorySchemas, avroSerde, jsonSchemaSerde, protobufSerde } from '${src}/serde/index.ts';
    const options = { schemas: new MemorySchemas(), topic: 't' };`;
  expect(among(loadedBy(serde))).toEqual([]);
  expect(among(loadedBy(`${serde} await avroSerde({ ...options, schema: 'long' }).prepare();`))).toEqual(['avsc']);
  expect(among(loadedBy(`${serde} await protobufSerde({ ...options, schema: 'message A {}' }).prepare();`))).toEqual([
    'protobufjs',
  ]);
  expect(among(loadedBy(`${serde} await jsonSchemaSerde({ ...options, schema: {} }).prepare();`))).toContain('ajv');
});
