// What the config topic says, also when compaction or the death of a writer has left half of it.
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../src/connect/data/errors.ts';
import { applyConfigRecord, configRecords } from '../../../src/connect/storage/config-records.ts';
import { type ConfigListener, ConfigState } from '../../../src/connect/storage/config-state.ts';
import { applyStatusRecord, statusKeys, statusValue } from '../../../src/connect/storage/status-records.ts';
import { isSafe, type Status, StatusTable } from '../../../src/connect/storage/status-store.ts';

type Written = readonly [key: string, value: string | null];
const of = ({ key, value }: { key: string; value: string | null }): Written => [key, value];
const connector = of(configRecords.connector('a', { x: '1' }));
const task = (number: number, x: string) => of(configRecords.task({ connector: 'a', task: number }, { x }));
const commit = (tasks: number) => of(configRecords.commit('a', tasks));

function read(...records: readonly Written[]): ConfigState {
  const state = new ConfigState();
  for (const [i, [key, value]] of records.entries())
    applyConfigRecord(state, key, value === null ? null : Buffer.from(value), i);
  return state;
}

describe('configs of tasks', () => {
  test('hold with their commit, all at once', () => {
    const state = read(connector, task(0, 'old'), task(1, 'old'), commit(2), task(0, 'new'));
    const before = state.snapshot();
    expect(before.tasks('a')).toHaveLength(2);
    expect(before.taskConfig({ connector: 'a', task: 0 })).toEqual({ x: 'old' });
    applyConfigRecord(state, ...valued(task(1, 'new')), 5);
    applyConfigRecord(state, ...valued(commit(2)), 6);
    const now = state.snapshot();
    expect([0, 1].map((number) => now.taskConfig({ connector: 'a', task: number })?.['x'])).toEqual(['new', 'new']);
    expect([before.taskGeneration('a'), now.taskGeneration('a')]).toEqual([0, 1]);
    // Snapshots stay what they are.
    expect(before.taskConfig({ connector: 'a', task: 0 })).toEqual({ x: 'old' });
    expect([before.offset, now.offset]).toEqual([5, 7]);
  });

  test('of which compaction took one are none, until all are told again', () => {
    const state = read(connector, task(1, 'old'), commit(2));
    expect(state.snapshot().tasks('a')).toEqual([]);
    expect(state.snapshot().taskCount('a')).toBe(2);
    // What came with the commit that could not be followed counts for nothing.
    applyConfigRecord(state, ...valued(task(0, 'new')), 3);
    applyConfigRecord(state, ...valued(commit(2)), 4);
    expect(state.snapshot().tasks('a')).toEqual([]);
    for (const [i, record] of [task(0, 'new'), task(1, 'new'), commit(2)].entries())
      applyConfigRecord(state, ...valued(record), 5 + i);
    expect(state.snapshot().tasks('a')).toHaveLength(2);
  });

  test('may be more than are committed, where there were more once', () => {
    const state = read(connector, task(1, 'old'), task(0, 'new'), commit(1));
    expect(state.snapshot().tasks('a')).toEqual([{ connector: 'a', task: 0 }]);
  });

  test('of a connector that is gone are not kept', () => {
    const state = read(connector, task(0, 'x'), commit(1), of(configRecords.connector('a', null)), commit(1));
    expect(state.snapshot()).toMatchObject({ connectors: [] });
    expect(state.snapshot().taskCount('a')).toBe(0);
  });

  test('need fencing until it is written how many write now', () => {
    const state = read(connector, task(0, 'x'), commit(1));
    expect(state.snapshot().needsFencing('a')).toBe(true);
    applyConfigRecord(state, ...valued(of(configRecords.taskCount('a', 1))), 3);
    expect([state.snapshot().needsFencing('a'), state.snapshot().taskCountRecord('a')]).toEqual([false, 1]);
    applyConfigRecord(state, ...valued(commit(0)), 4);
    expect(state.snapshot().needsFencing('a')).toBe(true);
  });
});

test('names with dashes, and states of workers that are older', () => {
  const state = read(
    of(configRecords.connector('a-1', {})),
    of(configRecords.task({ connector: 'a-1', task: 0 }, { x: 'y' })),
    of(configRecords.commit('a-1', 1)),
    ['target-state-a-1', '{"state":"PAUSED"}'],
  );
  expect(state.snapshot().taskConfig({ connector: 'a-1', task: 0 })).toEqual({ x: 'y' });
  expect(state.snapshot().target('a-1')).toBe('PAUSED');
  applyConfigRecord(state, ...valued(of(configRecords.target('a-1', 'STOPPED'))), 9);
  expect(state.snapshot().target('a-1')).toBe('STOPPED');
  applyConfigRecord(state, 'target-state-a-1', null, 10);
  expect(state.snapshot().target('a-1')).toBe('STARTED');
});

