// From nothing to the first answer: the whole platform in a process of its own, and what it takes up while idle.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackInto } from '../tools/build/unpacked.ts';

export const name = 'Cold start of the whole platform';

/** The first round fills the compile cache, as the first start of a version does; it is told by itself. */
const ROUNDS = 6;

export async function measure(): Promise<Record<string, number | string>> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  try {
    return {
      ...(await startsOf('the package', join(unpackInto(folder), 'bin', 'millrace'))),
      ...(await startsOf('a checkout', join(import.meta.dirname, '..', 'bin', 'millrace'))),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startsOf(what: string, main: string): Promise<Record<string, number>> {
  const times: number[] = [];
  let residentMb = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-start-'));
    const begun = performance.now();
    const child = spawn(
      process.execPath,
      [main, 'start', '-d', dataDir, '--port', '0', '--registry-port', '0', '--sql-port', '0', '--rest-port', '0', '--connect-port', '0'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          const ready = /SQL ready\s+(\S+)/.exec(text);
          if (ready !== null) resolve(ready[1]!);
        });
        child.on('exit', (code) => reject(new Error(`it ended with ${code}: ${text}`)));
      });
      const response = await fetch(`${url}/info`);
      if (!response.ok) throw new Error(`/info answered ${response.status}`);
      times.push(performance.now() - begun);
      if (round === ROUNDS - 1) {
        await new Promise((resolve) => {
          setTimeout(resolve, 3000);
        });
        residentMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
      }
    } finally {
      child.removeAllListeners('exit');
      const ended = new Promise((resolve) => {
        child.on('exit', resolve);
      });
      child.kill('SIGTERM');
      await ended;
      rmSync(dataDir, { recursive: true, force: true });
    }
  }
  const [first, ...later] = times;
  later.sort((a, b) => a - b);
  return {
    [`${what}: to the first answered request, ms (median)`]: Math.round(later[Math.floor(later.length / 2)]!),
    [`${what}: to the first answered request, ms (slowest)`]: Math.round(later.at(-1)!),
    [`${what}: to the first answered request, ms (the very first start)`]: Math.round(first!),
    [`${what}: resident when idle, MB`]: Math.round(residentMb),
  };
}
