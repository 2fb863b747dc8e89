// Services that other machines reach ask who comes, or the platform does not start.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readListeners } from '../../src/broker/security/listeners.ts';
import { checkExposure } from '../../src/platform/exposure.ts';
import { Platform } from '../../src/platform/index.ts';
import { splitSettings } from '../../src/platform/settings.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-exposure-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const check = (given: Record<string, string | boolean>): void => {
  const settings = splitSettings(given);
  checkExposure(settings, readListeners(settings.platform.listeners, settings.broker));
};

describe('is refused', () => {
  test.each([
    [{ listeners: 'PLAINTEXT://:9092' }, 'the listener PLAINTEXT://0.0.0.0:9092'],
    [{ listeners: 'PLAINTEXT://127.0.0.1:1,SSL://192.168.0.7:2' }, 'the listener SSL://192.168.0.7:2'],
    [
      { 'schema.registry.listeners': 'http://0.0.0.0:8081' },
      'http://0.0.0.0:8081 ("schema.registry.authentication.method")',
    ],
    [{ 'ksql.listeners': 'https://example.org:8088' }, '"ksql.authentication.method"'],
    [{ 'kafka.rest.listeners': 'http://[::]:8082' }, '"kafka.rest.authentication.method"'],
    [{ 'connect.listeners': 'http://10.0.0.1:8083' }, '"connect.authentication.method"'],
  ])('%j', (given, what) => {
    expect(() => check(given as Record<string, string>)).toThrow(what);
    expect(() => check(given as Record<string, string>)).toThrow('insecure=true');
    check({ ...(given as Record<string, string>), insecure: true });
  });
});

describe('is not', () => {
  test.each([
    [{}],
    [{ listeners: 'PLAINTEXT://localhost:1,A://127.0.0.9:2', 'listener.security.protocol.map': 'A:PLAINTEXT' }],
    [{ listeners: 'PLAINTEXT://[::1]:9092' }],
    [{ listeners: 'SASL_PLAINTEXT://:9092' }],
    [{ listeners: 'SSL://:9092', 'ssl.client.auth': 'required' }],
    [{ 'schema.registry.listeners': 'http://0.0.0.0:8081', 'schema.registry.authentication.method': 'BASIC' }],
    [{ 'connect.listeners': 'https://0.0.0.0:8083', 'connect.ssl.client.authentication': 'REQUIRED' }],
  ])('%j', (given) => {
    expect(() => check(given as Record<string, string>)).not.toThrow();
  });
});

test('a platform that anybody could use does not start, and nothing of it stays', async () => {
  const settings = { listeners: 'PLAINTEXT://0.0.0.0:0', 'log.dirs': directory };
  await expect(Platform.start({ settings })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('Anybody who reaches this machine could use the listener PLAINTEXT://0.0.0.0:0'),
  });
});
