// The waist: every Kafka API declared once, the record batch format, and the Transport port between client and broker.
export { type AnyApi, type Api, create, defineApi, Message, type RequestOf, respond, type ResponseOf } from './api.ts';
export { type AbortedTransaction, BatchCursor, type BatchCursorOptions } from './batch-cursor.ts';
export { ByteReader, readInt64 } from './byte-reader.ts';
export {
  CompressionCodec,
  type CompressionName,
  compress,
  compressBeside,
  compressionName,
  DEFAULT_MAX_DECOMPRESSED_BYTES,
  decompress,
  decompressBeside,
} from './compression.ts';
export { ErrorCode, type ErrorName, errorFor, errorName, isRetriable, needsMetadata } from './errors.ts';
export {
  DEFAULT_MAX_FRAME_BYTES,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FrameSplitter,
  InSteps,
  readRequestBody,
  readRequestHeader,
  type RequestHeader,
} from './frame.ts';
export { FrameWriter } from './frame-writer.ts';
export * from './messages/index.ts';
export {
  BATCH_HEADER_BYTES,
  batchHeader,
  CODEC_MASK,
  checkSingleBatch,
  CONTROL,
  DELETE_HORIZON,
  isIntactBatch,
  LOG_APPEND_TIME,
  MAGIC,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  placeBatch,
  sealBatch,
  setMaxTimestamp,
  setProducer,
  stampLogAppendTime,
  TRANSACTIONAL,
} from './record-batch.ts';
export {
  type BatchOptions,
  buildTransactionMarker,
  RecordBatchBuilder,
  type RecordHeader,
  type TransactionMarker,
} from './record-batch-builder.ts';
export {
  array,
  bool,
  bytes,
  type Codec,
  type Draft,
  Field,
  type Fields,
  float64,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  uint16,
  uuid,
  type Value,
  type ValueOf,
  ZERO_UUID,
} from './schema.ts';
export { PortStream } from './port-stream.ts';
export type { BrokerAddress, Dial, Transport } from './transport.ts';
export { isUnanswered, type WireSocket, WireTransport } from './wire-transport.ts';
