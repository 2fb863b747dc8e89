// Who uses the platform in a simulation, in a process of their own that ends and begins again.
import type { Client } from '../../../src/client/index.ts';
import { codeOf, MillraceError } from '../../../src/util/index.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Random } from '../random.ts';
import type { Logs } from '../logs.ts';

/** What an actor has to work with until its process ends. */
export interface Host {
  readonly process: SimulatedProcess;
  readonly client: Client;
  readonly random: Random;
  /** False when it is time to bring things to an end: nothing new is begun. */
  isActive(): boolean;
  /** Takes note of something that must not be. */
  fail(what: string): void;
  /** One more operation that the platform has confirmed or refused. */
  count(): void;
  pause(ms: number): Promise<void>;
}

export interface Actor {
  readonly name: string;
  /**
   * True for one that works off what others make: it goes on until everything is done. The others end when they are told to,
   * behind what they have begun.
   */
  readonly isFollower: boolean;
  run(host: Host): Promise<void>;
  /** What the logs lack or hold too much, when nobody writes any more; undefined when all is as it must be. */
  complaint(logs: Logs): string | undefined;
  /** Looks, when all is at rest, at what the logs alone do not tell; returns what is wrong. */
  audit?(host: Host, logs: Logs): Promise<string | undefined>;
}

/** Errors that tell of the outside world are a client's everyday life; anything else is a bug. */
export function assertExpected(error: unknown): void {
  if (!(error instanceof MillraceError) && !/^E[A-Z]+$/.test(codeOf(error) ?? '')) throw error;
}

/** Runs `work` again and again, with a new start behind every failure that a client must expect. */
export async function untilDone(host: Host, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      assertExpected(error);
      host.process.note(`begins anew: ${(error as Error).message}`);
    }
    await host.pause(host.random.between(20, 300));
  }
}
