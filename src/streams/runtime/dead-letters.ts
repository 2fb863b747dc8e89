/**
 * Records that were left out, as a topic of their own: with their bytes as they came in, their headers, and further ones
 * under Kafka Streams' names that say why (KIP-1034). They are written with the results, in the same transaction.
 */
import type { Header } from '../../client/index.ts';
import { messageOf, partitionForKey } from '../../util/index.ts';
import type { RawRecord } from '../api/context.ts';
import type { DropReason, FailedRecord } from '../api/options.ts';
import type { TaskOutput } from '../graph/node.ts';

/** What a handler had left out. What the rules of an operator leave out is asked for by name. */
export const HANDLED: readonly DropReason[] = ['undecodable', 'failed', 'refused'];

export class DeadLetters {
  readonly #topic: string;
  readonly #reasons: ReadonlySet<DropReason>;
  readonly #output: TaskOutput;
  #unkeyed = 0;

  constructor(topic: string, reasons: readonly DropReason[], output: TaskOutput) {
    this.#topic = topic;
    this.#reasons = new Set(reasons);
    this.#output = output;
  }

  /** `raw` is undefined where no record was at hand: behind a flush, or in a punctuation. */
  write(reason: DropReason, record: FailedRecord, raw: RawRecord | undefined, error: unknown): void {
    if (!this.#reasons.has(reason)) return;
    const { bytes, keyStart = -1, keyEnd, valueStart = -1, valueEnd } = raw ?? {};
    const key = keyStart < 0 ? null : bytes!.subarray(keyStart, keyEnd);
    const value = valueStart < 0 ? null : bytes!.subarray(valueStart, valueEnd);
    const partitions = this.#output.partitionsOf(this.#topic);
    const partition =
      partitions < 2 ? partitions - 1 : key === null ? this.#unkeyed++ % partitions : partitionForKey(key, partitions);
    const headers = [...(raw?.headers() ?? []), ...headersOf(reason, record, error)];
    this.#output.send(this.#topic, partition, key, value, Math.max(0, record.timestamp), headers);
  }
}

function headersOf(reason: DropReason, { topic, partition, offset, node }: FailedRecord, error: unknown): Header[] {
  const thrown = error instanceof Error ? error : undefined;
  const texts: Readonly<Record<string, string>> = {
    exception: thrown?.name ?? reason,
    message: error === undefined ? `left out: ${reason}` : messageOf(error),
    stacktrace: thrown?.stack ?? '',
    topic,
    partition: String(partition),
    offset: String(offset),
    // Not of KIP-1034.
    reason,
    node,
  };
  return Object.entries(texts).map(([name, text]) => ({
    key: `__streams.errors.${name}`,
    value: Buffer.from(text),
  }));
}
