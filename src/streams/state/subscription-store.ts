import { type ByteWriter, readInt64 } from '../../util/index.ts';
import { TableRows } from './rows.ts';
import { UNLOGGED } from './slot-table.ts';
import type { Row, RowVisitor, SavedStore, StoreSpec, Tracking } from './store.ts';

/** Before a subscriber on disk: lengths of its primary key and of its message (4 each), timestamp (8). */
const HEAD_BYTES = 16;

/** Who refers to a foreign key. A removed one is there until the changelog has seen that. */
interface Subscriber {
  readonly primaryKey: Buffer;
  /** The message that the subscriber sent, and wants to be answered with; null when it is removed. */
  subscription: Buffer | null;
  timestamp: number;
  isUnlogged: boolean;
}

/**
 * Who refers to which row of a foreign-key join's right table: rows of the changelog are int32 length of the foreign key,
 * foreign key, primary key. Here the subscribers of a foreign key are together, sorted by their primary keys, and one row
 * on disk.
 */
export class SubscriptionState extends TableRows<Subscriber[]> {
  readonly #logs: boolean;
  #unlogged: { readonly slot: number; readonly subscriber: Subscriber }[] = [];
  #count = 0;

  constructor(spec: StoreSpec, tracking: Tracking) {
    super(spec, tracking);
    this.#logs = tracking.log;
  }

  override get size(): number {
    return this.#count;
  }

  put(foreignKey: Buffer, primaryKey: Buffer, subscription: Buffer, timestamp: number): void {
    const slot = this.slots.slotFor(foreignKey, 0, foreignKey.length);
    this.#touch(slot, this.#set(slot, primaryKey, subscription, timestamp));
  }

  remove(foreignKey: Buffer, primaryKey: Buffer, timestamp: number): void {
    const slot = this.slots.find(foreignKey, 0, foreignKey.length);
    const subscriber = slot < 0 ? undefined : this.#find(slot, primaryKey);
    if (subscriber?.subscription == null) return;
    subscriber.subscription = null;
    subscriber.timestamp = timestamp;
    this.#count--;
    this.slots.write(slot, this.slots.read(slot)!, 0);
    if (this.#logs) this.#touch(slot, subscriber);
    else this.#takeOut(slot, subscriber);
  }

  /** Every subscriber of a foreign key, in the order of their primary keys' bytes. */
  forEach(foreignKey: Buffer, visit: (subscription: Buffer, timestamp: number) => void): void {
    const slot = this.slots.find(foreignKey, 0, foreignKey.length);
    const subscribers = slot < 0 ? undefined : this.slots.read(slot);
    for (const { subscription, timestamp } of subscribers?.slice() ?? []) {
      if (subscription !== null) visit(subscription, timestamp);
    }
  }

  override drainLog(visit: RowVisitor): void {
    const unlogged = this.#unlogged;
    this.#unlogged = [];
    const { slots, key, value } = this;
    for (const { slot, subscriber } of unlogged) {
      const { primaryKey, subscription, timestamp } = subscriber;
      subscriber.isUnlogged = false;
      key.reset();
      key.int32(slots.keyEnd(slot) - slots.keyStart(slot));
      key.bytes(slots.arena, slots.keyStart(slot), slots.keyEnd(slot));
      key.bytes(primaryKey);
      value.reset();
      if (subscription !== null) value.bytes(subscription);
      this.visitRow(visit, timestamp, subscription === null);
      if (subscription === null) this.#takeOut(slot, subscriber);
    }
    slots.drain(UNLOGGED, () => {});
  }

  override restore({ bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp }: Row): void {
    const { slots } = this;
    const foreignKeyStart = keyStart + 4;
    const foreignKeyEnd = foreignKeyStart + bytes.readInt32BE(keyStart);
    const primaryKey = bytes.subarray(foreignKeyEnd, keyEnd);
    if (valueStart >= 0) {
      const slot = slots.slotFor(bytes, foreignKeyStart, foreignKeyEnd);
      this.#set(slot, primaryKey, Buffer.from(bytes.subarray(valueStart, valueEnd)), timestamp);
      return;
    }
    const slot = slots.find(bytes, foreignKeyStart, foreignKeyEnd);
    const subscriber = slot < 0 ? undefined : this.#find(slot, primaryKey);
    if (subscriber === undefined) return;
    this.#count--;
    this.#takeOut(slot, subscriber);
  }

  override describe(): SavedStore {
    return { size: this.#count };
  }

  override resume(saved: SavedStore): void {
    super.resume(saved);
    if (!this.staysInMemory) this.#count = saved.size;
  }

  protected override encodeStored(subscribers: Subscriber[], out: ByteWriter): void {
    for (const { primaryKey, subscription, timestamp } of subscribers) {
      if (subscription === null) continue;
      out.int32(primaryKey.length);
      out.int32(subscription.length);
      out.int64(timestamp);
      out.bytes(primaryKey);
      out.bytes(subscription);
    }
  }

  protected override decodeStored({ bytes, valueStart, valueEnd }: Row): Subscriber[] {
    const subscribers: Subscriber[] = [];
    for (let at = valueStart; at < valueEnd; ) {
      const keyAt = at + HEAD_BYTES;
      const subscriptionAt = keyAt + bytes.readInt32BE(at);
      const end = subscriptionAt + bytes.readInt32BE(at + 4);
      subscribers.push({
        primaryKey: bytes.subarray(keyAt, subscriptionAt),
        subscription: bytes.subarray(subscriptionAt, end),
        timestamp: readInt64(bytes, at + 8),
        isUnlogged: false,
      });
      at = end;
    }
    return subscribers;
  }

  protected override placed(_slot: number, subscribers: Subscriber[]): void {
    if (this.staysInMemory) this.#count += subscribers.length;
  }

  #set(slot: number, primaryKey: Buffer, subscription: Buffer, timestamp: number): Subscriber {
    const subscribers = this.slots.read(slot) ?? [];
    const at = placeOf(subscribers, primaryKey);
    let subscriber = subscribers[at];
    if (subscriber?.primaryKey.equals(primaryKey) !== true) {
      subscriber = { primaryKey: Buffer.from(primaryKey), subscription: null, timestamp, isUnlogged: false };
      subscribers.splice(at, 0, subscriber);
    }
    if (subscriber.subscription === null) this.#count++;
    subscriber.subscription = subscription;
    subscriber.timestamp = timestamp;
    this.slots.write(slot, subscribers, 0);
    this.slots.weigh(slot, subscribers.length * (HEAD_BYTES + primaryKey.length + subscription.length));
    return subscriber;
  }

  #find(slot: number, primaryKey: Buffer): Subscriber | undefined {
    const subscribers = this.slots.read(slot) ?? [];
    const subscriber = subscribers[placeOf(subscribers, primaryKey)];
    return subscriber?.primaryKey.equals(primaryKey) === true ? subscriber : undefined;
  }

  #takeOut(slot: number, subscriber: Subscriber): void {
    const subscribers = this.slots.read(slot)!;
    subscribers.splice(subscribers.indexOf(subscriber), 1);
    if (subscribers.length === 0) this.slots.remove(slot, 0);
    else this.slots.write(slot, subscribers, 0);
  }

  #touch(slot: number, subscriber: Subscriber): void {
    if (!this.#logs || subscriber.isUnlogged) return;
    subscriber.isUnlogged = true;
    this.#unlogged.push({ slot, subscriber });
  }
}

function placeOf(subscribers: readonly Subscriber[], key: Buffer): number {
  let low = 0;
  let high = subscribers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(subscribers[middle]!.primaryKey, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
