// What both herders know and decide alike, from the configs and states that there are: what REST is told of connectors, what
// a restart is about, whether tasks' configs are others than before, what is said against a config. Decides, does nothing.
import type { RawConfig } from '../api/config-def.ts';
import { ConnectError } from '../data/errors.ts';
import type { TaskId } from '../data/states.ts';
import type { ConfigSnapshot, RestartRequest } from '../storage/config-state.ts';
import type { Status, StatusStore } from '../storage/status-store.ts';
import type { ConnectorInfo, ConnectorStatus, GivenConfig, RunStatus, TaskStatus } from './herder.ts';
import type { ConfigInfos, PluginCatalogue } from './plugin-catalogue.ts';
import { HerderRefusal, invalid, notFound } from './refusals.ts';

const CONNECTOR_CLASS = 'connector.class';

export function kindOf(plugins: PluginCatalogue, config: RawConfig | undefined): ConnectorInfo['type'] {
  const name = config?.[CONNECTOR_CLASS];
  return (name === undefined ? undefined : plugins.connector(name))?.kind ?? 'unknown';
}

/** Null where nobody knows. */
export function versionOf(plugins: PluginCatalogue, config: RawConfig | undefined): string | null {
  const name = config?.[CONNECTOR_CLASS];
  return (name === undefined ? undefined : plugins.connector(name))?.version ?? null;
}

export function infoOf(plugins: PluginCatalogue, configs: ConfigSnapshot, name: string): ConnectorInfo | undefined {
  const config = configs.connectorConfig(name);
  if (config === undefined) return undefined;
  return { name, config, tasks: configs.tasks(name), type: kindOf(plugins, config) };
}

/** Throws `HerderRefusal` where nothing is known of the connector. */
export function statusOf(
  plugins: PluginCatalogue,
  statuses: StatusStore,
  name: string,
  config: RawConfig | undefined,
): ConnectorStatus {
  const connector = statuses.connector(name);
  if (connector === undefined) throw notFound(`No status found for connector ${name}`);
  const tasks = [...statuses.tasks(name)].map(([task, status]) => taskStatusOf(task, status));
  return { name, connector: runStatusOf(connector), tasks, type: kindOf(plugins, config) };
}

export function taskStatusOf(id: number, status: Status): TaskStatus {
  return { id, ...runStatusOf(status) };
}

/** In the order in which the original says it. */
function runStatusOf({ state, workerId, trace, version }: Status): RunStatus {
  return {
    state,
    worker_id: workerId,
    version,
    ...(trace === null || trace === '' ? {} : { trace }),
  };
}

/** What a restart is about: the status as it is when all that it is about is being restarted. */
export interface RestartPlan {
  readonly status: ConnectorStatus;
  readonly restartsConnector: boolean;
  readonly tasks: readonly TaskId[];
}

/** Undefined where nothing is known of the connector. */
export function restartPlan(
  plugins: PluginCatalogue,
  statuses: StatusStore,
  { connector, includeTasks, onlyFailed }: RestartRequest,
  config: RawConfig | undefined,
): RestartPlan | undefined {
  if (statuses.connector(connector) === undefined) return undefined;
  const now = statusOf(plugins, statuses, connector, config);
  const isMeant = ({ state }: RunStatus) => !onlyFailed || state === 'FAILED';
  const restarting = <T extends RunStatus>(status: T): T => ({ ...status, state: 'RESTARTING' });
  const restartsConnector = isMeant(now.connector);
  const tasks = includeTasks ? now.tasks.filter(isMeant).map(({ id }) => id) : [];
  return {
    status: {
      ...now,
      connector: restartsConnector ? restarting(now.connector) : now.connector,
      tasks: now.tasks.map((status) => (tasks.includes(status.id) ? restarting(status) : status)),
    },
    restartsConnector,
    tasks: tasks.map((task) => ({ connector, task })),
  };
}

/** Of two requests that wait the one that restarts more. */
export function heavierRestart(a: RestartRequest, b: RestartRequest): RestartRequest {
  const weight = ({ includeTasks, onlyFailed }: RestartRequest) => (onlyFailed ? 0 : 2) + (includeTasks ? 1 : 0);
  return weight(b) > weight(a) ? b : a;
}

/** What Java's tasks have of their connector's config in theirs. */
const TASKS_HAVE_TOO = ['topics', 'topics.regex'];

