// An answer that goes on: what is sent goes out at once, and waits while the client reads slowly.
import type { OutgoingHttpHeaders } from 'node:http';
import type { Writable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { liveGzip, takesGzip } from '../../../rim/index.ts';

export interface LiveAnswer {
  /** Resolves when there is room for more, or nobody there any more. */
  send(text: string): Promise<void>;
  end(): void;
}

export interface LiveAnswerOptions {
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The client has gone before the end. */
  readonly onGone: () => Promise<void>;
}

/** Takes the socket over from fastify. The status is sent: what goes wrong from here on can only be told in the text. */
export function liveAnswer(reply: FastifyReply, { type, headers = {}, onGone }: LiveAnswerOptions): LiveAnswer {
  reply.hijack();
  const { raw, request } = reply;
  const isZipped = takesGzip(request.headers['accept-encoding']);
  raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': type,
    'cache-control': 'no-cache',
    ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
    ...headers,
  });
  raw.flushHeaders();
  const out: Writable = isZipped ? liveGzip() : raw;
  if (out !== raw) out.pipe(raw);
  let gone = false;
  raw.on('close', () => {
    if (gone || raw.writableEnded) return;
    gone = true;
    if (out !== raw) out.destroy();
    void onGone();
  });
  return {
    async send(text) {
      if (text === '' || gone || raw.destroyed) return;
      if (!out.write(text)) await drained(out, raw);
    },
    end: () => void out.end(),
  };
}

/** Resolves when the client has read on, or has gone. */
function drained(out: Writable, raw: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    out.on('drain', done);
    raw.on('close', done);
  });
}
