import { describe, expect, test } from 'vitest';
import { RowChannel } from '../../src/sql/queries/row-channel.ts';
import type { ResultRow } from '../../src/sql/statements/entities.ts';

const row = (json: string) => ({ json, tombstone: false });

describe('rows on their way to a client', () => {
  test('come in batches, in order, to the end', async () => {
    const channel = new RowChannel();
    channel.push(row('1'));
    channel.push(row('2'));
    channel.end();
    channel.push(row('too late'));
    const batches: string[][] = [];
    for await (const batch of channel) batches.push(batch.map(({ json }) => json));
    expect(batches).toEqual([['1', '2']]);
  });

  test('are enough when they are a megabyte, until they are read', async () => {
    const channel = new RowChannel();
    const kilobyte = 'x'.repeat(1024);
    let pushed = 0;
    for (; !channel.isFull; pushed++) channel.push(row(kilobyte));
    expect(pushed).toBe(1024 + 1);
    const batches = channel[Symbol.asyncIterator]();
    expect((await batches.next()).value).toHaveLength(256);
    expect(channel.isFull).toBe(false);
    let taken = 256;
    while (taken < pushed) taken += ((await batches.next()).value as ResultRow[]).length;
    expect(taken).toBe(pushed);
  });

  test('end with what went wrong', async () => {
    const channel = new RowChannel();
    channel.push(row('1'));
    channel.fail(new Error('broken'));
    const batches = channel[Symbol.asyncIterator]();
    expect((await batches.next()).value).toHaveLength(1);
    await expect(batches.next()).rejects.toThrow('broken');
  });
});