test('listeners hear what changes, and nothing of a state that a connector begins with', () => {
  const heard: string[] = [];
  const listener: ConfigListener = {
    onConnectorRemoved: (name) => heard.push(`removed ${name}`),
    onConnectorConfig: (name) => heard.push(`config ${name}`),
    onTaskConfigs: (name, tasks) => heard.push(`tasks ${name} ${tasks.length}`),
    onTargetState: (name) => heard.push(`target ${name}`),
    onSessionKey: ({ createdAt }) => heard.push(`key ${createdAt}`),
    onRestart: ({ connector: name, includeTasks }) => heard.push(`restart ${name} ${includeTasks}`),
    onLoggerLevel: (logger, level) => heard.push(`level ${logger} ${level}`),
  };
  const state = new ConfigState();
  state.listener = listener;
  const records = [
    configRecords.target('a', 'PAUSED'),
    configRecords.connector('a', {}),
    configRecords.target('a', 'PAUSED'),
    configRecords.target('a', 'STARTED'),
    configRecords.commit('a', 0),
    configRecords.restart({ connector: 'a', includeTasks: true, onlyFailed: false }),
    configRecords.sessionKey({ key: Buffer.from('k'), algorithm: 'HmacSHA256', createdAt: 5 }),
    configRecords.loggerLevel('x.y', 'DEBUG'),
    configRecords.connector('a', null),
  ];
  for (const [i, record] of records.entries()) applyConfigRecord(state, ...valued(of(record)), i);
  expect(heard).toEqual([
    ...['config a', 'target a', 'tasks a 0', 'restart a true'],
    ...['key 5', 'level x.y DEBUG', 'removed a'],
  ]);
});

test.each([
  ['connector-a', '{"properties":[]}'],
  ['connector-a', '[]'],
  ['connector-a', 'nonsense'],
  ['task-a', '{"properties":{}}'],
  ['commit-a', '{"tasks":"1"}'],
  ['commit-a', null],
  ['target-state-a', '{"state":"ASLEEP"}'],
  ['session-key', '{"key":1}'],
  ['whatever', '{}'],
])('%s = %s is understood by nobody, and changes nothing', (key, value) => {
  const state = read(connector);
  expect(() => applyConfigRecord(state, key, value === null ? null : Buffer.from(value), 1)).toThrow(DataError);
  expect(state.snapshot().connectorConfig('a')).toEqual({ x: '1' });
});

describe('states', () => {
  const status = (state: Status['state'], workerId: string, generation: number): Status => ({
    state,
    trace: null,
    workerId,
    generation,
    version: null,
  });
  const id = { connector: 'a-1', task: 0 };

  test('of what was let go of do not hide that another worker has it', () => {
    const table = new StatusTable();
    const put = (each: Status) => applyStatusRecord(table, statusKeys.task(id), Buffer.from(statusValue(each)!));
    put(status('RUNNING', 'w2', 5));
    put(status('UNASSIGNED', 'w1', 5));
    expect(table.task(id)).toEqual(status('RUNNING', 'w2', 5));
    put(status('UNASSIGNED', 'w2', 6));
    expect(table.task(id)?.state).toBe('UNASSIGNED');
    expect(isSafe(status('RUNNING', 'w2', 7), status('FAILED', 'w1', 6))).toBe(false);
    expect(isSafe(status('RUNNING', 'w2', 7), status('FAILED', 'w2', 6))).toBe(true);
  });

  test('go with their connector', () => {
    const table = new StatusTable();
    applyStatusRecord(table, statusKeys.connector('a-1'), Buffer.from(statusValue(status('RUNNING', 'w', 1))!));
    applyStatusRecord(table, statusKeys.task(id), Buffer.from(statusValue(status('RUNNING', 'w', 1))!));
    expect([...table.tasks('a-1').keys()]).toEqual([0]);
    expect(statusValue(status('DESTROYED', 'w', 1))).toBeNull();
    applyStatusRecord(table, statusKeys.connector('a-1'), null);
    expect([table.connector('a-1'), table.task(id)]).toEqual([undefined, undefined]);
    expect(() => applyStatusRecord(table, 'status-topic-:connector-', null)).toThrow(DataError);
  });
});

function valued([key, value]: Written): [string, Buffer | null] {
  return [key, value === null ? null : Buffer.from(value)];
}
