import { ClassicLevel } from 'classic-level';
import { codeOf } from '../../util/index.ts';

/** Holds a place in a state directory for one instance. The operating system lets go of it when the process ends, however it ends. */
export class Lock {
  readonly #level: ClassicLevel;

  private constructor(level: ClassicLevel) {
    this.#level = level;
  }

  /** Undefined when somebody else, of this process or another, has it. */
  static async acquire(directory: string): Promise<Lock | undefined> {
    const level = new ClassicLevel(directory);
    try {
      await level.open();
    } catch (error) {
      const cause: unknown = error instanceof Error ? error.cause : undefined;
      if (codeOf(cause) !== 'LEVEL_LOCKED') throw error;
      return undefined;
    }
    return new Lock(level);
  }

  async release(): Promise<void> {
    await this.#level.close();
  }
}
