// Queries over a WebSocket, as ksqlDB's older clients ask them: the request is a parameter of the address; the first frame is
// the schema, each further one a row, and a query that ends is closed with 1000.
import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import { codeOf, messageOf } from '../../../util/index.ts';
import type { PrintedTopic } from '../../queries/print-topic.ts';
import { fieldEntity, type RunningQuery } from '../../statements/entities.ts';
import type { SqlService } from '../service.ts';
import { BAD_REQUEST, RequestError } from './errors.ts';
import { contextOf, jsonObject, textOf } from './requests.ts';

/** Why a socket is closed (RFC 6455, 7.4.1, and IANA's registry). */
const NORMAL = 1000;
const CANNOT_ACCEPT = 1003;
const UNEXPECTED = 1011;
const TRY_AGAIN_LATER = 1013;
/** So long a reason may be, in bytes. */
const REASON_BYTES_MAX = 123;

/** Answers one query, and closes the socket. */
export async function queryOverSocket(service: SqlService, socket: WebSocket, request: FastifyRequest): Promise<void> {
  let query: RunningQuery | PrintedTopic;
  try {
    const { request: text, version } = request.query as Record<string, unknown>;
    if (version !== undefined && version !== '1')
      throw new RequestError(BAD_REQUEST, `Received invalid api version: ${String(version)}`);
    if (typeof text !== 'string' || text === '')
      throw new RequestError(BAD_REQUEST, 'Error parsing request: missing request parameter');
    const body = jsonObject(text);
    query = await service.query(textOf(body, 'ksql'), contextOf(body, 'streamsProperties'));
  } catch (error) {
    close(socket, codeOf(error) === 'SQL_COMMAND_PENDING' ? TRY_AGAIN_LATER : CANNOT_ACCEPT, messageOf(error));
    return;
  }
  const opened = query;
  socket.on('close', () => void opened.close());
  try {
    for await (const frames of 'lines' in opened ? printed(opened) : rows(opened)) {
      if (socket.readyState !== socket.OPEN) break;
      await send(socket, frames);
    }
    close(socket, NORMAL, 'done');
  } catch (error) {
    close(socket, UNEXPECTED, messageOf(error));
  } finally {
    await opened.close();
  }
}

async function* printed({ lines }: PrintedTopic): AsyncGenerator<readonly string[]> {
  for await (const line of lines) yield [JSON.stringify(line)];
}

async function* rows({ columns, batches, live }: RunningQuery): AsyncGenerator<readonly string[]> {
  yield [
    JSON.stringify(columns.map(({ name, type, isKey }) => fieldEntity(name, type, isKey && !live ? 'KEY' : undefined))),
  ];
  for await (const batch of batches) {
    yield batch.map(({ json, tombstone }) => `{"row":{"columns":${json}${tombstone ? ',"tombstone":true' : ''}}}`);
  }
}

/** Resolves when the client has taken them all. */
async function send(socket: WebSocket, frames: readonly string[]): Promise<void> {
  await Promise.all(frames.map((frame) => new Promise<void>((resolve) => void socket.send(frame, () => resolve()))));
}

function close(socket: WebSocket, code: number, reason: string): void {
  const bytes = Buffer.from(reason);
  if (bytes.length <= REASON_BYTES_MAX) socket.close(code, bytes);
  // A character that was cut in two becomes one of three bytes, for which there is room.
  else
    socket.close(
      code,
      `${bytes
        .subarray(0, REASON_BYTES_MAX - 6)
        .toString()
        .replace(/\uFFFD$/, '')}...`,
    );
}
