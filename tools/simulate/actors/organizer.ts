import type { Logs } from '../logs.ts';
import { type Actor, type Host, untilDone } from './actor.ts';

/**
 * Creates topics, writes to them, deletes them, and creates them again: what was confirmed is so, and no record comes back.
 * A name whose last operation was not answered is left alone.
 */
export class Organizer implements Actor {
  readonly name = 'organizer';
  readonly isFollower = false;
  /** By topic: how often it was created, whether it exists, and what was acknowledged since it was created. */
  readonly #topics = new Map<
    string,
    { lives: number; exists: boolean; mayExist: boolean; records: string[]; isCertain: boolean }
  >();
  #names = 0;

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const admin = host.client.admin();
      for (const [name, topic] of this.#topics) {
        if (!topic.mayExist || !(await admin.describeTopics([name])).has(name)) continue;
        Object.assign(topic, { exists: true, mayExist: false, isCertain: true, lives: topic.lives + 1 });
      }
      while (host.isActive()) {
        const certain = [...this.#topics].filter(([, { isCertain }]) => isCertain);
        const isNew = certain.length < 2 || (certain.length < 5 && host.random.chance(0.2));
        const name = isNew ? `topic-${++this.#names}` : host.random.pick(certain)[0];
        const topic = this.#topics.get(name) ?? {
          lives: 0,
          exists: false,
          mayExist: false,
          records: [],
          isCertain: true,
        };
        this.#topics.set(name, topic);
        topic.isCertain = false;
        if (!topic.exists) {
          // A creation that failed may have succeeded: who finds the topic there may rely on it.
          topic.mayExist = true;
          await admin.createTopics([{ name, partitions: 1 + (topic.lives % 2) }]);
          topic.exists = true;
          topic.mayExist = false;
          topic.lives++;
        } else if (host.random.chance(0.5)) {
          const producer = host.client.producer({ lingerMs: 0, deliveryTimeoutMs: 5000 });
          const value = `${topic.lives}/${topic.records.length}`;
          await producer.send({ topic: name, partition: 0, value: Buffer.from(value) });
          topic.records.push(value);
          await producer.close();
        } else {
          await admin.deleteTopics([name]);
          topic.exists = false;
          topic.records = [];
        }
        topic.isCertain = true;
        host.count();
        await host.pause(host.random.between(0, 150));
      }
    });
  }

  complaint(logs: Logs): string | undefined {
    for (const [name, { exists, records, isCertain }] of this.#topics) {
      if (!isCertain) continue;
      if (logs.topics.includes(name) !== exists)
        return `${name} is ${exists ? 'not ' : ''}there, which was confirmed otherwise`;
      const found = logs
        .of(name)
        .flat()
        .map(({ value }) => value);
      if (found.join() !== records.join()) return `${name} holds ${found.join()} and not ${records.join()}`;
    }
    return undefined;
  }
}
