// The sink of S3, on a service that speaks it.
import { describe, expect, test } from 'vitest';
import { s3Sink } from '../../../src/connect/connectors/s3/index.ts';
import { parseConfig } from '../../../src/connect/index.ts';
import { fileSinkSuite } from '../files/sink-suite.ts';
import { openBucket } from '../support/s3.ts';

describe('the sink of S3', () => {
  fileSinkSuite({ plugin: s3Sink, compression: 's3.compression.type', open: openBucket });
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
