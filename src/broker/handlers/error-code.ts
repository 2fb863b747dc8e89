import { ErrorCode, type ErrorName } from '../../protocol/index.ts';
import { codeOf } from '../../util/index.ts';

/** What the system says of a disk that is full or broken, or of a process without file handles left: it may pass. */
const STORAGE = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'EFBIG']);

/** Kafka's error code of anything thrown. */
export function errorCodeOf(error: unknown): number {
  const code = codeOf(error);
  if (code === undefined) return ErrorCode.UNKNOWN_SERVER_ERROR;
  if (Object.hasOwn(ErrorCode, code)) return ErrorCode[code as ErrorName];
  return STORAGE.has(code) ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.UNKNOWN_SERVER_ERROR;
}
