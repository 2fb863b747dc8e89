// A service that speaks S3, in this process, with an empty bucket.
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type _Object, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterwards, temporaryDirectory } from './worker.ts';

interface Server {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}
const require = createRequire(import.meta.url);
const S3rver = require('s3rver') as new (options: Readonly<Record<string, unknown>>) => Server;

const KEY = 'S3RVER';

export interface TestBucket {
  readonly settings: Readonly<Record<string, string>>;
  put(name: string, bytes: string | Uint8Array): Promise<void>;
  /** What is there, by name. */
  files(): Promise<Map<string, Buffer>>;
}

/** A bucket of a test's own. */
export async function openBucket(): Promise<TestBucket> {
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: temporaryDirectory(),
    configureBuckets: [{ name: 'bucket' }],
  });
  const { port } = await server.run();
  afterwards(() => server.close());
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: KEY, secretAccessKey: KEY };
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials });
  afterwards(() => client.destroy());
  const bytesOf = async ({ Key }: _Object): Promise<[string, Buffer]> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: Key! }));
    return [Key!, Buffer.from(await Body!.transformToByteArray())];
  };
  return {
    settings: {
      's3.bucket.name': 'bucket',
      's3.region': 'us-east-1',
      'store.url': endpoint,
      'aws.access.key.id': KEY,
      'aws.secret.access.key': KEY,
      's3.retry.backoff.ms': '1',
    },
    put: async (name, bytes) =>
      void (await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: name, Body: bytes }))),
    async files() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }));
      return new Map(await Promise.all(Contents.map(bytesOf)));
    },
  };
}
