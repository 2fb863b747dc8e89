export { errorCodes } from './error-codes.ts';

/**
 * The error for everything the outside world can do wrong: a broken file, a lost connection, a refused setting.
 * `code` is API (stable, SCREAMING_SNAKE); the message is one sentence that says what happened and what to do.
 */
export class MillraceError extends Error {
  /** The name of the class. */
  override readonly name: string = 'MillraceError';
  /** Which error it is: one of `errorCodes`, or Kafka's own name. */
  readonly code: string;
  /** True when the same call may succeed later without any change. */
  readonly retriable: boolean;
  /** What the other side said, in its own words. */
  readonly detail: string | undefined;

  constructor(code: string, message: string, options: { retriable?: boolean; cause?: unknown; detail?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.detail = options.detail;
  }
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The Node error code (`ENOENT`, `EADDRINUSE`, …) or a `MillraceError` code of anything thrown. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Whether something nests more deeply than there is room for: the fault of who sent it. */
export function isOutOfStack(error: unknown): boolean {
  return error instanceof RangeError && error.message === 'Maximum call stack size exceeded';
}

/** What is wrong with data that could not be walked through; running out of stack says nothing to who sent it. */
export function faultOf(error: unknown): string {
  return isOutOfStack(error) ? 'it nests too deeply, or without an end' : messageOf(error);
}
