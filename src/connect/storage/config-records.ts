// The records of the config topic, as Kafka Connect 4.1 writes them: keys are texts, values are JSON without a schema.
import type { RawConfig } from '../api/config-def.ts';
import { DataError } from '../data/errors.ts';
import { type TargetState, type TaskId, taskName } from '../data/states.ts';
import type { ConfigState, RestartRequest, SessionKey } from './config-state.ts';
import { asObject, type JsonObject, numberIn, readJsonObject, taskIdOf } from './json-records.ts';

/** A record to be written. */
export interface ConfigRecord {
  readonly key: string;
  /** Null takes away what the key had. */
  readonly value: string | null;
}

const TARGET = 'target-state-';
const CONNECTOR = 'connector-';
const TASK_COUNT = 'tasks-fencing-';
const TASK = 'task-';
const COMMIT = 'commit-';
const RESTART = 'restart-connector-';
const SESSION_KEY = 'session-key';
const LOGGER = 'logger-cluster-';
const TARGETS: readonly TargetState[] = ['STARTED', 'PAUSED', 'STOPPED'];

const record = (key: string, value: object | null): ConfigRecord => ({
  key,
  value: value === null ? null : JSON.stringify(value),
});

/** The records that say each thing. */
export const configRecords = {
  connector: (name: string, config: RawConfig | null) =>
    record(CONNECTOR + name, config === null ? null : { properties: config }),
  task: (id: TaskId, config: RawConfig) => record(TASK + taskName(id), { properties: config }),
  commit: (name: string, tasks: number) => record(COMMIT + name, { tasks }),
  /** Workers that are older than STOPPED read PAUSED. */
  target: (name: string, target: TargetState | null) =>
    record(
      TARGET + name,
      target === null ? null : { state: target === 'STOPPED' ? 'PAUSED' : target, 'state.v2': target },
    ),
  taskCount: (name: string, count: number) => record(TASK_COUNT + name, { 'task-count': count }),
  sessionKey: ({ key, algorithm, createdAt }: SessionKey) =>
    record(SESSION_KEY, { key: key.toString('base64'), algorithm, 'creation-timestamp': createdAt }),
  restart: ({ connector, includeTasks, onlyFailed }: RestartRequest) =>
    record(RESTART + connector, { 'include-tasks': includeTasks, 'only-failed': onlyFailed }),
  loggerLevel: (logger: string, level: string) => record(LOGGER + logger, { level }),
};

/** Applies a record that was read; `offset` is its own. Throws `DataError` for one that nobody understands, which has no effect. */
export function applyConfigRecord(state: ConfigState, key: string, bytes: Uint8Array | null, offset: number): void {
  const value = readJsonObject(bytes);
  state.offset = offset + 1;
  const behind = (prefix: string) => key.slice(prefix.length);
  if (key.startsWith(TARGET)) state.applyTarget(behind(TARGET), value === null ? null : targetIn(value));
  else if (key.startsWith(CONNECTOR))
    state.applyConnector(behind(CONNECTOR), value === null ? null : propertiesIn(value));
  else if (key.startsWith(TASK_COUNT))
    state.applyTaskCount(behind(TASK_COUNT), numberIn(present(key, value), 'task-count'));
  else if (key.startsWith(TASK)) {
    const id = taskIdOf(behind(TASK));
    if (value !== null) state.applyTask(id, propertiesIn(value));
  } else if (key.startsWith(COMMIT)) state.applyCommit(behind(COMMIT), numberIn(present(key, value), 'tasks'));
  else if (key.startsWith(RESTART)) state.applyRestart(restartIn(behind(RESTART), present(key, value)));
  else if (key === SESSION_KEY) state.applySessionKey(sessionKeyIn(present(key, value)));
  else if (key.startsWith(LOGGER))
    state.applyLoggerLevel(behind(LOGGER), textIn(present(key, value), 'level', behind(LOGGER)));
  else throw new DataError(`its key ${JSON.stringify(key)} is none of the config topic's`);
}

function present(key: string, value: JsonObject | null): JsonObject {
  if (value === null) throw new DataError(`${key} has no value`);
  return value;
}

function textIn(value: JsonObject, name: string, of: string): string {
  const text = value[name];
  if (typeof text !== 'string') throw new DataError(`${name} of ${of} is no text`);
  return text;
}

function propertiesIn(value: JsonObject): RawConfig {
  return asObject(value['properties'], 'properties') as RawConfig;
}

/** Older workers write `state` alone. */
function targetIn(value: JsonObject): TargetState {
  const newer = value['state.v2'];
  const text = typeof newer === 'string' ? newer : value['state'];
  const target = TARGETS.find((each) => each === text);
  if (target === undefined) throw new DataError(`${JSON.stringify(text)} is no target state`);
  return target;
}

function restartIn(connector: string, value: JsonObject): RestartRequest {
  return { connector, includeTasks: value['include-tasks'] === true, onlyFailed: value['only-failed'] === true };
}

function sessionKeyIn(value: JsonObject): SessionKey {
  const key = Buffer.from(textIn(value, 'key', SESSION_KEY), 'base64');
  return {
    key,
    algorithm: textIn(value, 'algorithm', SESSION_KEY),
    createdAt: numberIn(value, 'creation-timestamp'),
  };
}
