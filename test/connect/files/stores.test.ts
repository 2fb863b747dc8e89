// Stores of files: a folder and a bucket do the same.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { DirectoryStore, type FileStore } from '../../../src/connect/connectors/file-store/index.ts';
import { openS3Store } from '../../../src/connect/connectors/s3/s3-store.ts';
import { s3Sink } from '../../../src/connect/connectors/s3/index.ts';
import { parseConfig } from '../../../src/connect/index.ts';
import { systemEnvironment } from '../../../src/util/index.ts';
import { openBucket } from '../support/s3.ts';
import { afterwards, temporaryDirectory } from '../support/worker.ts';

async function bytesOf(store: FileStore, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(name)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function namesOf(store: FileStore, prefix: string, after?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list(prefix, after)) names.push(name);
  return names;
}

const bucket = async (settings: Record<string, string>, pauses: number[] = []): Promise<FileStore> => {
  const config = parseConfig(s3Sink.config, { 'format.class': 'json', 'flush.size': '1', ...settings });
  const store = await openS3Store(config, async (delayMs) => void pauses.push(delayMs));
  afterwards(() => store.close());
  return store;
};

describe.each<[string, () => Promise<FileStore>]>([
  ['a folder', async () => new DirectoryStore(temporaryDirectory(), systemEnvironment)],
  ['a bucket', async () => bucket((await openBucket()).settings)],
])('%s', (_name, open) => {
  test('has what is written, in the order of names, whole', async () => {
    const store = await open();
    expect(await namesOf(store, '')).toEqual([]);
    // Not a name that begins with another one's folder: s3rver has those in an order of its own.
    for (const name of ['b/2', 'a/c/d', 'a/b+1', 'a/b+0', 'ä']) await store.write(name, Buffer.from(name));
    expect(await namesOf(store, '')).toEqual(['a/b+0', 'a/b+1', 'a/c/d', 'b/2', 'ä']);
    expect(await namesOf(store, 'a/')).toEqual(['a/b+0', 'a/b+1', 'a/c/d']);
    expect(await namesOf(store, 'a/', 'a/b+0')).toEqual(['a/b+1', 'a/c/d']);
    expect(await bytesOf(store, 'ä')).toBe('ä');
    await store.write('ä', Buffer.alloc(0));
    expect(await bytesOf(store, 'ä')).toBe('');
    await expect(bytesOf(store, 'none')).rejects.toThrow(/none/);
  });
});

test('a folder refuses names that lead out of it, or to one another', async () => {
  const store = new DirectoryStore(temporaryDirectory(), systemEnvironment);
  for (const name of ['../x', 'a//b', 'a/./b', '/a', '.hidden', 'a\0'])
    await expect(store.write(name, Buffer.alloc(1))).rejects.toThrow(/is no name of a file/);
});

test('a bucket lists more than a page, and tries again what may succeed later, and nothing else', async () => {
  const answers: [number, string][] = [];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    const [status, body] = answers.shift() ?? [200, ''];
    response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const pauses: number[] = [];
  const store = await bucket(
    {
      's3.bucket.name': 'b',
      'store.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      'aws.access.key.id': 'x',
      'aws.secret.access.key': 'y',
      's3.part.retries': '2',
      's3.retry.backoff.ms': '10',
    },
    pauses,
  );
  const page = (key: string, next: string): [number, string] => [
    200,
    `<ListBucketResult><Contents><Key>${key}</Key><Size>1</Size></Contents>${next}</ListBucketResult>`,
  ];
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>';
  answers.push(page('a', more), [503, ''], page('b', ''));
  expect(await namesOf(store, '')).toEqual(['a', 'b']);
  expect(asked[1]).toContain('continuation-token=t1');
  answers.push([500, ''], [429, ''], [200, '']);
  await store.write('a', Buffer.from('x'));
  expect(pauses).toEqual([10, 10, 20]);
  answers.push([500, ''], [500, ''], [500, '']);
  await expect(store.write('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'CONNECT_TRY_LATER' });
  answers.push([403, '<Error><Code>AccessDenied</Code><Message>not you</Message></Error>']);
  await expect(store.write('a', Buffer.from('x'))).rejects.toMatchObject({
    code: 'CONNECT_FAILED',
    message: 'bucket b could not be written: a: not you',
  });
});
