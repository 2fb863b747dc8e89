// Answers in gzip, for clients that take it.
import { constants, createGzip, gzip, type Gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** Answers that are shorter are not worth it, in bytes. */
const WORTH_BYTES = 1024;

/** Whether an `Accept-Encoding` header (RFC 9110, 12.5.3) lets an answer be in gzip. */
export function takesGzip(header: string | string[] | undefined): boolean {
  const qualities = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((item) => {
        const [coding = '', ...parameters] = item.split(';').map((part) => part.trim());
        const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
        return [coding, quality === undefined ? 1 : Number(quality)];
      }),
  );
  return (qualities.get('gzip') ?? qualities.get('*') ?? 0) > 0;
}

/** Answers that are long texts are compressed for those who take it. */
export function addCompression(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length < WORTH_BYTES) {
      done(null, payload);
      return;
    }
    reply.header('vary', [reply.getHeader('vary') ?? [], 'accept-encoding'].flat().join(', '));
    if (!takesGzip(request.headers['accept-encoding'])) {
      done(null, payload);
      return;
    }
    reply.header('content-encoding', 'gzip').removeHeader('content-length');
    gzip(payload, done);
  });
}

/** A stream of gzip in which all that was written can be read at once, not when enough has come together. */
export function liveGzip(): Gzip {
  return createGzip({ flush: constants.Z_SYNC_FLUSH });
}