/**
 * Configs of tasks as they are stored. A secret of the connector's config gets back what stands for it: secrets are not stored.
 * Java's workers, which may get a task of a connector that runs here, need the class of the task: by custom it is called as
 * the connector is.
 */
export function storedTasks(plugins: PluginCatalogue, connector: RawConfig, tasks: readonly RawConfig[]): RawConfig[] {
  const variables = Object.entries(connector).filter(([, value]) => /\$\{[^}]*:/.test(value));
  const inherited = Object.entries(connector).filter(([name]) => TASKS_HAVE_TOO.includes(name));
  const className = plugins.connector(connector[CONNECTOR_CLASS] ?? '')?.className;
  const taskClass = className === undefined ? {} : { 'task.class': className.replace(/Connector$/, 'Task') };
  return tasks.map((task) => ({
    ...taskClass,
    ...task,
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(variables.filter(([name]) => Object.hasOwn(task, name))),
  }));
}

/** Whether tasks have to be started anew: other settings, more or fewer tasks, or another config of the connector (its converters). */
export function tasksHaveChanged(configs: ConfigSnapshot, connector: string, tasks: readonly RawConfig[]): boolean {
  return (
    tasks.length !== configs.taskCount(connector) ||
    tasks.some((config, task) => !isSameConfig(config, configs.taskConfig({ connector, task }))) ||
    !isSameConfig(configs.connectorConfig(connector), configs.appliedConfig(connector))
  );
}

function isSameConfig(a: RawConfig | undefined, b: RawConfig | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/** A config with what a patch says; null takes a setting away. */
export function patched(config: RawConfig, patch: GivenConfig): RawConfig {
  return withoutNulls({ ...config, ...patch });
}

export function withoutNulls(config: GivenConfig): RawConfig {
  return Object.fromEntries(Object.entries(config).filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Everything that can be said against a config as a user has given it. */
export async function validated(plugins: PluginCatalogue, given: GivenConfig): Promise<ConfigInfos> {
  if (typeof given[CONNECTOR_CLASS] !== 'string') {
    const settings = Object.entries(given).map(([name, value]) => `${name}=${value}`);
    throw invalid(`Connector config {${settings.join(', ')}} contains no connector type`);
  }
  let infos: ConfigInfos;
  try {
    infos = await plugins.validate(withoutNulls(given));
  } catch (cause) {
    if (cause instanceof ConnectError) throw new HerderRefusal('invalid', cause.message, { cause });
    throw cause;
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === null) infos = withNull(infos, name);
  }
  return infos;
}

/** What is said of a setting that is null: that, and nothing else. */
function withNull(infos: ConfigInfos, name: string): ConfigInfos {
  const others = infos.configs.find(({ value }) => value.name === name)?.value.errors.length ?? 0;
  const without = infos.configs.map((each) =>
    each.value.name === name ? { ...each, value: { ...each.value, value: null, errors: [] } } : each,
  );
  return withProblem(
    { ...infos, configs: without, error_count: infos.error_count - others },
    name,
    null,
    'Null value can not be supplied as the configuration value.',
  );
}

/** The refusal of a config, with everything that is wrong; undefined where nothing is. */
export function configRefusal({ error_count, configs }: ConfigInfos): HerderRefusal | undefined {
  if (error_count === 0) return undefined;
  return invalid(
    [
      `Connector configuration is invalid and contains the following ${error_count} error(s):`,
      ...configs.flatMap(({ value }) => value.errors),
      'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
    ].join('\n'),
  );
}

/** The same, with something more to be said against a setting. */
export function withProblem(infos: ConfigInfos, name: string, given: string | null, problem: string): ConfigInfos {
  const found = infos.configs.some(({ value }) => value.name === name);
  const nothing = { name, value: given, recommended_values: [], errors: [], visible: true };
  const all = found ? infos.configs : [...infos.configs, { definition: null, value: nothing }];
  return {
    ...infos,
    error_count: infos.error_count + 1,
    configs: all.map((each) =>
      each.value.name === name ? { ...each, value: { ...each.value, errors: [...each.value.errors, problem] } } : each,
    ),
  };
}

export function offsetsNeedStopped(connector: string): HerderRefusal {
  return invalid(
    `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${connector}/stop' endpoint`,
  );
}
