// What goes wrong in connectors, converters and transformations. The class says what the worker does about it: a retriable
// fault is tried again, a fault of data concerns one record, everything else ends the task. The names of Java's classes go
// into the headers of dead letters, where tools look for them.
import { MillraceError } from '../../util/index.ts';

/** A fault that ends the task, unless `errors.tolerance` says that it may be passed over: CONNECT_FAILED. */
export class ConnectError extends MillraceError {
  /** The name of the class. */
  override readonly name: string = 'ConnectError';
  /** What Kafka Connect calls it. */
  readonly javaClass: string = 'org.apache.kafka.connect.errors.ConnectException';
  constructor(message: string, options: { cause?: unknown; code?: string; retriable?: boolean } = {}) {
    super(options.code ?? 'CONNECT_FAILED', message, {
      cause: options.cause,
      retriable: options.retriable ?? false,
    });
  }
}

/** A value that is not what its schema says, or that cannot become what is wanted: CONNECT_BAD_DATA. */
export class DataError extends ConnectError {
  /** The name of the class. */
  override readonly name = 'DataError';
  /** What Kafka Connect calls it. */
  override readonly javaClass = 'org.apache.kafka.connect.errors.DataException';
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'CONNECT_BAD_DATA', cause });
  }
}

/** The same call may succeed later: a database that is away, a service that is busy. CONNECT_TRY_LATER. */
export class RetriableError extends ConnectError {
  /** The name of the class. */
  override readonly name = 'RetriableError';
  /** What Kafka Connect calls it. */
  override readonly javaClass = 'org.apache.kafka.connect.errors.RetriableException';
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'CONNECT_TRY_LATER', retriable: true, cause });
  }
}

/** Settings that cannot be: CONNECT_BAD_CONFIG. */
export class ConfigError extends ConnectError {
  /** The name of the class. */
  override readonly name = 'ConfigError';
  /** What Kafka calls it. */
  override readonly javaClass = 'org.apache.kafka.common.config.ConfigException';
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'CONNECT_BAD_CONFIG', cause });
  }
}

/** What Kafka Connect would call a fault's class. */
export function javaClassOf(error: unknown): string {
  return error instanceof ConnectError ? error.javaClass : 'java.lang.RuntimeException';
}
