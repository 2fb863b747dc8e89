// A worker of Connect in this process, whoever asks for it.
import { startConnectWorker } from '../platform/index.ts';
import { signalled } from './start.ts';

/** Runs a worker until a signal ends it. */
export async function runWorker(
  mode: 'standalone' | 'distributed',
  settings: Readonly<Record<string, string>>,
  connectors: readonly string[],
  io: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Promise<void> {
  const stopping = signalled();
  const running = await startConnectWorker({ mode, settings, connectors, log: (message) => io.err(`${message}\n`) });
  io.out(`Connect ready            ${running.url}\n`);
  await stopping;
  await running.stop();
  io.out('Stopped.\n');
}
