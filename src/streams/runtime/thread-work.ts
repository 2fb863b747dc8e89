// A thread of an instance: a member of the group of its own, with a client of its own. It does what the instance says, and
// tells it what becomes of that.
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { createClient, dialThread } from '../../client/index.ts';
import { deferred, fromFault, PortCalls, toFault } from '../../util/index.ts';
import { processBudget } from '../state/memory-budget.ts';
import { KafkaStreams } from './app.ts';
import { topologyIn } from './module-topology.ts';
import { answerLines } from './query-wire.ts';
import type { StreamsSettings } from './settings.ts';
import { fromNumber, type FromThread, type ThreadData } from './thread-messages.ts';

/** Lines of an answer that go over at a time. */
const LINES = 500;

const parent = parentPort!;
const { module, settings, cluster, port, endsAll } = workerData as ThreadData;
const client = createClient(
  cluster === undefined
    ? {
        dial: () => {
          const { port1, port2 } = new MessageChannel();
          parent.postMessage({ kind: 'connect', port: port1 } satisfies FromThread, [port1]);
          return dialThread(port2);
        },
      }
    : cluster,
);
const made = deferred<KafkaStreams>();
let release = (): void => {};

const answers = new Map<number, AsyncGenerator<object>>();
let lastAnswer = 0;

const calls = new PortCalls(port, {
  start: async () => (await made.promise).start(),
  close: async (leaveGroup: boolean) => {
    try {
      // What could not be made has said so when it was started.
      const app = await made.promise.catch(() => undefined);
      await app?.close({ leaveGroup });
    } finally {
      await client.close();
    }
  },
  end: () => {
    port.close();
    parent.close();
  },
  pause: async () => (await made.promise).pause(),
  resume: async () => (await made.promise).resume(),
  /** How much of the instance's memory for state is this thread's, bytes. */
  share: (bytes: number) => {
    release();
    release = processBudget.claim(bytes);
  },
  metrics: async () => (await made.promise).metrics(),
  lag: async () => (await made.promise).lag(),
  localTasks: async () => (await made.promise).localTasks(),
  storeLags: async () => (await made.promise).allLocalStorePartitionLags(),
  copies: async (store: string) => (await made.promise).copiesOf(store),
  open: async (body: string) => {
    answers.set(++lastAnswer, answerLines(await made.promise, body));
    return lastAnswer;
  },
  next: async (id: number) => {
    const lines: string[] = [];
    while (lines.length < LINES) {
      const { done, value } = await answers.get(id)!.next();
      if (done === true) break;
      lines.push(JSON.stringify(value));
    }
    return lines;
  },
  shut: async (id: number) => {
    await answers.get(id)?.return(undefined);
    answers.delete(id);
  },
});

try {
  const exported = (await import(module)) as { readonly settings?: Partial<StreamsSettings> };
  const app = new KafkaStreams(
    await topologyIn(module, exported),
    {
      ...exported.settings,
      ...settings,
      client,
      onError: (error, fatal) => void calls.call('error', toFault(error), fatal),
      onUncaughtError: (error) => {
        // The answer is wanted at once, as from a handler in this thread.
        const answer = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
        parent.postMessage({ kind: 'uncaught', fault: toFault(error), answer } satisfies FromThread);
        Atomics.wait(answer, 0, 0);
        return fromNumber(answer[0]!);
      },
    },
    endsAll === undefined ? undefined : fromFault(endsAll),
  );
  app.onStateChange((state) => void calls.call('state', state, state === 'ERROR' ? toFault(app.error) : undefined));
  app.onRestored((report) => void calls.call('restored', report));
  app.onRestoreProgress((progress) => void calls.call('progress', progress));
  app.onMetadataChange(() => void calls.call('told', app.whoHasWhat()));
  made.resolve(app);
} catch (error) {
  made.reject(error);
  made.promise.catch(() => {});
}
