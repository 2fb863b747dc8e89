/**
 * Sends frames to a broker over TCP, decodes what it answers, and looks for what must not happen: an exception that nobody
 * foresaw, a request that is never answered, an answer that can't be read, a broker that serves others no longer or does not
 * start again. Time is the fuzzer's: what waits for a time-out gets it at once.
 */
import { createConnection } from 'node:net';
import { Broker } from '../../src/broker/index.ts';
import {
  type AnyApi,
  create,
  createTopics,
  decodeResponse,
  fetch,
  FrameSplitter,
  metadata,
  produce,
  RecordBatchBuilder,
  type Transport,
} from '../../src/protocol/index.ts';
import { ManualEnvironment, messageOf } from '../../src/util/index.ts';
import { type Frame, FrameSource } from './frames.ts';
import { MemoryDisk, ROOT } from './memory-disk.ts';
import { type FuzzOptions, newOutcome, note, type Outcome } from './outcome.ts';

export const CLOSED = 'connections closed';

const FRAMES_PER_CONNECTION = 100;
/** A broker is replaced after so many: what frames have made must not pile up. */
const FRAMES_PER_BROKER = 20_000;
/** So much patience, in turns of the event loop and in minutes of the broker's time. */
const TURNS = 3000;
const TURN_MS = 1000;
const SETTINGS = {
  durability: 'os',
  'internal.log.segment.bytes': 20_000,
  'offsets.topic.num.partitions': 2,
  'transaction.state.log.num.partitions': 2,
  'group.initial.rebalance.delay.ms': 0,
  'tail.cache.bytes': 1_000_000,
  'log.message.timestamp.after.max.ms': Number.MAX_SAFE_INTEGER,
};

/** Counts answers by their API, and the connections that the broker closed. */
export async function fuzzFrames(options: FuzzOptions): Promise<Outcome> {
  const outcome = newOutcome();
  const source = new FrameSource(options.random);
  while (outcome.tries < options.tries && outcome.problems.length === 0) {
    const until = Math.min(options.tries, outcome.tries + FRAMES_PER_BROKER);
    await withBroker(outcome, source, until);
    options.progress?.(outcome);
  }
  return outcome;
}

/** One broker's life, and the start of its heir on what is left in its directory. */
async function withBroker(outcome: Outcome, source: FrameSource, until: number): Promise<void> {
  const disk = new MemoryDisk();
  const log = (message: string): void => {
    // Only what nobody foresaw comes with its stack; and the disk has no faults.
    if (/\n\s+at |out of service|can not be/.test(message)) outcome.problems.push(message);
  };
  try {
    const environment = new ManualEnvironment(1_000_000);
    const broker = await Broker.open({ dataDir: ROOT, settings: SETTINGS, environment, log, disk });
    const { port } = await broker.listen({ host: '127.0.0.1', port: 0 });
    while (outcome.tries < until && outcome.problems.length === 0) {
      source.look(await worldOf(broker.connect()));
      const frames = Array.from({ length: FRAMES_PER_CONNECTION }, () => source.next());
      // A frame that closes its connection takes nothing from those behind it.
      for (let left = frames; left.length > 0 && outcome.problems.length === 0; ) {
        left = await exchange(port, left, environment, outcome);
      }
      outcome.tries += frames.length;
    }
    const problem = await lives(broker.connect());
    if (problem !== undefined) outcome.problems.push(problem);
    await broker.close();
    const heir = await Broker.open({ dataDir: ROOT, settings: SETTINGS, environment, log, disk });
    await heir.close();
  } catch (error) {
    outcome.problems.push(`the broker failed: ${error instanceof Error ? error.stack : messageOf(error)}`);
  }
}

