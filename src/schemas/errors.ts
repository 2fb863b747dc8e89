import { MillraceError } from '../util/index.ts';

/** A text that is no schema of its language, or one that is too large or too deep to be worked with. */
export class InvalidSchema extends MillraceError {
  override readonly name = 'InvalidSchema';
}

export const invalidSchema = (message: string, cause?: unknown) =>
  new InvalidSchema('INVALID_SCHEMA', message, { cause });
