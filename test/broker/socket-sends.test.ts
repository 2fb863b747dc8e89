// Answers over a socket: all bytes in their order, however large, and told when nobody looks at them any more.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encryptedSocket, plainSocket } from '../../src/broker/socket-sends.ts';
import { hasOpenssl, makeCertificates } from '../suites/certificates.ts';

let folder: string;
let key: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sends-'));
  if (hasOpenssl()) key = makeCertificates(folder).issue('server');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['plain', 'TLS'] as const)('answers over a socket, %s', (way) => {
  let server: Server;
  let client: Socket;
  afterEach(() => {
    client.destroy();
    server.close();
  });

  async function open(): Promise<{ accepted: Socket; received: () => Promise<Buffer> }> {
    let accept: (socket: Socket) => void;
    const accepted = new Promise<Socket>((resolve) => (accept = resolve));
    server =
      way === 'plain'
        ? createServer((socket) => accept(socket))
        : createTlsServer({ key: readFileSync(`${key}.key`), cert: readFileSync(`${key}.crt`) }, (socket) =>
            accept(socket),
          );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    client =
      way === 'plain' ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    (await accepted).on('error', () => {});
    return { accepted: await accepted, received: () => ended.then(() => Buffer.concat(chunks)) };
  }

  test.skipIf(way === 'TLS' && !hasOpenssl())('arrive whole and in order, and are told to have left', async () => {
    const { accepted, received } = await open();
    let drained = 0;
    const socket = (way === 'plain' ? plainSocket : encryptedSocket)(accepted, () => drained++);
    const sizes = [
      [10],
      [4, 3_000_000],
      [4, 70_000, 9],
      [1_000_000, 1_000_000, 1],
      [262_144],
      [262_144, 262_144],
      [1, 2],
    ];
    const answers = sizes.map((pieces, i) =>
      pieces.map((size, j) => Buffer.from(Uint8Array.from({ length: size }, (_, at) => at * 7 + i * 31 + j))),
    );
    const sent: number[] = [];
    const flowing = answers.map((pieces, i) => socket.send([...pieces], () => sent.push(i)));
    expect(flowing[0]).toBe(true);
    expect(flowing[3]).toBe(false);
    // What was sent arrives before the end.
    socket.end();
    expect((await received()).equals(Buffer.concat(answers.flat()))).toBe(true);
    expect(sent).toEqual(answers.map((_, i) => i));
    expect(drained).toBeLessThanOrEqual(answers.length);
  });

  test.skipIf(way === 'TLS' && !hasOpenssl())('say when more may be sent', async () => {
    const { accepted } = await open();
    let wake = (): void => {};
    const socket = (way === 'plain' ? plainSocket : encryptedSocket)(accepted, () => wake());
    let waits = 0;
    while (waits < 5) {
      const drained = new Promise<void>((resolve) => (wake = resolve));
      if (socket.send([Buffer.alloc(2_000_000)])) continue;
      await drained;
      waits++;
    }
    expect(waits).toBe(5);
  });
});
