// Who runs which task, and who follows it: what holds whatever members say, and how tasks move.
import { describe, expect, test } from 'vitest';
import {
  type AssignmentRules,
  assignTasks,
  type MemberHoldings,
  type Share,
  type TaskToAssign,
} from '../../src/streams/runtime/task-assignment.ts';
import { fc, test as property } from './property.ts';

const RULES: AssignmentRules = {
  numStandbyReplicas: 0,
  acceptableRecoveryLag: 10,
  maxWarmupReplicas: 2,
  rackAwareAssignmentTags: [],
};

const stateless = (...ids: string[]): TaskToAssign[] => ids.map((id) => ({ id, end: undefined }));
const stateful = (end: number, ...ids: string[]): TaskToAssign[] => ids.map((id) => ({ id, end }));

function member(
  running: readonly string[] = [],
  reached: Readonly<Record<string, number>> = {},
  more: Partial<MemberHoldings> = {},
): MemberHoldings {
  return { running, reached: new Map(Object.entries(reached)), home: '', tags: {}, ...more };
}

/** Members of homes of their own. */
const apart = (members: Readonly<Record<string, MemberHoldings>>): Map<string, MemberHoldings> =>
  new Map(Object.entries(members).map(([id, held]) => [id, { ...held, home: id }]));

const active = (shares: ReadonlyMap<string, Share>): Record<string, readonly string[]> =>
  Object.fromEntries([...shares].map(([id, share]) => [id, share.active]));

/** What members hold once they have done what they were told, and have caught up. */
function after(shares: ReadonlyMap<string, Share>, tasks: readonly TaskToAssign[]): Map<string, MemberHoldings> {
  const ends = new Map(tasks.map(({ id, end }) => [id, end]));
  return apart(
    Object.fromEntries(
      [...shares].map(([id, share]) => [
        id,
        member(
          share.active,
          Object.fromEntries([...share.standby, ...share.warmup].map((task) => [task, ends.get(task)!])),
        ),
      ]),
    ),
  );
}

describe('tasks without state', () => {
  const tasks = stateless('0_0', '0_1', '0_2', '1_0', '1_1');

  test('are spread evenly, and stay where they are', () => {
    const first = assignTasks(tasks, apart({ a: member() }), RULES).shares;
    expect(first.get('a')!.active).toEqual(tasks.map(({ id }) => id));
    const second = assignTasks(tasks, apart({ a: member(first.get('a')!.active), b: member() }), RULES).shares;
    // Both have tasks of both sub-topologies.
    expect(active(second)).toEqual({ a: ['0_0', '0_1', '1_0'], b: ['0_2', '1_1'] });
    expect(assignTasks(tasks, after(second, tasks), RULES).shares).toEqual(second);
    const third = assignTasks(tasks, apart({ b: member(second.get('b')!.active) }), RULES).shares;
    expect(third.get('b')!.active).toEqual(tasks.map(({ id }) => id));
  });
});

test('two tasks of two instances with two threads each are not both one instance’s', () => {
  const members = ['a1', 'a2', 'b1', 'b2'].map((id): [string, MemberHoldings] => [
    id,
    member([], {}, { home: id[0]! }),
  ]);
  for (const tasks of [stateless('0_0', '0_1'), stateful(10, '0_0', '0_1')]) {
    const { shares } = assignTasks(tasks, new Map(members), RULES);
    expect(active(shares)).toEqual({ a1: ['0_0'], a2: [], b1: ['0_1'], b2: [] });
  }
});

