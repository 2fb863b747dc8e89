// What is refused: Confluent's numbers, whose first three digits are the HTTP status, and what Kafka's own refusals are there.
import { messageOf, MillraceError } from '../util/index.ts';

/** An answer that is an error. */
export class ProxyError extends MillraceError {
  override readonly name = 'ProxyError';
  readonly errorCode: number;

  constructor(errorCode: number, message: string, cause?: unknown) {
    super(`REST_PROXY_${errorCode}`, message, { cause });
    this.errorCode = errorCode;
  }

  get status(): number {
    return this.errorCode > 999 ? Math.floor(this.errorCode / 100) : this.errorCode;
  }
}

export const topicNotFound = () => new ProxyError(40401, 'Topic not found.');
export const partitionNotFound = () => new ProxyError(40402, 'Partition not found.');
export const consumerInstanceNotFound = () => new ProxyError(40403, 'Consumer instance not found.');
export const formatMismatch = () =>
  new ProxyError(
    40601,
    "The requested embedded data format does not match the deserializer for this consumer instance: Accept has to name the instance's format.",
  );
export const consumerExists = () =>
  new ProxyError(40902, 'Consumer with specified consumer ID already exists in the specified consumer group.');
export const illegalState = (why: string) => new ProxyError(40903, `Illegal state: ${why}`);
export const keySchemaMissing = () =>
  new ProxyError(42201, 'Request includes keys but does not include key schema or schema id.');
export const valueSchemaMissing = () =>
  new ProxyError(42202, 'Request includes values but does not include value schema or schema id.');
export const conversionFailed = (why: string) => new ProxyError(42203, `Conversion of JSON to Object failed: ${why}`);
export const invalidConsumerConfig = (why: string) => new ProxyError(42204, `Invalid consumer configuration: ${why}`);
export const invalidSchema = (why: string) => new ProxyError(42205, `Invalid schema: ${why}`);
export const payloadError = (why: string) => new ProxyError(42206, `Payload error. ${why}`);
export const serializationFailed = (why: string) => new ProxyError(42207, `Error serializing message. ${why}`);
export const batchError = (why: string) => new ProxyError(42208, `Error in produce batch. ${why}`);
/** What the shape of a request is refused with. */
export const unprocessable = (why: string) => new ProxyError(422, why);
export const notFound = (what: string) => new ProxyError(404, what);

/** Kafka's codes that say that the request was no good. */
const BAD_REQUESTS = [
  'INVALID_REPLICATION_FACTOR',
  'INVALID_REPLICA_ASSIGNMENT',
  'INVALID_PARTITIONS',
  'INVALID_REQUEST',
  'INVALID_ARGUMENT',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
  'TOPIC_ALREADY_EXISTS',
  'INVALID_CONFIG',
  'UNSUPPORTED_VERSION',
  'SECURITY_DISABLED',
  'UNKNOWN_SERVER_ERROR',
];

const OTHERS: Readonly<Record<string, number>> = {
  SASL_AUTHENTICATION_FAILED: 40101,
  TOPIC_AUTHORIZATION_FAILED: 40301,
  GROUP_AUTHORIZATION_FAILED: 40301,
  CLUSTER_AUTHORIZATION_FAILED: 40301,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 40301,
  UNKNOWN_TOPIC_OR_PARTITION: 40403,
  UNKNOWN_TOPIC_ID: 40403,
  LEADER_NOT_AVAILABLE: 40404,
  GROUP_ID_NOT_FOUND: 40405,
  INVALID_STATE: 40903,
  BROKER_NOT_AVAILABLE: 50302,
  CONNECTION_FAILED: 50302,
};

/** Anything thrown as an answer. */
export function asProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  if (error instanceof MillraceError && error.name === 'HttpRefusal') return refusalOfRim(error);
  if (error instanceof MillraceError) {
    const said = error.detail ?? error.message;
    if (BAD_REQUESTS.includes(error.code)) return new ProxyError(40002, said, error);
    const errorCode = OTHERS[error.code];
    if (errorCode === 40903) return illegalState(said);
    if (errorCode !== undefined) return new ProxyError(errorCode, said, error);
    return new ProxyError(error.retriable ? 50003 : 50002, `Kafka error: ${said}`, error);
  }
  return refusalOfRim(error);
}

/** What was refused before it came to a route. */
function refusalOfRim(error: unknown): ProxyError {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 415) return new ProxyError(415, 'HTTP 415 Unsupported Media Type');
  return new ProxyError(status, messageOf(error), error);
}

/** What became of one record: both null when it was stored. */
export interface RecordFailure {
  readonly errorCode: number;
  readonly message: string;
}

/** Records of a batch fail one by one, without failing the request: 50003 may be tried again. */
export function recordFailure(error: unknown): RecordFailure {
  if (error instanceof ProxyError) return { errorCode: error.errorCode, message: error.message };
  const said = error instanceof MillraceError ? (error.detail ?? error.message) : messageOf(error);
  return { errorCode: error instanceof MillraceError && error.retriable ? 50003 : 50002, message: said };
}
