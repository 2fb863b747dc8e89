// The sink of S3, on a service that speaks it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { s3Sink } from '../../../src/connect/connectors/s3/index.ts';
import { parseConfig } from '../../../src/connect/index.ts';
import { fileSinkSuite, recordOf, startTask } from '../files/sink-suite.ts';
import { openBucket } from '../support/s3.ts';
import { afterwards } from '../support/worker.ts';

describe('the sink of S3', () => {
  fileSinkSuite({ plugin: s3Sink, compression: 's3.compression.type', open: openBucket });
});

test('a batch that could not be written is put again, and nothing of it is lost or twice', async () => {
  const answers = [200, 503, 503, 200];
  const written: [string, string][] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = answers.shift() ?? 200;
      if (status === 200) written.push([request.url!.split('?')[0]!, Buffer.concat(chunks).toString()]);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { task, commit } = await startTask(s3Sink, {
    's3.bucket.name': 'b',
    'store.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'aws.access.key.id': 'x',
    'aws.secret.access.key': 'y',
    's3.part.retries': '0',
    'format.class': 'json',
    'flush.size': '2',
  });
  const batch = [0, 1, 2, 3, 4].map((offset) => recordOf(offset, { valueSchema: null, value: offset }));
  await expect(task.put(batch)).rejects.toMatchObject({ code: 'CONNECT_TRY_LATER' });
  // Offsets of what is not written are not committed, whoever asks.
  expect(await commit(5)).toBe(2);
  await task.put(batch);
  expect(written).toEqual([
    ['/b/topics/t/partition%3D0/t%2B0%2B0000000000.json', '0\n1\n'],
    ['/b/topics/t/partition%3D0/t%2B0%2B0000000002.json', '2\n3\n'],
  ]);
  expect(await commit(5)).toBe(4);
});

test('refuses what it does not do, by name', async () => {
  const given = { 's3.bucket.name': 'b', 'format.class': 'json', 'flush.size': '1' };
  const check = (more: Record<string, string>) => parseConfig(s3Sink.config, { ...given, ...more });
  expect(() => check({ 'store.kafka.keys': 'true' })).toThrow(/store\.kafka\.keys is not supported/);
  expect(() => check({ 's3.sse.kms.key.id': 'x' })).toThrow(/s3\.sse\.kms\.key\.id is not supported/);
  expect(() => check({ 'format.class': 'x.OrcFormat' })).toThrow(/format\.class/);
  const problems = await s3Sink.validate!(
    check({
      'partitioner.class': 'io.confluent.connect.storage.partitioner.TimeBasedPartitioner',
      'path.format': 'zzz',
      's3.compression.type': 'gzip',
      'format.class': 'avro',
      'aws.access.key.id': 'x',
      'behavior.on.null.values': 'write',
    }),
  );
  expect(problems.map(({ name }) => name).sort()).toEqual([
    'aws.secret.access.key',
    'behavior.on.null.values',
    'partition.duration.ms',
    'path.format',
    's3.compression.type',
    'timezone',
  ]);
});
