// Requests as large as they may be, of the kind that takes the square of its size when nobody thinks of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServedRegistry, type ServedRegistry } from './served-registry.ts';

const MANY = 100_000;
const many = <T>(of: (i: number) => T): T[] => Array.from({ length: MANY }, (_, i) => of(i));

describe('large requests are answered in seconds', () => {
  let secured: ServedRegistry;
  beforeAll(async () => void (secured = await openServedRegistry()));
  afterAll(() => secured.close());

  async function post(subject: string, body: object, query = ''): Promise<{ error_code?: number; message: string }> {
    const server = await secured.serve();
    const headers = { 'content-type': 'application/json' };
    const path = `${server}/subjects/${subject}/versions${query}`;
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as { error_code?: number; message: string };
  }

  test('rules', async () => {
    const domainRules = many((i) => ({ name: `r${i}` }));
    const body = { schema: '"int"', ruleSet: { domainRules } };
    expect(await post('rules', body, '?dryRun=true')).toMatchObject({ version: 1 });
    expect(await post('rules', body)).toEqual({
      error_code: 42209,
      message: 'Write failed because schema is too large',
    });
  });

  test('reserved names', async () => {
    const schema = '{"type":"object","properties":{}}';
    const reserved = (letter: string) => ({
      properties: { 'confluent:reserved': many((i) => `${letter}${i}`).join(',') },
    });
    await secured.registry.setConfig('reserved', { validateFields: true });
    await post('reserved', { schemaType: 'JSON', schema, metadata: reserved('a') });
    const { message } = await post('reserved', { schemaType: 'JSON', schema, metadata: reserved('b') });
    expect(message).toContain('RESERVED_PROPERTY_REMOVED');
  });

  test('required properties, explained', async () => {
    const properties = Object.fromEntries(many((i) => [`p${i}`, {}]));
    const schema = JSON.stringify({ type: 'object', required: many((i) => `x${i}`), properties });
    expect(await post('required', { schemaType: 'JSON', schema }, '?dryRun=true')).toMatchObject({ version: 1 });
  });

  test('tags', async () => {
    const fields = many((i) => ({ name: `f${i}`, type: 'int' }));
    const schemaTagsToAdd = many((i) => ({
      schemaEntity: { entityPath: `R.f${i}`, entityType: 'SR_FIELD' },
      tags: ['t'],
    })).slice(0, MANY / 2);
    const schema = JSON.stringify({ type: 'record', name: 'R', fields });
    expect(await post('tags', { schema, schemaTagsToAdd }, '?dryRun=true')).toMatchObject({ version: 1 });
  });

  test('references to one large schema under many names', async () => {
    const large = JSON.stringify({ type: 'string', description: 'd'.repeat(1_000_000) });
    await post('large', { schemaType: 'JSON', schema: large });
    const references = many((i) => ({ name: `n${i}`, subject: 'large', version: 1 }));
    expect(await post('user', { schemaType: 'JSON', schema: '{}', references })).toMatchObject({ error_code: 42201 });
  });
});
