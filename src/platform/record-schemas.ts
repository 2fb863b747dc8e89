// Schemas for the broker: whoever checks them is started when the first topic wants it.
import type { RecordProblem, RecordSchemas, SchemaCheck } from '../broker/index.ts';
import type { SchemaSource } from '../serde/index.ts';
import type { ServiceThread } from './threads.ts';

/** Ends when nobody produces any more. */
export interface StoppableSchemas extends RecordSchemas {
  stop(): Promise<void>;
}

/** Checks in a thread of its own, so that no schema, however heavy, keeps the broker's clients waiting. */
export class ThreadRecordSchemas implements StoppableSchemas {
  readonly #start: () => ServiceThread;
  #thread: Promise<ServiceThread> | undefined;

  constructor(start: () => ServiceThread) {
    this.#start = start;
  }

  async check(check: SchemaCheck): Promise<readonly RecordProblem[]> {
    const thread = await this.#started();
    return (await thread.call('check', check)) as readonly RecordProblem[];
  }

  async stop(): Promise<void> {
    const thread = await this.#thread?.catch(() => undefined);
    await thread?.stop();
  }

  #started(): Promise<ServiceThread> {
    this.#thread ??= this.#begin().catch((error: unknown) => {
      this.#thread = undefined;
      throw error;
    });
    return this.#thread;
  }

  async #begin(): Promise<ServiceThread> {
    const thread = this.#start();
    await thread.start();
    return thread;
  }
}

/** Checks in this thread, with the schemas that are there once everything is up. */
export function localRecordSchemas(schemas: () => SchemaSource | undefined): StoppableSchemas {
  let made: RecordSchemas | undefined;
  return {
    async check(check) {
      const source = schemas();
      if (source === undefined) throw new Error('the registry is not up yet');
      made ??= (await import('./record-check.ts')).recordSchemas(source);
      return made.check(check);
    },
    stop: async () => {},
  };
}
