import { SchemaRegistry } from '../../../src/schema-registry/index.ts';
import { type Actor, assertExpected, type Host, untilDone } from './actor.ts';

/** Registers schemas through a registry of its own, of which others share the log: an id that was given out stays with its text. */
export class Registrar implements Actor {
  readonly name: string;
  readonly isFollower = false;
  /** Texts by id; shared by all registries of the log. */
  readonly #given: Map<number, string>;

  constructor(name: string, given: Map<number, string>) {
    this.name = name;
    this.#given = given;
  }

  run(host: Host): Promise<void> {
    return untilDone(host, async () => {
      const { random } = host;
      const registry = await this.#open(host);
      try {
        while (host.isActive()) {
          const schema = JSON.stringify({ type: 'fixed', name: `F${random.below(30)}`, size: 1 + random.below(3) });
          try {
            const stored = await registry.register(`subject-${random.below(3)}`, { schema });
            const before = this.#given.get(stored.id);
            if (before !== undefined && before !== stored.schema) {
              host.fail(`id ${stored.id} was given to ${before} and to ${stored.schema}`);
            }
            this.#given.set(stored.id, stored.schema);
          } catch (error) {
            assertExpected(error);
          }
          host.count();
          await host.pause(random.between(0, 300));
        }
        const complaint = await this.#difference(registry, false);
        if (complaint !== undefined) host.fail(complaint);
      } finally {
        await registry.close().catch(assertExpected);
      }
    });
  }

  async #open({ client, process }: Host): Promise<SchemaRegistry> {
    return SchemaRegistry.open(client, {
      environment: process.environment,
      compatibilityLevel: 'NONE',
      log: (message) => process.note(message),
    });
  }

  /** A registry that the broker leaves alone too long goes on with what it knows: only at rest has it to know all. */
  async #difference(registry: SchemaRegistry, hasAll: boolean): Promise<string | undefined> {
    const given = [...this.#given];
    await registry.caughtUp();
    for (const [id, schema] of given) {
      const found = registry.schemas().find((stored) => stored.id === id)?.schema;
      if (found === undefined && !hasAll) continue;
      if (found !== schema) return `schema id ${id} was given to ${schema} and is ${found ?? 'nothing'} now`;
    }
    return undefined;
  }

  complaint(): undefined {
    return undefined;
  }

  async audit(host: Host): Promise<string | undefined> {
    const registry = await this.#open(host);
    const complaint = await this.#difference(registry, true);
    await registry.close();
    return complaint;
  }
}
