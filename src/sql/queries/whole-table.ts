// A table whose rows several hosts have between them: read from all of them, and only where together they have all of it.
// A partition that nobody has right now is not a partition without rows.
import { type Environment, MillraceError } from '../../util/index.ts';
import { refuse } from '../errors.ts';
import type { OpenRows, QueryHost } from './host.ts';

/** How long is waited for partitions that are being moved, and how often is looked. */
const PATIENCE_MS = 5000;
const LOOK_MS = 20;

const NOBODY =
  'Cannot determine which host contains the required partitions to serve the pull query. \nThe underlying persistent query may be restarting (e.g. as a result of ALTER SYSTEM) view the status of your by issuing <DESCRIBE foo>.';

/**
 * Opens the rows of a table on all the hosts that `hosts` names at the time; while they don't have all partitions that are
 * wanted, and each of them once, they are asked again. When partitions move before a row has been given, reading begins anew; later it
 * throws.
 */
export async function wholeTable<R>(
  hosts: () => readonly QueryHost[],
  open: (host: QueryHost) => Promise<OpenRows<R>>,
  environment: Environment,
): Promise<OpenRows<R>> {
  let parts = await openAll(hosts, open, environment);
  async function* batches(): AsyncGenerator<readonly R[]> {
    for (let isGiven = false; ; ) {
      try {
        for await (const batch of merged(parts)) {
          isGiven ||= batch.length > 0;
          yield batch;
        }
        return;
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (isGiven) refuse(NOBODY);
        await closeAll(parts);
        parts = await openAll(hosts, open, environment);
      }
    }
  }
  return { share: undefined, batches: batches(), close: () => closeAll(parts) };
}

async function openAll<R>(
  hosts: () => readonly QueryHost[],
  open: (host: QueryHost) => Promise<OpenRows<R>>,
  environment: Environment,
): Promise<readonly OpenRows<R>[]> {
  for (const until = environment.now() + PATIENCE_MS; ; ) {
    const asked = hosts();
    if (asked.length === 0) return refuse(NOBODY);
    const parts = await Promise.allSettled(asked.map(open));
    const opened = parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
    const failure = parts.find((part) => part.status === 'rejected' && !isPassing(part.reason));
    if (failure === undefined && isWhole(opened)) return opened;
    await closeAll(opened);
    if (failure?.status === 'rejected') throw failure.reason;
    if (environment.now() >= until) return refuse(NOBODY);
    await new Promise<void>((resolve) => void environment.after(LOOK_MS, resolve));
  }
}

/** Whether every partition that is wanted is there, and once. */
function isWhole(parts: readonly OpenRows<unknown>[]): boolean {
  const wanted = new Set(parts.flatMap(({ share }) => share!.wanted));
  const partitions = parts.flatMap(({ share }) => share!.partitions);
  return wanted.size > 0 && partitions.length === wanted.size && new Set(partitions).size === wanted.size;
}

/** Batches of all parts, in turn. */
async function* merged<R>(parts: readonly OpenRows<R>[]): AsyncGenerator<readonly R[]> {
  let coming = parts.map(({ batches }) => nextOf(batches[Symbol.asyncIterator]()));
  while (coming.length > 0) {
    const [first, ...others] = coming;
    const { iterator, next } = first!;
    const { done, value } = await next;
    coming = others;
    if (done === true) continue;
    coming.push(nextOf(iterator));
    yield value;
  }
}

function nextOf<R>(iterator: AsyncIterator<readonly R[]>) {
  const next = iterator.next();
  // It may fail while nobody waits; then it fails its turn.
  next.catch(() => {});
  return { iterator, next };
}

async function closeAll(parts: readonly OpenRows<unknown>[]): Promise<void> {
  await Promise.all(parts.map((part) => part.close()));
}

/** A moved partition, a thread that is being started again. */
function isPassing(error: unknown): boolean {
  return error instanceof MillraceError && error.retriable;
}
