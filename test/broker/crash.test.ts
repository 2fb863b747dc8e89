// kill -9 at random moments while producers write with acks=all: what was acknowledged is there again, in its place.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dialTcp } from '../../src/client/dial.ts';
import type { Transport } from '../../src/protocol/index.ts';
import { createTopic, readAll, seeded, send, temporaryDirectory } from './support.ts';

const LIVES = 4;

test('nothing acknowledged is lost when the process is killed', async () => {
  const dataDir = temporaryDirectory();
  const random = seeded(7);
  const acknowledged: Map<number, string>[] = [new Map(), new Map()];
  let next = 0;
  for (let life = 0; life < LIVES; life++) {
    const { child, transport } = await start(dataDir);
    try {
      if (life === 0) await createTopic(transport, 't', 2);
      for (const [partition, expected] of acknowledged.entries()) {
        const found = await readAll(transport, 't', { partition });
        found.forEach(({ offset }, i) => expect(offset).toBe(i));
        for (const [offset, value] of expected) expect([offset, found[offset]?.value]).toEqual([offset, value]);
      }
      if (life === LIVES - 1) break;
      const goal = 200 + Math.floor(random() * 300);
      let done = 0;
      const killed = once(child, 'exit');
      const writers = acknowledged.map(async (book, partition) => {
        for (;;) {
          const value = `${next++}-${'x'.repeat(Math.floor(random() * 200))}`;
          const answer = await send(transport, 't', [value], { partition });
          expect(answer.errorCode).toBe(0);
          book.set(answer.baseOffset, value);
          if (++done === goal) child.kill('SIGKILL');
        }
      });
      await Promise.allSettled(writers);
      await killed;
    } finally {
      transport.close();
      child.kill('SIGKILL');
    }
  }
  expect(acknowledged[0]!.size + acknowledged[1]!.size).toBeGreaterThan(600);
});

async function start(dataDir: string): Promise<{ child: ChildProcess; transport: Transport }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.ts'), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const transport = await dialTcp({ host: '127.0.0.1', port: Number(line.toString()) });
  return { child, transport };
}
