// The stations of a foreign-key join (KIP-213): the left side subscribes, the right side keeps subscriptions and answers them
// now and at every change, and the left side resolves the answers against its current row, or asks again.
import type { AnySerde, Emit, EmitChange, GraphNode } from '../graph/node.ts';
import { KeyLocator, locatorFor } from './key-locator.ts';
import type { TaskScope } from '../graph/node.ts';
import type { StoreSpec } from '../state/store.ts';
import type { SubscriptionState } from '../state/subscription-store.ts';
import { DeserializationError, type Serde } from '../../serde/index.ts';
import { ByteWriter } from '../../util/index.ts';
import { murmur3 } from './murmur3.ts';
import type { Joiner } from './stream-join.ts';
import type { GetterSupplier } from './table-values.ts';
import { answerNow } from './answer-now.ts';

const DELETE_SILENTLY = 0;
const DELETE_AND_ANSWER = 1;
const ANSWER_ALWAYS = 2;
const ANSWER_IF_FOUND = 3;
const NO_HASH = 0x80;
const HASH_BYTES = 16;
const SUBSCRIPTION_VERSION = 1;

export interface Subscription {
  readonly instruction: number;
  /** Of the left row's bytes; null when the row is gone. */
  readonly hash: Buffer | null;
  readonly primaryKey: Buffer;
  /** Where the answer goes. */
  readonly partition: number;
}

export class SubscriptionSerde implements Serde<Subscription> {
  readonly name = 'SUBSCRIPTION';

  encode(subscription: Subscription, out: ByteWriter): void {
    out.int8(SUBSCRIPTION_VERSION | (subscription.hash === null ? NO_HASH : 0));
    out.int8(subscription.instruction);
    if (subscription.hash !== null) out.bytes(subscription.hash);
    out.bytes(subscription.primaryKey);
    out.int32(subscription.partition);
  }

  decode(bytes: Buffer, start: number, end: number): Subscription {
    const hasHash = (bytes[start]! & NO_HASH) === 0;
    const keyStart = start + 2 + (hasHash ? HASH_BYTES : 0);
    if (keyStart + 4 > end) throw new DeserializationError('a subscription is shorter than its head');
    if ((bytes[start]! & 0x7f) !== SUBSCRIPTION_VERSION)
      throw new DeserializationError('a subscription of an unknown version');
    return {
      instruction: bytes[start + 1]!,
      hash: hasHash ? Buffer.from(bytes.subarray(start + 2, keyStart)) : null,
      primaryKey: Buffer.from(bytes.subarray(keyStart, end - 4)),
      partition: bytes.readInt32BE(end - 4),
    };
  }
}

/** An answer; the right row may be absent. */
export interface Response {
  readonly hash: Buffer | null;
  readonly value: unknown;
}

export class ResponseSerde implements Serde<Response> {
  readonly name: string;
  readonly #inner: AnySerde;

  constructor(inner: AnySerde) {
    this.name = `RESPONSE(${inner.name})`;
    this.#inner = inner;
  }

  encode(response: Response, out: ByteWriter): void {
    out.int8(response.hash === null ? NO_HASH : 0);
    if (response.hash !== null) out.bytes(response.hash);
    if (response.value !== null) this.#inner.encode(response.value, out);
  }

  decode(bytes: Buffer, start: number, end: number): Response {
    const hasHash = (bytes[start]! & NO_HASH) === 0;
    const valueStart = start + 1 + (hasHash ? HASH_BYTES : 0);
    if (valueStart > end) throw new DeserializationError('a subscription answer is shorter than its head');
    return {
      hash: hasHash ? Buffer.from(bytes.subarray(start + 1, valueStart)) : null,
      value: valueStart === end ? null : this.#inner.decode(bytes, valueStart, end),
    };
  }

  async prepare(): Promise<void> {
    await this.#inner.prepare?.();
  }
}

interface Subscriber {
  readonly kind: 'inner' | 'left';
  readonly foreignKey: (value: unknown, key: unknown) => unknown;
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly otherKey: AnySerde;
}

