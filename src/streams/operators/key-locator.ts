import { ByteWriter } from '../../util/index.ts';
import type { TaskContext } from '../api/context.ts';
import type { AnySerde, GraphNode, TaskScope } from '../graph/node.ts';
import type { Key } from '../state/table.ts';

/**
 * Finds the bytes of a key: those in the context where they are the ones wanted, else freshly encoded ones in a buffer of
 * its own.
 */
export class KeyLocator implements Key {
  bytes: Buffer;
  start = 0;
  end = 0;
  readonly #serde: AnySerde;
  readonly #raw: boolean;
  readonly #writer = new ByteWriter(64);

  constructor(serde: AnySerde, raw: boolean) {
    this.#serde = serde;
    this.#raw = raw;
    this.bytes = this.#writer.buffer;
  }

  /** False when the key is null. */
  locate(key: unknown, context: TaskContext): boolean {
    if (this.#raw) {
      this.bytes = context.keyBytes;
      this.start = context.keyStart;
      this.end = context.keyEnd;
      return this.start >= 0;
    }
    if (key === null) return false;
    const writer = this.#writer;
    writer.reset();
    this.#serde.encode(key, writer);
    this.bytes = writer.buffer;
    this.start = 0;
    this.end = writer.position;
    return true;
  }
}

/** The locator of the keys that reach `node`, in the bytes that the node wants. */
export function locatorFor(scope: TaskScope, node: GraphNode): KeyLocator {
  return new KeyLocator(node.keyBytesAs!, scope.plan.hasKeyBytes(node));
}
