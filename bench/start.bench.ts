// From nothing to the first answer: the whole platform in a process of its own, and what it takes up while idle.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const name = 'Cold start of the whole platform';

const ROUNDS = 5;

export async function measure(): Promise<Record<string, number | string>> {
  const times: number[] = [];
  let residentMb = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-start-'));
    const begun = performance.now();
    const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
    const child = spawn(
      process.execPath,
      [main, 'start', '-d', dataDir, '--port', '0', '--registry-port', '0', '--sql-port', '0'],
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
  times.sort((a, b) => a - b);
  return {
    'to the first answered request, ms (median)': Math.round(times[Math.floor(ROUNDS / 2)]!),
    'to the first answered request, ms (slowest)': Math.round(times.at(-1)!),
    'resident when idle, MB': Math.round(residentMb),
  };
}
