// An application in a process of its own, for tests that kill it: counts by value, every update emitted, exactly once.
import { createClient } from '../../src/client/index.ts';
import { KafkaStreams, StreamsBuilder } from '../../src/streams/index.ts';
import { text, texts } from './support.ts';

const [bootstrapServers, applicationId, stateDir, input, output, memory] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const builder = new StreamsBuilder();
builder
  .stream<string, string>(input, texts)
  .groupBy((_key, value) => value, { key: text, name: 'by-value' })
  .count({ name: 'counts' })
  .toStream()
  .to(output);

const app = new KafkaStreams(builder.build(), {
  client: createClient({ bootstrapServers }),
  applicationId,
  stateDir,
  processingGuarantee: 'exactly_once_v2',
  cacheMaxBytes: 0,
  commitIntervalMs: 15,
  checkpointIntervalMs: 40,
  statestoreCacheMaxBytes: Number(memory),
  sessionTimeoutMs: 1000,
  heartbeatIntervalMs: 100,
  onError: (error, fatal) => process.stderr.write(`${fatal ? 'fatal' : 'recovering'}: ${String(error)}\n`),
});
await app.start();
process.stdout.write('running\n');