export function subscribe(options: Subscriber) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    const { kind, foreignKey, value: valueSerde, otherKey } = options;
    const next = scope.forward(node);
    const locator = locatorFor(scope, node);
    const out = new ByteWriter();
    const isLeftJoin = kind === 'left';
    const partition = partitionOf(scope);
    const bytesOf = (key: unknown): Buffer => {
      out.reset();
      otherKey.encode(key, out);
      return out.copy();
    };
    return (key, value, old, timestamp, context) => {
      if (!context.isLatest) {
        scope.drop('out-of-order', node);
        return;
      }
      if (!locator.locate(key, context)) {
        scope.drop('null-key', node);
        return;
      }
      let to: unknown;
      let from: unknown;
      let hash: Buffer | null = null;
      try {
        to = value === null ? null : answerNow(node, foreignKey(value, key) ?? null);
        from = old === null ? null : (foreignKey(old, key) ?? null);
        if (value !== null) hash = hashOf(valueSerde, value, out);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      const primaryKey = Buffer.from(locator.bytes.subarray(locator.start, locator.end));
      const send = (toKey: unknown, instruction: number): void =>
        next(toKey, { instruction, hash, primaryKey, partition } satisfies Subscription, timestamp, context);

      if (value !== null && to !== null) {
        if (from === null || bytesOf(from).equals(bytesOf(to))) {
          // What found nothing has no result that a null would have to take back: when its right row went, that was told.
          send(to, isLeftJoin ? ANSWER_ALWAYS : ANSWER_IF_FOUND);
        } else {
          send(from, DELETE_SILENTLY);
          send(to, ANSWER_ALWAYS);
        }
      } else if (from !== null) {
        // The left join's own answer follows and overrides what the old key would say.
        send(from, isLeftJoin ? DELETE_SILENTLY : DELETE_AND_ANSWER);
        if (isLeftJoin) send(null, ANSWER_ALWAYS);
      } else if (isLeftJoin && (value !== null || old !== null)) {
        send(null, ANSWER_ALWAYS);
      } else if (value !== null) {
        scope.drop('null-foreign-key', node);
      }
    };
  };
}

/** An answer on its way: to whom, and to which partition. */
interface Answer {
  readonly subscription: Subscription;
  readonly value: unknown;
}

export function receiveSubscriptions(spec: StoreSpec, right: GetterSupplier) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const store = scope.store<SubscriptionState>(spec);
    const getter = right.make(scope);
    const next = scope.forward(node);
    const locator = locatorFor(scope, node);
    const out = new ByteWriter();
    return (key, value, timestamp, context) => {
      if (value === null) {
        scope.drop('null-value', node);
        return;
      }
      const subscription = value as Subscription;
      const { instruction, primaryKey } = subscription;
      if (!locator.locate(key, context)) {
        next(null, { subscription, value: null } satisfies Answer, timestamp, context);
        return;
      }
      const foreignKey = Buffer.from(locator.bytes.subarray(locator.start, locator.end));
      if (instruction === DELETE_SILENTLY) {
        store.remove(foreignKey, primaryKey, timestamp);
        return;
      }
      const found = getter.get(key, foreignKey, 0, foreignKey.length);
      const time = found === null ? timestamp : Math.max(timestamp, getter.timestamp);
      if (instruction === DELETE_AND_ANSWER) {
        store.remove(foreignKey, primaryKey, timestamp);
        next(null, { subscription, value: null } satisfies Answer, time, context);
        return;
      }
      out.reset();
      spec.value.encode(subscription, out);
      store.put(foreignKey, primaryKey, out.copy(), timestamp);
      if (found === null && instruction === ANSWER_IF_FOUND) return;
      next(null, { subscription, value: found } satisfies Answer, time, context);
    };
  };
}

