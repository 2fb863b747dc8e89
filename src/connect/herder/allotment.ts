// Which connectors and tasks a worker has: sets that are taken from and added to. Tasks go by their names (`orders-0`).
import { type TaskId, taskName } from '../data/states.ts';

/** Connectors and tasks. */
export interface Allotment {
  readonly connectors: Set<string>;
  readonly tasks: Set<string>;
}

/** The two kinds of what is shared out; each is balanced for itself. */
export const KINDS = ['connectors', 'tasks'] as const;
export type Kind = (typeof KINDS)[number];

export function allotment(connectors: Iterable<string> = [], tasks: Iterable<string> = []): Allotment {
  return { connectors: new Set(connectors), tasks: new Set(tasks) };
}

export function copyOf({ connectors, tasks }: Allotment): Allotment {
  return allotment(connectors, tasks);
}

export function isEmpty({ connectors, tasks }: Allotment): boolean {
  return connectors.size === 0 && tasks.size === 0;
}

/** All of several. */
export function union(all: Iterable<Allotment>): Allotment {
  const whole = allotment();
  for (const each of all) add(whole, each);
  return whole;
}

export function add(to: Allotment, what: Allotment): void {
  for (const kind of KINDS) for (const each of what[kind]) to[kind].add(each);
}

export function remove(from: Allotment, what: Allotment): void {
  for (const kind of KINDS) for (const each of what[kind]) from[kind].delete(each);
}

/** What is in the first and in none of the others. */
export function difference(from: Allotment, ...others: readonly Allotment[]): Allotment {
  const rest = copyOf(from);
  for (const other of others) remove(rest, other);
  return rest;
}

export function intersection(a: Allotment, b: Allotment): Allotment {
  return allotment(
    [...a.connectors].filter((each) => b.connectors.has(each)),
    [...a.tasks].filter((each) => b.tasks.has(each)),
  );
}

export function haveCommon(a: Allotment, b: Allotment): boolean {
  return !isEmpty(intersection(a, b));
}

/** In an order that is the same everywhere: names by their letters, tasks of a connector by their numbers. */
export function ordered(names: Iterable<string>): string[] {
  const parts = (name: string): [string, number] => {
    const dash = name.lastIndexOf('-');
    const number = dash < 0 ? Number.NaN : Number(name.slice(dash + 1));
    return Number.isInteger(number) ? [name.slice(0, dash), number] : [name, -1];
  };
  return [...names].sort((a, b) => {
    const [[nameA, taskA], [nameB, taskB]] = [parts(a), parts(b)];
    return nameA === nameB ? taskA - taskB : nameA < nameB ? -1 : 1;
  });
}

export function namesOf(tasks: readonly TaskId[]): string[] {
  return tasks.map(taskName);
}
