// Long work in steps: all of it is done, in its order, and however many there are of it, a turn of the event loop has one step.
import { expect, test } from 'vitest';
import { atOnce, inTurns, Pace, type Steps, Turns } from '../../src/util/index.ts';

/** An event loop whose turns are counted. */
class Loop {
  readonly #callbacks: (() => void)[] = [];

  soon(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Runs what waits now; false when nothing does. */
  async turn(): Promise<boolean> {
    const callbacks = this.#callbacks.splice(0);
    for (const callback of callbacks) callback();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return callbacks.length > 0;
  }
}

function* counting(name: string, steps: number, log: string[]): Steps<string> {
  for (let i = 1; i < steps; i++) {
    log.push(`${name}${i}`);
    yield;
  }
  log.push(`${name}${steps}`);
  return name;
}

test('all long works together have one step in a turn, one after the other', async () => {
  const loop = new Loop();
  const turns = new Turns(loop);
  const log: string[] = [];
  const results = Promise.all(['a', 'b'].map((name) => inTurns(counting(name, 3, log), () => turns.next())));
  const doneAfter: number[] = [];
  while (await loop.turn()) doneAfter.push(log.length);
  expect(doneAfter).toEqual([1, 2, 3, 4, 5, 6]);
  expect(log).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  expect(await results).toEqual(['a', 'b']);
  const again = inTurns(counting('c', 1, log), () => turns.next());
  await loop.turn();
  expect(await again).toBe('c');
});

test('what fails in a step or between two fails the work', async () => {
  const log: string[] = [];
  let turns = 0;
  const giveWay = () => (turns++ < 2 ? Promise.resolve() : Promise.reject(new Error('gone')));
  await expect(inTurns(counting('a', 9, log), giveWay)).rejects.toThrow('gone');
  expect(log).toEqual(['a1', 'a2']);
  const broken = function* (): Steps<void> {
    yield;
    throw new Error('broken');
  };
  await expect(inTurns(broken(), () => Promise.resolve())).rejects.toThrow('broken');
  expect(() => atOnce(broken())).toThrow('broken');
});

test('a step has as many items as it may, in whatever loops they are', () => {
  const wide = Array.from({ length: 1000 }, (_, i) => i);
  const nested: readonly (readonly number[])[] = [wide, [], ...wide.map((i) => [i])];
  for (const items of [[wide], nested]) {
    const done: number[] = [];
    const pace = new Pace();
    const steps = pace.mapMany(items, (inner) =>
      pace.map(inner, (item) => {
        done.push(item);
        return item + 1;
      }),
    );
    let before = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      expect(done.length - before).toBeLessThanOrEqual(200);
      before = done.length;
    }
    expect(step.value).toEqual(items.map((inner) => inner.map((item) => item + 1)));
  }
  expect(new Pace().map(wide.slice(0, 200), String).next()).toMatchObject({ done: true });
});
