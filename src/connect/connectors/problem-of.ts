// For validators of settings: what is wrong with a value is what reading it throws.
import { messageOf } from '../../util/index.ts';

/** What is thrown, or undefined. */
export function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
