// What Kafka's tools tell a producer, under Kafka's names.
import { type Compression, isSecuritySetting, type ProducerSettings } from '../../client/index.ts';
import { UsageError } from './arguments.ts';
import type { ToolIo } from './tool.ts';

const OF_THE_CLIENT = ['bootstrap.servers', 'client.id', 'metadata.max.age.ms', 'key.serializer', 'value.serializer'];
const READ = [
  'acks',
  'linger.ms',
  'batch.size',
  'compression.type',
  'enable.idempotence',
  'transactional.id',
  'transaction.timeout.ms',
  'delivery.timeout.ms',
  'max.block.ms',
  'max.request.size',
];

/** Settings that have no meaning here are told of. The client itself refuses values that it can't use. */
export function producerSettings(given: ReadonlyMap<string, string>, io: ToolIo): ProducerSettings {
  for (const name of given.keys()) {
    if (!READ.includes(name) && !OF_THE_CLIENT.includes(name) && !isSecuritySetting(name)) {
      io.err(`The producer's setting ${name} is passed over: there is none of that name.\n`);
    }
  }
  const number = (name: string): number | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${name}: "${text}" is not a number`, false);
    return Number(text);
  };
  const acks = given.get('acks');
  const isOptional = acks === '0' || acks === '1' || given.get('enable.idempotence') === 'false';
  const settings = {
    acks: acks === undefined ? undefined : acksOf(acks),
    enableIdempotence: isOptional ? false : undefined,
    lingerMs: number('linger.ms'),
    batchSize: number('batch.size'),
    compressionType: given.get('compression.type') as Compression | undefined,
    transactionalId: given.get('transactional.id'),
    transactionTimeoutMs: number('transaction.timeout.ms'),
    deliveryTimeoutMs: number('delivery.timeout.ms'),
    maxBlockMs: number('max.block.ms'),
    maxRequestSize: number('max.request.size'),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function acksOf(text: string): -1 | 0 | 1 {
  if (text === 'all' || text === '-1') return -1;
  if (text === '0') return 0;
  if (text === '1') return 1;
  throw new UsageError(`acks: use 0, 1, -1 or all, not "${text}"`, false);
}
