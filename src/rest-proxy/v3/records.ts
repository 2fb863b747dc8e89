/**
 * v3: records in, one after the other while the request lasts, or as a batch.
 *
 * The life of a streamed request: its objects are cut out of what comes in (json-objects.ts) → each is read and encoded in its
 * order and handed to the producer → its answer goes out when it is stored, in the order of the records. No more than some are
 * on their way at a time, so that whoever sends faster than the broker stores, or does not read the answers, waits. When the
 * client is gone, what is on its way is stored, and nothing else is left.
 */
import type { RecordMetadata } from '../../client/index.ts';
import { Answer, type Routes } from '../call.ts';
import { listOf, membersOf, optionalText } from '../entities.ts';
import { batchError, payloadError, recordFailure, type RecordFailure } from '../errors.ts';
import type { Formats } from '../formats.ts';
import { V3_TYPES } from '../media-types.ts';
import type { Producing } from '../producing.ts';
import { jsonObjects } from './json-objects.ts';
import { RECORD, type RecordRequest, recordOf, recordRequestOf } from './record-request.ts';
import { bodyOf, type ClusterCall, type ClusterRoutes } from './resources.ts';

/** Records on their way to the broker; who sends faster waits. */
const ON_THEIR_WAY_MAX = 1000;
const BATCH_ENTRIES_MAX = 1000;
const BATCH = ['entries'];
const ENTRY_ID = /^[A-Za-z0-9_-]{1,80}$/;

export function recordRoutes(cluster: ClusterRoutes, producing: Producing, formats: Formats, bytesMax: number): Routes {
  return {
    'POST /v3/clusters/:cluster/topics/:topic/records': {
      summary: 'Writes one record, or one after the other while the request lasts; each is answered with a line.',
      body: RECORD,
      consumes: V3_TYPES,
      produces: V3_TYPES,
      stream: async (call) => {
        const { clusterId } = await cluster.at({ ...call, body: '' });
        const topic = call.params['topic']!;
        const sender = new Sender({ clusterId, topic, partitions: await producing.partitionsOf(topic), producing });
        const take = (text: string) => sender.take(() => recordRequestOf(formats, topic, text));
        // Who is refused in the middle still gets the answer: the connection is not ended.
        const objects = jsonObjects(call.body.iterator({ destroyOnReturn: false }), bytesMax);
        const first = await objects.next();
        if (first.done === true) throw payloadError('Null input provided. Data is required.');
        return answers(take, first.value, objects);
      },
    },
    ...cluster.declare({
      'POST /topics/:topic/records::batch': {
        summary: 'Writes records, and answers which were stored.',
        body: BATCH,
        status: 207,
        answer: (at) => produceBatch(at, producing, formats),
      },
    }),
  };
}

interface Target {
  readonly clusterId: string;
  readonly topic: string;
  readonly partitions: number;
  readonly producing: Producing;
}

/** A record that is on its way; its text is there when it has been answered. */
interface OnItsWay {
  readonly answered: Promise<void>;
  text: string | undefined;
}