describe('tasks with state', () => {
  const tasks = stateful(1000, '0_0', '0_1', '0_2', '0_3');
  const all = { '0_0': 1000, '0_1': 1000, '0_2': 1000, '0_3': 1000 };

  test('go by turns to who has their checkpoints', () => {
    const { shares } = assignTasks(tasks, apart({ a: member([], all), b: member([], all) }), RULES);
    expect(active(shares)).toEqual({ a: ['0_0', '0_2'], b: ['0_1', '0_3'] });
    const again = assignTasks(tasks, apart({ a: member([], all), b: member(['0_1', '0_0'], all) }), RULES);
    expect(active(again.shares)).toEqual({ a: ['0_2', '0_3'], b: ['0_0', '0_1'] });
  });

  test('move when their state is there, and warm up until then', () => {
    const running = { a: member(['0_0', '0_1', '0_2', '0_3']), b: member() };
    const first = assignTasks(tasks, apart(running), { ...RULES, maxWarmupReplicas: 1 });
    expect(first.isPassing).toBe(true);
    expect(active(first.shares)).toEqual({ a: ['0_0', '0_1', '0_2', '0_3'], b: [] });
    expect(first.shares.get('b')!.warmup).toHaveLength(1);
    const [warm] = first.shares.get('b')!.warmup;

    // It is that task that goes on warming up, and that moves.
    const half = apart({ ...running, b: member([], { [warm!]: 500 }) });
    expect(assignTasks(tasks, half, { ...RULES, maxWarmupReplicas: 1 }).shares.get('b')!.warmup).toEqual([warm]);
    const second = assignTasks(tasks, after(first.shares, tasks), RULES);
    expect(second.shares.get('b')!.active).toEqual([warm]);
    expect(second.shares.get('b')!.warmup).toHaveLength(1);
    const third = assignTasks(tasks, after(second.shares, tasks), RULES);
    expect(third.isPassing).toBe(false);
    expect([...third.shares.values()].map((share) => share.active.length)).toEqual([2, 2]);
  });

  test('of which nobody has more than a little move at once, and so do those of which there is little', () => {
    const lost = assignTasks(tasks, apart({ a: member(), b: member([], { '0_0': 3 }) }), RULES);
    expect(lost.isPassing).toBe(false);
    expect(lost.shares.get('b')!.active).toContain('0_0');
    const small = stateful(10, '0_0', '0_1');
    const { isPassing, shares } = assignTasks(small, apart({ a: member(['0_0', '0_1']), b: member() }), RULES);
    expect(isPassing).toBe(false);
    expect(active(shares)).toEqual({ a: ['0_0'], b: ['0_1'] });
  });

  test('whoever has read more than there is has read another changelog', () => {
    const { shares } = assignTasks(
      tasks,
      apart({ a: member([], { '0_0': 5000 }), b: member([], { '0_0': 990 }) }),
      RULES,
    );
    expect(shares.get('b')!.active).toContain('0_0');
  });

  test('a standby takes over, and the rest moves when it can', () => {
    const rules = { ...RULES, numStandbyReplicas: 1 };
    const three = assignTasks(tasks, apart({ a: member(), b: member(), c: member() }), rules).shares;
    const left = new Map([...after(three, tasks)].filter(([id]) => id !== 'a'));
    const { shares } = assignTasks(tasks, left, rules);
    for (const task of three.get('a')!.active) {
      const [heir] = [...three].find(([, share]) => share.standby.includes(task))!;
      expect(shares.get(heir)!.active).toContain(task);
    }
  });

  test('members of one home have the same state, and are no standbys for one another', () => {
    const near = (held: MemberHoldings): MemberHoldings => ({ ...held, home: 'h' });
    const members = new Map([
      ['a', near(member(['0_0', '0_1', '0_2', '0_3']))],
      ['b', near(member())],
    ]);
    const { isPassing, shares } = assignTasks(tasks, members, { ...RULES, numStandbyReplicas: 1 });
    expect(isPassing).toBe(false);
    expect([...shares.values()].map((share) => [share.active.length, share.standby.length])).toEqual([
      [2, 0],
      [2, 0],
    ]);
  });

  test('standbys are in another zone, as far as there is one', () => {
    const zone = (name: string): MemberHoldings => member([], {}, { tags: { zone: name } });
    const rules = { ...RULES, numStandbyReplicas: 1, rackAwareAssignmentTags: ['zone'] };
    const zones: Readonly<Record<string, string>> = { a: '1', b: '1', c: '2', d: '2' };
    const members = apart(Object.fromEntries(Object.entries(zones).map(([id, name]) => [id, zone(name)])));
    const { shares } = assignTasks(tasks, members, rules);
    for (const { id: task } of tasks) {
      const at = (list: keyof Share) => [...shares].find(([, share]) => share[list].includes(task))![0];
      expect(zones[at('standby')]).not.toBe(zones[at('active')]);
    }
  });
});

