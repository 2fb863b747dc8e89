import type { Logs } from '../logs.ts';
import { type Actor, assertExpected, type Host } from './actor.ts';

interface Sent {
  readonly text: string;
  /** Where it was acknowledged; -1 when it was not, and nobody knows. */
  offset: number;
}

/** Sends records to the partitions of a topic, several at a time: idempotently, so that each is there once and in order. */
export class Writer implements Actor {
  readonly isFollower = false;
  readonly name: string;
  readonly #topic: string;
  readonly #sent: Sent[][];
  readonly #mostOpen: number;

  constructor(name: string, topic: string, partitions: number, mostOpen: number) {
    this.name = name;
    this.#topic = topic;
    this.#sent = Array.from({ length: partitions }, () => []);
    this.#mostOpen = mostOpen;
  }

  async run(host: Host): Promise<void> {
    const producer = host.client.producer({ lingerMs: host.random.below(10), deliveryTimeoutMs: 20_000 });
    const open = new Set<Promise<void>>();
    while (host.isActive()) {
      const sending = this.#send(host, producer).finally(() => open.delete(sending));
      open.add(sending);
      if (open.size >= this.#mostOpen) await Promise.race(open);
      await host.pause(host.random.between(0, 60));
    }
    await Promise.all(open);
    await producer.close().catch(assertExpected);
  }

  async #send(host: Host, producer: ReturnType<Host['client']['producer']>): Promise<void> {
    const partition = host.random.below(this.#sent.length);
    const number = this.#sent[partition]!.length;
    const sent: Sent = { text: `${this.name}/${number}`, offset: -1 };
    this.#sent[partition]!.push(sent);
    // Long ones fill segments, and are more than one piece of a network or a disk.
    const filling = host.random.chance(0.1) ? host.random.below(1500) : host.random.below(50);
    const value = Buffer.from(`${sent.text} ${'.'.repeat(filling)}`);
    try {
      const { offset } = await producer.send({
        topic: this.#topic,
        partition,
        key: Buffer.from(`k${number % 5}`),
        value,
      });
      sent.offset = offset;
    } catch (error) {
      assertExpected(error);
    }
    host.count();
  }

  complaint(logs: Logs): string | undefined {
    for (const [partition, sent] of this.#sent.entries()) {
      const records = logs.of(this.#topic)[partition] ?? [];
      let last = -1;
      for (const { offset, value } of records) {
        const [text] = value!.split(' ', 1);
        const [name, number] = text!.split('/');
        if (name !== this.name) continue;
        const where = `${text} at offset ${offset} of ${this.#topic}-${partition}`;
        if (Number(number) <= last) return `${where} comes behind ${last}: it is there twice, or out of order`;
        last = Number(number);
        const acknowledged = sent[last]!.offset;
        if (acknowledged >= 0 && acknowledged !== offset) return `${where} was acknowledged at ${acknowledged}`;
      }
      const offsets = new Set(records.map(({ offset }) => offset));
      const lost = sent.find(({ offset }) => offset >= 0 && !offsets.has(offset));
      if (lost !== undefined) {
        return `${lost.text} was acknowledged at offset ${lost.offset} of ${this.#topic}-${partition} and is not there`;
      }
    }
    return undefined;
  }
}
