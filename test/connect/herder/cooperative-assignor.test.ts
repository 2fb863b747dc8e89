// Sharing out: whatever comes and goes, in the end everything runs once, and everybody has his share.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Allotment, add, allotment, remove, union } from '../../../src/connect/herder/allotment.ts';
import { CooperativeAssignor } from '../../../src/connect/herder/cooperative-assignor.ts';
import { assignEagerly } from '../../../src/connect/herder/eager-assignor.ts';
import { ConfigState, type ConfigSnapshot } from '../../../src/connect/storage/config-state.ts';
import { ManualEnvironment } from '../../../src/util/index.ts';

const DELAY_MS = 1000;

function configsOf(connectors: Readonly<Record<string, number>>): ConfigSnapshot {
  const state = new ConfigState();
  for (const [connector, tasks] of Object.entries(connectors)) {
    state.applyConnector(connector, { name: connector });
    for (let task = 0; task < tasks; task++) state.applyTask({ connector, task }, {});
    state.applyCommit(connector, tasks);
  }
  return state.snapshot();
}

/** A group whose workers do what they are told, and its leader. */
class Group {
  readonly environment = new ManualEnvironment();
  readonly workers = new Map<string, Allotment>();
  readonly #assignor = new CooperativeAssignor(this.environment, DELAY_MS);
  #generation = 0;
  configs = configsOf({});
  delayMs = 0;

  /** One round; false when another one is due at once. */
  round(): boolean {
    const generations = { lastCompleted: this.#generation === 0 ? -1 : this.#generation, current: ++this.#generation };
    const { gets, givesUp, delayMs } = this.#assignor.assign(this.configs, this.workers, generations);
    this.delayMs = delayMs;
    let mustGoOn = false;
    for (const [worker, has] of this.workers) {
      const taken = givesUp.get(worker) ?? allotment();
      if (taken.connectors.size + taken.tasks.size > 0) mustGoOn = true;
      remove(has, taken);
      add(has, gets.get(worker)!);
    }
    return !mustGoOn;
  }

  /** Rounds until nothing changes any more, delays included; how many. */
  settle(): number {
    for (let rounds = 1; rounds < 50; rounds++) {
      const isDone = this.round();
      if (this.delayMs > 0) this.environment.advance(this.delayMs);
      else if (isDone) return rounds;
    }
    throw new Error('it does not come to an end');
  }

  /** What is wrong with how it is shared out. */
  problems(): string[] {
    const all = [...this.workers.values()];
    const connectors = this.configs.connectors;
    const tasks = connectors.flatMap((connector) =>
      this.configs.tasks(connector).map(({ task }) => `${connector}-${task}`),
    );
    const wanted = { connectors, tasks };
    return (['connectors', 'tasks'] as const).flatMap((kind) => {
      const held = all.flatMap((has) => [...has[kind]]).sort();
      const sizes = all.map((has) => has[kind].size);
      const isRight = held.join() === [...wanted[kind]].sort().join();
      const isEven = Math.max(...sizes) - Math.min(...sizes) <= 1;
      return [
        ...(isRight ? [] : [`${kind} are ${held.join()}, not ${wanted[kind].join()}`]),
        ...(isEven ? [] : [`${kind} are spread as ${sizes.join()}`]),
      ];
    });
  }
}

describe('the cooperative one', () => {
  test('gives a new worker its share in two rounds, and takes no more than that', () => {
    const group = new Group();
    group.configs = configsOf({ a: 4, b: 2 });
    group.workers.set('w1', allotment());
    group.settle();
    const before = union(group.workers.values());
    group.workers.set('w2', allotment());
    expect(group.round()).toBe(false);
    expect(group.workers.get('w2')).toEqual(allotment());
    expect(before.tasks.size - group.workers.get('w1')!.tasks.size).toBe(3);
    expect(group.round()).toBe(true);
    expect(group.problems()).toEqual([]);
  });

  test('keeps what a worker had for as long as it may be away, and gives it to who comes then', () => {
    const group = new Group();
    group.configs = configsOf({ a: 4 });
    for (const worker of ['w1', 'w2']) group.workers.set(worker, allotment());
    group.settle();
    const lost = group.workers.get('w2')!;
    group.workers.delete('w2');
    group.round();
    expect(group.delayMs).toBe(DELAY_MS);
    group.environment.advance(DELAY_MS / 2);
    group.workers.set('w3', allotment());
    group.round();
    expect(group.delayMs).toBe(DELAY_MS / 2);
    expect(group.workers.get('w3')).toEqual(allotment());
    group.environment.advance(DELAY_MS / 2);
    group.round();
    expect(group.workers.get('w3')).toEqual(lost);
    expect(group.problems()).toEqual([]);
  });

  test('shares out what nobody comes back for', () => {
    const group = new Group();
    group.configs = configsOf({ a: 5 });
    for (const worker of ['w1', 'w2', 'w3']) group.workers.set(worker, allotment());
    group.settle();
    group.workers.delete('w2');
    group.settle();
    expect(group.problems()).toEqual([]);
  });

  test('takes what is on two workers from both', () => {
    const group = new Group();
    group.configs = configsOf({ a: 2 });
    group.workers.set('w1', allotment(['a'], ['a-0', 'a-1']));
    group.workers.set('w2', allotment([], ['a-0']));
    expect(group.round()).toBe(false);
    expect([...group.workers.values()].filter(({ tasks }) => tasks.has('a-0'))).toEqual([]);
    group.settle();
    expect(group.problems()).toEqual([]);
  });

  test('whatever comes and goes, in the end all is well', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('come' as const), worker: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ kind: fc.constant('go' as const), worker: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ kind: fc.constant('configs' as const), tasks: fc.array(fc.nat(6), { maxLength: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.boolean()), { maxLength: 12 }), (changes) => {
        const group = new Group();
        group.workers.set('w-first', allotment());
        for (const [what, settles] of changes) {
          if (what.kind === 'come')
            group.workers.set(`w${what.worker}`, group.workers.get(`w${what.worker}`) ?? allotment());
          else if (what.kind === 'go') group.workers.delete(`w${what.worker}`);
          else group.configs = configsOf(Object.fromEntries(what.tasks.map((tasks, i) => [`c${i}`, tasks])));
          if (settles) group.settle();
          else group.round();
        }
        group.settle();
        group.settle();
        expect(group.problems()).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test('the eager one gives to one after the other', () => {
  const assigned = assignEagerly(configsOf({ b: 2, a: 3 }), ['w2', 'w1']);
  expect([...assigned].map(([worker, has]) => [worker, [...has.connectors], [...has.tasks]])).toEqual([
    ['w1', ['a'], ['a-0', 'a-2', 'b-1']],
    ['w2', ['b'], ['a-1', 'b-0']],
  ]);
});
