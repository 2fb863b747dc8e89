// Rows as lines of a request: the first names the target, each further one is a row, which is acknowledged as soon as it is
// stored, while the client may still be sending.
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { FastifyReply } from 'fastify';
import { JsonNumber, messageOf, parseExactJson } from '../../../util/index.ts';
import type { SqlService } from '../service.ts';
import { BAD_REQUEST, RequestError } from './errors.ts';
import { liveAnswer } from './live-answer.ts';
import { DELIMITED } from './media-types.ts';

const LINE_CHARS_MAX = 10 * 1024 * 1024;
/** Rows on their way to the broker; who sends faster waits. */
const ON_THEIR_WAY_MAX = 1000;

/** `type`: acknowledgements as lines, or as one JSON array. */
export async function insertLines(
  service: SqlService,
  body: Readable,
  reply: FastifyReply,
  type: string,
): Promise<FastifyReply> {
  const lines = linesOf(body);
  // What was not read when the answer has ended is still in the connection, before the next request.
  reply.raw.once('close', () => void lines.return().then(() => body.resume()));
  const target = targetOf((await lines.next()).value);
  const isArray = type !== DELIMITED;
  const answer = liveAnswer(reply, { type, onGone: async () => {} });
  if (isArray) await answer.send('[');
  // Rows are acknowledged in their order, however they are stored.
  let acknowledged = Promise.resolve();
  let onTheirWay = 0;
  let seq = 0;
  const acknowledge = ({ problem }: Outcome): void => {
    const number = seq++;
    onTheirWay++;
    const previous = acknowledged;
    acknowledged = (async () => {
      const message = await problem;
      await previous;
      const outcome =
        message === undefined
          ? { status: 'ok', seq: number }
          : { status: 'error', seq: number, error_code: BAD_REQUEST, message };
      await answer.send(`${isArray && number > 0 ? ',' : ''}${JSON.stringify(outcome)}\n`);
      onTheirWay--;
    })();
  };
  try {
    for await (const line of lines) {
      // Rows are checked one after the other, so that they are stored in their order.
      acknowledge(await started(service, target, line));
      if (onTheirWay >= ON_THEIR_WAY_MAX) await acknowledged;
    }
  } catch (error) {
    acknowledge({ problem: Promise.resolve(messageOf(error)) });
  }
  await acknowledged;
  if (isArray) await answer.send(']\n');
  answer.end();
  return reply;
}

interface Outcome {
  /** What is wrong with the row; undefined when it is stored. */
  readonly problem: Promise<string | undefined>;
}

/** Resolves when a row is on its way, with what will have become of it. */
async function started(service: SqlService, target: string, line: string): Promise<Outcome> {
  try {
    const row = parseExactJson(line);
    if (row === null || typeof row !== 'object' || Array.isArray(row) || row instanceof JsonNumber)
      throw new RequestError(BAD_REQUEST, 'A row is a JSON object.');
    const { stored } = await service.insert(target, row);
    return { problem: stored.then(() => undefined, messageOf) };
  } catch (error) {
    return { problem: Promise.resolve(messageOf(error)) };
  }
}

function targetOf(line: string | undefined | void): string {
  let target: unknown;
  try {
    target = (JSON.parse(line ?? '') as { target?: unknown }).target;
  } catch {
    target = undefined;
  }
  if (typeof target !== 'string')
    throw new RequestError(BAD_REQUEST, 'The first line must be a JSON object with "target".');
  return target;
}

/** The lines of a text that is still coming, without the blank ones. */
async function* linesOf(body: Readable): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  // Who is refused in the middle still gets the answer: the connection is not ended.
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = lines.pop()!;
    if (rest.length > LINE_CHARS_MAX)
      throw new RequestError(BAD_REQUEST, `A line is longer than ${LINE_CHARS_MAX} characters.`);
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  const last = rest + decoder.end();
  if (last.trim() !== '') yield last;
}
