// An application in a process of its own, for tests that kill it: counts by value, every update emitted, exactly once.
import { createClient } from '../../src/client/index.ts';
import { KafkaStreams, StreamsBuilder, type StreamsSettings } from '../../src/streams/index.ts';
import { text, texts } from './support.ts';

type Arguments = [
  bootstrapServers: string,
  applicationId: string,
  stateDir: string,
  input: string,
  output: string,
  memory: string,
  /** Further settings, as JSON: it then tells what it restores, too. */
  more?: string,
];
const [bootstrapServers, applicationId, stateDir, input, output, memory, more] = process.argv.slice(2) as Arguments;
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
  ...(JSON.parse(more ?? '{}') as Partial<StreamsSettings>),
  onError: (error, fatal) => process.stderr.write(`${fatal ? 'fatal' : 'recovering'}: ${String(error)}\n`),
});
if (more !== undefined) app.onRestored((report) => process.stdout.write(`restored ${JSON.stringify(report)}\n`));
await app.start();
process.stdout.write('running\n');
