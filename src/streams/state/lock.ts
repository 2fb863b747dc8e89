import { ClassicLevel } from 'classic-level';
import { codeOf, MillraceError } from '../../util/index.ts';

/** Holds a state directory for one instance. The operating system lets go of it when the process ends, however it ends. */
export class Lock {
  readonly #level: ClassicLevel;

  private constructor(level: ClassicLevel) {
    this.#level = level;
  }

  static async acquire(directory: string): Promise<Lock> {
    const level = new ClassicLevel(directory);
    try {
      await level.open();
    } catch (error) {
      const cause: unknown = error instanceof Error ? error.cause : undefined;
      if (codeOf(cause) !== 'LEVEL_LOCKED') throw error;
      throw new MillraceError(
        'STATE_LOCKED',
        `the state directory ${directory} is in use by another instance; give each instance its own stateDir`,
        { cause },
      );
    }
    return new Lock(level);
  }

  async release(): Promise<void> {
    await this.#level.close();
  }
}
