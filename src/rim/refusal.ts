import { MillraceError } from '../util/index.ts';

/** A request that is not let in, or not understood; the service gives the answer its own form. */
export class HttpRefusal extends MillraceError {
  override readonly name = 'HttpRefusal';
  readonly statusCode: number;

  constructor(statusCode: number, message: string, cause?: unknown) {
    super(`HTTP_${statusCode}`, message, { cause });
    this.statusCode = statusCode;
  }
}