/** The topics that there are; two are made when frames have deleted too many. */
async function worldOf(transport: Transport) {
  const wanted = ['events', 'table'].map((name) => ({ name, numPartitions: 3, replicationFactor: 1 }));
  const compact = [{ name: 'cleanup.policy', value: 'compact' }];
  const topics = wanted.map((topic) => ({ ...topic, configs: topic.name === 'table' ? compact : [] }));
  await transport.request(createTopics, create(createTopics, { topics }));
  const { topics: found } = await transport.request(metadata, create(metadata, { topics: null }));
  return {
    speaks: (api: AnyApi) => transport.versionOf(api) !== undefined,
    topics: found.map(({ name, topicId }) => ({ name: name!, id: topicId })),
  };
}

/**
 * Sends frames over one connection and takes the answers, until all are there or the broker has closed it. Returns the frames
 * behind the one that closed it.
 */
async function exchange(
  port: number,
  frames: readonly Frame[],
  environment: ManualEnvironment,
  outcome: Outcome,
): Promise<Frame[]> {
  const waiting = new Map(frames.filter(({ isAnswered }) => isAnswered).map((frame) => [frame.correlationId, frame]));
  const splitter = new FrameSplitter();
  const socket = createConnection({ host: '127.0.0.1', port });
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('data', (chunk: Buffer) => {
    for (const bytes of splitter.push(chunk)) {
      const frame = waiting.get(bytes.readInt32BE(0));
      if (frame === undefined) outcome.problems.push(`an answer to ${bytes.readInt32BE(0)}, which nobody waits for`);
      else take(frame, bytes, outcome);
      waiting.delete(bytes.readInt32BE(0));
    }
  });
  socket.write(Buffer.concat(frames.map(({ bytes }) => bytes)));
  for (let turn = 0; waiting.size > 0 && !isClosed; turn++) {
    await new Promise<void>((resolve) => environment.soon(resolve));
    if (turn % 10 === 9) environment.advance(TURN_MS);
    if (turn < TURNS) continue;
    outcome.problems.push(`no answer to ${describe([...waiting.values()][0]!)}`);
    break;
  }
  socket.destroy();
  if (!isClosed) return [];
  note(outcome, CLOSED);
  const [culprit] = waiting.keys();
  return culprit === undefined ? [] : frames.filter(({ correlationId }) => correlationId > culprit);
}

function take(frame: Frame, bytes: Buffer, outcome: Outcome): void {
  note(outcome, frame.api.name);
  try {
    decodeResponse(frame.api, frame.version, bytes);
  } catch (error) {
    outcome.problems.push(`the answer to ${describe(frame)} can not be read: ${messageOf(error)}`);
  }
}

/** Whether somebody else can still write and read. */
async function lives(transport: Transport): Promise<string | undefined> {
  const { topics } = await worldOf(transport);
  const topicId = topics.find(({ name }) => name === 'table')!.id;
  const builder = new RecordBatchBuilder(64);
  builder.append(Buffer.from('k'), Buffer.from('alive'), 1_000_000);
  const partitionData = [{ index: 0, records: builder.finish() }];
  const written = await transport.request(
    produce,
    create(produce, { acks: -1, topicData: [{ topicId, partitionData }] }),
  );
  const { errorCode, baseOffset } = written.responses[0]!.partitionResponses[0]!;
  if (errorCode !== 0) return `a record is refused with ${errorCode}`;
  const partitions = [{ partition: 0, fetchOffset: baseOffset, partitionMaxBytes: 1000 }];
  const read = await transport.request(fetch, create(fetch, { maxBytes: 1000, topics: [{ topicId, partitions }] }));
  const { records } = read.responses[0]!.partitions[0]!;
  return records?.includes('alive') === true ? undefined : 'what was acknowledged is not read';
}

function describe({ api, version, request }: Frame): string {
  const text = JSON.stringify(request, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('type' in value) || !('data' in value)) return value;
    return Buffer.from(value.data as number[]).toString('hex');
  });
  return `${api.name} v${version} ${text.slice(0, 2000)}`;
}