/** The answers, each as soon as those before it are there; several that are there go out together. */
async function* answers(
  take: (text: string) => Promise<Result>,
  first: string,
  objects: AsyncIterator<string, void>,
): AsyncGenerator<string, void> {
  const send = (text: string): OnItsWay => {
    const one: { answered: Promise<void>; text: string | undefined } = { answered: Promise.resolve(), text: undefined };
    one.answered = take(text).then((result) => {
      one.text = answerText(result);
    });
    return one;
  };
  // It may fail while nobody waits for it: that is found out when somebody does.
  const pull = (): Promise<IteratorResult<string, void>> => {
    const pulled = objects.next();
    pulled.catch(() => {});
    return pulled;
  };
  const waiting = [send(first)];
  let next: Promise<IteratorResult<string, void>> | undefined = pull();
  try {
    while (waiting.length > 0 || next !== undefined) {
      const oldest = waiting[0];
      if (oldest?.text !== undefined) {
        const count = waiting.findIndex(({ text }) => text === undefined);
        const done = waiting.splice(0, count < 0 ? waiting.length : count);
        yield done.map(({ text }) => text).join('');
        continue;
      }
      const mayTake: boolean = next !== undefined && waiting.length < ON_THEIR_WAY_MAX;
      const came: IteratorResult<string, void> | undefined = await Promise.race([
        ...(oldest === undefined ? [] : [oldest.answered.then(() => undefined)]),
        ...(mayTake ? [next!] : []),
      ]);
      if (came === undefined) continue;
      next = came.done === true ? undefined : pull();
      if (came.done !== true) waiting.push(send(came.value));
    }
  } catch (error) {
    // The body ended in the middle, or holds what is too large: the last that can be said.
    for (const each of waiting) {
      await each.answered;
      yield each.text!;
    }
    yield answerText({ failure: recordFailure(error) });
  }
}

type Result = { readonly entity: object } | { readonly failure: RecordFailure };

/** Sends records in the order in which they came, however long it takes to read one. */
class Sender {
  readonly #target: Target;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(target: Target) {
    this.#target = target;
  }

  /** Resolves with what has become of the record. */
  async take(read: () => Promise<RecordRequest>): Promise<Result> {
    const { topic, partitions, producing } = this.#target;
    const sent = this.#turn.then(async () => {
      const request = await read();
      // In an object: the next one waits until this one is sent, not until it is stored.
      return { request, outcome: producing.send(topic, partitions, request.record) };
    });
    this.#turn = sent.catch(() => {});
    try {
      const { request, outcome } = await sent;
      const result = await outcome;
      return 'failure' in result ? result : { entity: storedEntity(this.#target, request, result.stored) };
    } catch (error) {
      return { failure: recordFailure(error) };
    }
  }
}

function answerText(result: Result): string {
  const answer = 'failure' in result ? failureEntity(result.failure) : { error_code: 200, ...result.entity };
  return `${JSON.stringify(answer)}\n`;
}

function failureEntity({ errorCode, message }: RecordFailure): object {
  return { error_code: errorCode, message };
}

function storedEntity({ clusterId, topic }: Target, { key, value }: RecordRequest, stored: RecordMetadata): object {
  return {
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: stored.partition,
    offset: stored.offset,
    timestamp: new Date(stored.timestamp).toISOString(),
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
  };
}

async function produceBatch(at: ClusterCall, producing: Producing, formats: Formats): Promise<Answer> {
  const topic = at.call.params['topic']!;
  if (at.call.body.trim() === '') throw batchError('The request has no body.');
  const entries = listOf(bodyOf(at, BATCH), 'entries').map((each) => membersOf(each, ['id', ...RECORD], 'An entry'));
  if (entries.length === 0) throw batchError('The batch is empty.');
  if (entries.length > BATCH_ENTRIES_MAX) throw batchError(`The batch has more than ${BATCH_ENTRIES_MAX} entries.`);
  const ids = entries.map((entry) => optionalText(entry, 'id') ?? '');
  for (const id of ids) {
    if (!ENTRY_ID.test(id)) throw batchError(`"${id}" is no id: it has 1 to 80 letters, digits, - and _.`);
  }
  if (new Set(ids).size < ids.length) throw batchError('Several entries have the same id.');
  const partitions = await producing.partitionsOf(topic);
  const sender = new Sender({ clusterId: at.clusterId, topic, partitions, producing });
  const results = await Promise.all(
    entries.map(({ id: _, ...record }) => sender.take(() => recordOf(formats, topic, record))),
  );
  const successes: object[] = [];
  const failures: object[] = [];
  for (const [i, result] of results.entries()) {
    const id = ids[i]!;
    if ('failure' in result) failures.push({ id, ...failureEntity(result.failure) });
    else successes.push({ id, ...result.entity });
  }
  return new Answer(207, { successes, failures });
}
