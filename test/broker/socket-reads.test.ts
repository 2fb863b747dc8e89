// Reads of accepted sockets into one buffer of ours: what arrives, backpressure and ends are as they are otherwise.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readInto } from '../../src/broker/socket-reads.ts';
import { hasOpenssl, makeCertificates } from '../suites/certificates.ts';

let folder: string;
let key: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-reads-'));
  if (hasOpenssl()) key = makeCertificates(folder).issue('server');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['plain', 'TLS'] as const)('sockets that are read into one buffer, %s', (way) => {
  const buffer = Buffer.alloc(1000);
  let server: Server;
  let clients: Socket[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
    server.close();
  });

  /** Answers who was accepted, what came, and who sends it. */
  async function open(onBytes: (accepted: Socket, bytes: Buffer) => void) {
    const accept = (socket: Socket): void => {
      socket.on('error', () => {});
      expect(readInto(socket, buffer, (bytes) => onBytes(socket, bytes))).toBe(true);
    };
    server =
      way === 'plain'
        ? createServer(accept)
        : createTlsServer({ key: readFileSync(`${key}.key`), cert: readFileSync(`${key}.crt`) }, accept);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return async (): Promise<Socket> => {
      const client =
        way === 'plain'
          ? connect(port, '127.0.0.1')
          : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      clients.push(client);
      await new Promise((resolve) => client.once(way === 'plain' ? 'connect' : 'secureConnect', resolve));
      return client;
    };
  }

  test.skipIf(way === 'TLS' && !hasOpenssl())('have all bytes in their order, of many at a time', async () => {
    const came = new Map<number, Buffer[]>();
    const done = new Map<number, () => void>();
    const byPort = new Map<Socket, number>();
    const dial = await open((accepted, bytes) => {
      // The first byte of each says who it is.
      const who = byPort.get(accepted) ?? bytes[0]!;
      byPort.set(accepted, who);
      came.set(who, [...(came.get(who) ?? []), Buffer.from(bytes)]);
      if (came.get(who)!.reduce((sum, { length }) => sum + length, 0) === 50_000) done.get(who)!();
    });
    await Promise.all(
      Array.from({ length: 8 }, async (_, who) => {
        const client = await dial();
        const sent = Buffer.from(
          Array.from({ length: 50_000 }, (_none, i) => (i === 0 ? who : (i * (who + 3)) & 0xff)),
        );
        const all = new Promise<void>((resolve) => done.set(who, resolve));
        for (let at = 0; at < sent.length; at += 777) client.write(sent.subarray(at, at + 777));
        await all;
        expect(Buffer.concat(came.get(who)!).equals(sent)).toBe(true);
      }),
    );
  });

  test.skipIf(way === 'TLS' && !hasOpenssl())('wait while they are paused, and end with the client', async () => {
    let total = 0;
    let accepted: Socket | undefined;
    let wake = (): void => {};
    const dial = await open((socket, bytes) => {
      accepted = socket;
      total += bytes.length;
      wake();
    });
    const client = await dial();
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await new Promise<void>((resolve) => (wake = resolve));
    };
    client.write('x');
    await until(() => total === 1);
    accepted!.pause();
    const isFlowing = client.write(Buffer.alloc(8_000_000));
    expect(isFlowing).toBe(false);
    // Whoever else sends is heard meanwhile.
    const paused = accepted!;
    const other = await dial();
    const before = total;
    other.write('y');
    await until(() => accepted !== paused);
    // What TLS had unpacked already may have come yet.
    expect(before).toBeLessThan(200_000);
    paused.resume();
    await until(() => total === 8_000_002);
    const closed = new Promise((resolve) => paused.once('close', resolve));
    client.end();
    await closed;
  });
});