describe('whatever members hold', () => {
  const ids = ['0_0', '0_1', '0_2', '0_3', '0_4', '1_0', '1_1', '1_2', '2_0', '2_1'];
  const tasks = ids.map(
    (id): TaskToAssign => ({ id, end: id.startsWith('1') ? undefined : id.startsWith('2') ? 5 : 1000 }),
  );
  const holdings = fc.record({
    running: fc.array(fc.constantFrom(...ids, '9_9')),
    reached: fc.dictionary(fc.constantFrom(...ids, '9_9'), fc.integer({ min: 0, max: 1200 })),
    home: fc.integer({ min: 0, max: 5 }),
    zone: fc.constantFrom('a', 'b'),
  });
  const situation = fc.record({
    members: fc.array(holdings, { minLength: 1, maxLength: 7 }),
    numStandbyReplicas: fc.integer({ min: 0, max: 3 }),
    maxWarmupReplicas: fc.integer({ min: 1, max: 4 }),
    rackAwareAssignmentTags: fc.constantFrom([], ['zone']),
  });
  type Situation = typeof situation extends { filter(predicate: (value: infer T) => boolean): unknown } ? T : never;
  const membersOf = ({ members }: Situation): Map<string, MemberHoldings> =>
    new Map(
      members.map(({ running, reached, home, zone }, i) => [
        `m${i}`,
        member(running, reached, { home: `h${home}`, tags: { zone } }),
      ]),
    );

  test('every task runs once, and nobody follows what runs in the same home', () => {
    property(situation, (given) => {
      const rules = { ...RULES, ...given };
      const members = membersOf(given);
      const { shares } = assignTasks(tasks, members, rules);
      expect([...shares.values()].flatMap((share) => share.active).sort()).toEqual([...ids].sort());
      expect([...shares.values()].flatMap((share) => share.warmup).length).toBeLessThanOrEqual(rules.maxWarmupReplicas);
      const homes = new Set([...members.values()].map(({ home }) => home)).size;
      for (const { id, end } of tasks) {
        const at = (list: keyof Share): string[] =>
          [...shares].flatMap(([name, share]) =>
            share[list].filter((task) => task === id).map(() => members.get(name)!.home),
          );
        const places = [...at('active'), ...at('warmup'), ...at('standby')];
        expect(new Set(places).size).toBe(places.length);
        const most = homes - 1 - at('warmup').length;
        expect(at('standby')).toHaveLength(end === undefined ? 0 : Math.min(rules.numStandbyReplicas, most));
      }
    });
  });

  test('it is even where nothing has to warm up, and comes to that; then nothing moves any more', () => {
    property(situation, (given) => {
      const rules = { ...RULES, ...given };
      let members = membersOf(given);
      const homes = new Map([...members].map(([id, { home, tags }]) => [id, { home, tags }]));
      let assigned = assignTasks(tasks, members, rules);
      for (let round = 0; assigned.isPassing && round < ids.length; round++) {
        members = new Map([...after(assigned.shares, tasks)].map(([id, held]) => [id, { ...held, ...homes.get(id)! }]));
        assigned = assignTasks(tasks, members, rules);
      }
      expect(assigned.isPassing).toBe(false);
      const spread = (count: (share: Share) => number): number => {
        const counts = [...assigned.shares.values()].map(count);
        return Math.max(...counts) - Math.min(...counts);
      };
      expect(spread((share) => share.active.length)).toBeLessThanOrEqual(1);
      expect(spread((share) => share.active.filter((id) => !id.startsWith('1')).length)).toBeLessThanOrEqual(1);
      // Nor have the threads of a home together more than their share, rounded up.
      const ofHomes = Map.groupBy([...assigned.shares], ([id]) => homes.get(id)!.home);
      for (const threads of ofHomes.values()) {
        const least = Math.floor(ids.length / members.size);
        const extras = Math.ceil(((ids.length % members.size) * threads.length) / members.size);
        const total = threads.reduce((sum, [, share]) => sum + share.active.length, 0);
        expect(total).toBeLessThanOrEqual(least * threads.length + extras);
      }
      members = new Map([...after(assigned.shares, tasks)].map(([id, held]) => [id, { ...held, ...homes.get(id)! }]));
      expect(active(assignTasks(tasks, members, rules).shares)).toEqual(active(assigned.shares));
    });
  });

  test('a task moves only to who has caught up, as long as somebody has', () => {
    property(situation, (given) => {
      const rules = { ...RULES, ...given };
      const members = membersOf(given);
      const lag = (name: string, { id, end }: TaskToAssign): number => {
        const { home } = members.get(name)!;
        const near = [...members.values()].filter((held) => held.home === home);
        if (near.some(({ running }) => running.includes(id))) return 0;
        const offset = Math.max(0, ...near.map(({ reached }) => reached.get(id) ?? 0));
        return offset > end! ? end! : end! - offset;
      };
      const { shares } = assignTasks(tasks, members, rules);
      for (const task of tasks.filter(({ end }) => end !== undefined)) {
        const [runner] = [...shares].find(([, share]) => share.active.includes(task.id))!;
        const caughtUp = [...members.keys()].filter((name) => lag(name, task) <= rules.acceptableRecoveryLag);
        expect(caughtUp.length === 0 || caughtUp.includes(runner)).toBe(true);
      }
    });
  });
});
