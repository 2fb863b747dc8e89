import type { Environment } from '../../util/index.ts';
import { ENTRY_BYTES, textBytes } from '../memory-size.ts';
import { NOTHING_OWNED, type Ownership } from './reconciliation.ts';
import { Session } from './session.ts';
import type { StreamsDescription } from './streams-records.ts';

export interface TaskOffset {
  readonly subtopologyId: string;
  readonly partition: number;
  readonly offset: number;
}

/** A key in a set, and its entry among the holders. */
const TASK_BYTES = 150;

/** A member of a streams group: what it says, the tasks that it has, and the times within which it has to do something. */
export class StreamsMember {
  readonly id: string;
  description: StreamsDescription;
  ownership: Ownership = NOTHING_OWNED;
  /** How far its copies of states are, and how far they could be: told, not stored. */
  taskOffsets: readonly TaskOffset[] = [];
  taskEndOffsets: readonly TaskOffset[] = [];
  readonly #session = new Session();
  #cancelRevocation: (() => void) | undefined;

  constructor(id: string, description: StreamsDescription) {
    this.id = id;
    this.description = description;
  }

  /** About what it takes of memory. */
  get bytes(): number {
    const { instanceId, rackId, clientId, processId, userEndpoint, clientTags } = this.description;
    const tags = clientTags.flatMap(({ key, value }) => [key, value]);
    const said = [this.id, instanceId, rackId, clientId, processId, userEndpoint?.host ?? null, ...tags];
    const { assigned, revoking } = this.ownership;
    const offsets = this.taskOffsets.length + this.taskEndOffsets.length;
    const tasks = (assigned.size + revoking.size + offsets) * TASK_BYTES;
    return ENTRY_BYTES + said.reduce((sum, text) => sum + textBytes(text), 0) + tasks;
  }

  keepAlive(environment: Environment, timeoutMs: number, expire: () => void): void {
    this.#session.keepAlive(environment, timeoutMs, expire);
  }

  /** Gives it a time to give up tasks in, unless that runs already. */
  expectRevocation(environment: Environment, ms: number, miss: () => void): void {
    this.#cancelRevocation ??= environment.after(Math.max(0, ms), () => {
      this.#cancelRevocation = undefined;
      miss();
    });
  }

  hasRevoked(): void {
    this.#cancelRevocation?.();
    this.#cancelRevocation = undefined;
  }

  stop(): void {
    this.#session.stop();
    this.hasRevoked();
  }
}
