// What both connectors of S3 are told of the bucket.
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, nonEmpty } from '../../api/config-def.ts';

/** The settings of the bucket, under the names that Confluent's connectors have for them. */
export const bucketConfig = defineConfig({
  's3.bucket.name': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The bucket. It has to be there.',
    validator: nonEmpty,
  },
  's3.region': { type: 'STRING', default: 'us-west-2', importance: 'MEDIUM', doc: 'The region that the bucket is in.' },
  'store.url': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Where the service is, if it is not that of Amazon (MinIO, Ceph, R2): http://host:port.',
    validator: (url) =>
      url === null || /^https?:\/\/./.test(url) ? undefined : 'an URL begins with http:// or https://',
  },
  's3.path.style.access.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: "Whether the bucket's name is in the path of URLs; else in the host.",
  },
  'aws.access.key.id': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: "The access key; without: whatever Amazon's SDK finds (environment, profile, instance).",
  },
  'aws.secret.access.key': {
    type: 'PASSWORD',
    default: null,
    importance: 'HIGH',
    doc: 'The secret of the access key.',
  },
  's3.part.retries': {
    type: 'INT',
    default: 3,
    importance: 'MEDIUM',
    doc: 'How often a request that may succeed later is tried again, at growing intervals.',
    validator: atLeast(0),
  },
  's3.retry.backoff.ms': {
    type: 'LONG',
    default: 200,
    importance: 'LOW',
    doc: 'How long the first of those intervals is, ms. The others are twice as long as the one before.',
    validator: atLeast(0),
  },
  ...refused(
    's3.credentials.provider.class',
    'classes of Java cannot be loaded: use aws.access.key.id, or leave it to the SDK',
  ),
  ...refused('s3.proxy.url', 'there are no proxies'),
  ...refused('s3.sse.customer.key', 'objects are encrypted as the bucket says'),
});
export type BucketConfig = ConfigOf<typeof bucketConfig>;

/** A setting that other implementations have, and that would change what happens. */
export function refused<const N extends string>(name: N, why: string) {
  const key = {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: `Not supported: ${why}.`,
    validator: (value: string | null) =>
      value === null || value === '' || value === 'false' ? undefined : `${name} is not supported: ${why}`,
  } as const;
  return { [name]: key } as Readonly<Record<N, typeof key>>;
}

/** What is wrong between the settings of the bucket. */
export function bucketProblems(config: BucketConfig): ConfigProblem[] {
  const [id, secret] = [config['aws.access.key.id'], config['aws.secret.access.key']];
  if ((id === null) === (secret === null)) return [];
  return [
    {
      name: id === null ? 'aws.access.key.id' : 'aws.secret.access.key',
      message: 'aws.access.key.id and aws.secret.access.key are needed together',
    },
  ];
}