export function rightChanges(spec: StoreSpec) {
  return (scope: TaskScope, node: GraphNode): EmitChange => {
    const store = scope.store<SubscriptionState>(spec);
    const next = scope.forward(node);
    const locator = locatorFor(scope, node);
    return (key, value, _old, timestamp, context) => {
      if (!context.isLatest) {
        scope.drop('out-of-order', node);
        return;
      }
      if (!locator.locate(key, context)) {
        scope.drop('null-key', node);
        return;
      }
      const foreignKey = Buffer.from(locator.bytes.subarray(locator.start, locator.end));
      store.forEach(foreignKey, (bytes) => {
        const subscription = spec.value.decode(bytes, 0, bytes.length) as Subscription;
        next(null, { subscription, value } satisfies Answer, timestamp, context);
      });
    };
  };
}

/** Writes answers under the subscriber's key, to the partition it named. */
export function answerSubscriptions(topic: string, responses: AnySerde) {
  return (scope: TaskScope): Emit => {
    const { output } = scope;
    const name = scope.internalTopic(topic);
    const out = new ByteWriter();
    return (_key, value, timestamp, context) => {
      const { subscription, value: found } = value as Answer;
      out.reset();
      responses.encode({ hash: subscription.hash, value: found } satisfies Response, out);
      const headers = context.hasHeaders ? context.headers : undefined;
      output.send(name, subscription.partition, subscription.primaryKey, out.view(), timestamp, headers);
    };
  };
}

interface Resolver {
  readonly kind: 'inner' | 'left';
  readonly joiner: Joiner;
  readonly value: AnySerde;
  readonly left: GetterSupplier;
}

export function resolveAnswers(options: Resolver) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const { kind, joiner, value: valueSerde } = options;
    const next = scope.forward(node);
    const getter = options.left.make(scope);
    const locator: KeyLocator = locatorFor(scope, node);
    const out = new ByteWriter();
    return (key, value, timestamp, context) => {
      if (value === null || !locator.locate(key, context)) {
        scope.drop('null-value', node);
        return;
      }
      const { hash, value: right } = value as Response;
      const left = getter.get(key, locator.bytes, locator.start, locator.end);
      const current = left === null ? null : hashOf(valueSerde, left, out);
      // An answer to what the row was before: another one is on its way.
      if (current === null ? hash !== null : hash === null || !current.equals(hash)) return;
      context.timestamp = timestamp;
      let result: unknown = null;
      try {
        if (left !== null && (right !== null || kind === 'left')) {
          result = answerNow(node, joiner(left, right, key)) ?? null;
        }
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, result, timestamp, context);
    };
  };
}

interface Inquirer {
  readonly foreignKey: (value: unknown, key: unknown) => unknown;
  readonly value: AnySerde;
  readonly left: GetterSupplier;
}

/**
 * Asks once more where an inner join gets to know that the right row is gone, as an answer to a left row that has changed
 * since: the changed one is told only what is found, so that the result of the old one would stay for ever.
 */
export function askAgain(options: Inquirer) {
  return (scope: TaskScope, node: GraphNode): Emit => {
    const { foreignKey, value: valueSerde } = options;
    const next = scope.forward(node);
    const getter = options.left.make(scope);
    const locator = locatorFor(scope, node);
    const partition = partitionOf(scope);
    const out = new ByteWriter();
    return (key, value, timestamp, context) => {
      // What can't be read is told where answers are taken.
      if (value === null || !locator.locate(key, context)) return;
      const { hash: answered, value: right } = value as Response;
      if (right !== null) return;
      const left = getter.get(key, locator.bytes, locator.start, locator.end);
      if (left === null) return;
      try {
        const hash = hashOf(valueSerde, left, out);
        const to = answered?.equals(hash) === true ? null : (foreignKey(left, key) ?? null);
        if (to === null) return;
        const primaryKey = Buffer.from(locator.bytes.subarray(locator.start, locator.end));
        next(
          to,
          { instruction: ANSWER_ALWAYS, hash, primaryKey, partition } satisfies Subscription,
          timestamp,
          context,
        );
      } catch (error) {
        scope.failed(error, node);
      }
    };
  };
}

function partitionOf(scope: TaskScope): number {
  return Number(scope.taskId.slice(scope.taskId.indexOf('_') + 1));
}

function hashOf(serde: AnySerde, value: unknown, out: ByteWriter): Buffer {
  out.reset();
  serde.encode(value, out);
  return murmur3(out.view());
}
