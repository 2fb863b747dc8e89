// How rows are answered: the forms that ksqlDB gives them, each as what comes first, a row, and what comes last.
import type { FastifyReply } from 'fastify';
import { messageOf } from '../../../util/index.ts';
import type { PrintedTopic } from '../../queries/print-topic.ts';
import { protoSchemaOf } from '../../queries/row-protobuf.ts';
import type { ResultFormat, ResultRow, RunningQuery } from '../../statements/entities.ts';
import { typeText } from '../../types.ts';
import { errorBody } from './errors.ts';
import { liveAnswer } from './live-answer.ts';
import { DELIMITED, JSON_TYPE, PROTOBUF, V1 } from './media-types.ts';

/** Where a query's warning is sent ahead of its rows, percent-encoded. */
const WARNING_HEADER = 'millrace-warning';

/** How rows are written in a media type. */
export function formatOf(type: string): ResultFormat {
  return type === PROTOBUF ? 'protobuf' : 'json';
}

export function json(reply: FastifyReply, body: object): FastifyReply {
  return reply.type(V1).send(JSON.stringify(body));
}

/**
 * StreamedRows: one array, an element per line. Clients read it by lines, so a live query ends each line at once, comma
 * included (its final message closes the array); a finite one knows its last row.
 */
export async function streamRows(reply: FastifyReply, query: RunningQuery, type: string): Promise<FastifyReply> {
  const { queryId } = query;
  const isProtobuf = formatOf(type) === 'protobuf';
  const schema = isProtobuf ? { protoSchema: protoSchemaOf(query.columns) } : { schema: query.schemaText };
  const header = JSON.stringify({ header: { queryId, ...schema } });
  const member = isProtobuf ? 'protobufBytes' : 'columns';
  const before = query.live ? '' : ',\n';
  const after = query.live ? ',\n' : '';
  return stream(reply, type, query, {
    first: `[${header}${after}`,
    row: ({ json: columns, tombstone }) =>
      `${before}{"row":{"${member}":${columns}${tombstone ? ',"tombstone":true' : ''}}}${after}`,
    last: () => {
      const message = query.finalMessage();
      return message === undefined ? ']\n' : `${before}${JSON.stringify({ finalMessage: message })}]\n`;
    },
    failure: (error) => `${before}${JSON.stringify({ errorMessage: errorBody(error) })}]\n`,
  });
}

/** A line of metadata, then a line per row. */
export async function streamDelimited(reply: FastifyReply, query: RunningQuery): Promise<FastifyReply> {
  return stream(reply, DELIMITED, query, {
    first: `${JSON.stringify(metadataOf(query))}\n`,
    row: ({ json: columns, tombstone }) => (tombstone ? '' : `${columns}\n`),
    last: () => '',
    failure: (error) => `${JSON.stringify(errorBody(error))}\n`,
  });
}

/** One JSON array: metadata, then the rows. */
export async function streamArray(reply: FastifyReply, query: RunningQuery): Promise<FastifyReply> {
  return stream(reply, JSON_TYPE, query, {
    first: `[${JSON.stringify(metadataOf(query))}\n`,
    row: ({ json: columns, tombstone }) => (tombstone ? '' : `,${columns}\n`),
    last: () => ']\n',
    failure: (error) => `,${JSON.stringify(errorBody(error))}]\n`,
  });
}

function metadataOf(query: RunningQuery): object {
  return {
    queryId: query.queryId,
    columnNames: query.columns.map((column) => column.name),
    columnTypes: query.columns.map((column) => typeText(column.type)),
  };
}

interface Framing {
  readonly first: string;
  readonly row: (row: ResultRow) => string;
  readonly last: () => string;
  readonly failure: (error: unknown) => string;
}

async function stream(reply: FastifyReply, type: string, query: RunningQuery, framing: Framing): Promise<FastifyReply> {
  const { warning } = query;
  // In a header: in the rows there is no place for it that ksqlDB's clients would pass over.
  const headers = warning === undefined ? {} : { [WARNING_HEADER]: encodeURIComponent(warning) };
  const answer = liveAnswer(reply, { type, headers, onGone: () => query.close() });
  try {
    await answer.send(framing.first);
    for await (const batch of query.batches) await answer.send(batch.map(framing.row).join(''));
    await answer.send(framing.last());
  } catch (error) {
    await answer.send(framing.failure(error));
  } finally {
    await query.close();
    answer.end();
  }
  return reply;
}

export async function streamLines(reply: FastifyReply, printed: PrintedTopic): Promise<FastifyReply> {
  const answer = liveAnswer(reply, { type: 'text/plain; charset=utf-8', onGone: () => printed.close() });
  try {
    for await (const line of printed.lines) await answer.send(`${line}\n`);
  } catch (error) {
    await answer.send(`${messageOf(error)}\n`);
  } finally {
    await printed.close();
    answer.end();
  }
  return reply;
}
