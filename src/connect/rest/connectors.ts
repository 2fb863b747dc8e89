// `/connectors`: connectors, their tasks, states, topics and offsets.
import type { TargetState } from '../data/states.ts';
import { withoutNulls } from '../herder/connector-facts.ts';
import type { GivenConfig, Herder, Put } from '../herder/herder.ts';
import { HerderRefusal } from '../herder/refusals.ts';
import type { WorkerClient } from '../herder/worker-client.ts';
import type { StoredOffset } from '../runtime/worker-port.ts';
import {
  Answer,
  type Call,
  jsonOf,
  membersOf,
  offsetPartOf,
  param,
  queryFlag,
  type Routes,
  settingsOf,
  taskParam,
} from './call.ts';
import { RestError } from './errors.ts';
import { completeOrForward } from './forwarding.ts';

export interface ConnectorRouteOptions {
  readonly herder: Herder;
  readonly client: WorkerClient;
  /** `topic.tracking.enable` */
  readonly tracksTopics: boolean;
  /** `topic.tracking.allow.reset` */
  readonly mayResetTopics: boolean;
}

const INITIAL_STATES: Readonly<Record<string, TargetState>> = {
  RUNNING: 'STARTED',
  PAUSED: 'PAUSED',
  STOPPED: 'STOPPED',
};
const RESTART_QUERY = {
  includeTasks: { type: 'boolean', description: 'Whether its tasks are started anew, too.' },
  onlyFailed: { type: 'boolean', description: 'Whether only what has failed is started anew.' },
} as const;

export function connectorRoutes(options: ConnectorRouteOptions): Routes {
  const { herder, client } = options;
  return {
    'GET /connectors': {
      summary: 'The names of the connectors; with `expand` what is known of each.',
      query: { expand: { type: 'string', description: 'What is told: `info`, `status`.', isRepeated: true } },
      answer: (call) => list(herder, call),
    },
    'POST /connectors': {
      summary: 'Makes a connector.',
      body: ['name', 'config', 'initial_state'],
      status: 201,
      answer: (call) => create(herder, client, call),
    },
    'GET /connectors/:connector': {
      summary: 'A connector, with its config and its tasks.',
      answer: (call) => herder.info(param(call, 'connector')),
    },
    'DELETE /connectors/:connector': {
      summary: 'Ends a connector, and forgets it.',
      status: 204,
      answer: (call) => completeOrForward(client, call, () => herder.remove(param(call, 'connector'))),
    },
    ...configRoutes(options),
    ...stateRoutes(options),
    ...taskRoutes(options),
    ...topicRoutes(options),
    ...offsetRoutes(options),
  };
}

function configRoutes({ herder, client }: ConnectorRouteOptions): Routes {
  return {
    'GET /connectors/:connector/config': {
      summary: 'The config of a connector.',
      answer: async (call) => (await herder.info(param(call, 'connector'))).config,
    },
    'PUT /connectors/:connector/config': {
      summary: 'Makes a connector, or gives it another config.',
      body: [],
      answer: (call) => {
        const connector = param(call, 'connector');
        const config = named(connector, settingsOf(jsonOf(call), 'the config'));
        return put(client, call, connector, () => herder.putConfig(connector, config, { mayReplace: true }));
      },
    },
    'PATCH /connectors/:connector/config': {
      summary: 'Changes some settings of a connector; null takes one away.',
      body: [],
      answer: (call) => {
        const connector = param(call, 'connector');
        const patch = settingsOf(jsonOf(call), 'the patch');
        return completeOrForward(client, call, async () => (await herder.patchConfig(connector, patch)).info);
      },
    },
  };
}

function stateRoutes({ herder, client }: ConnectorRouteOptions): Routes {
  return {
    'GET /connectors/:connector/status': {
      summary: 'Where a connector and its tasks are.',
      answer: (call) => herder.status(param(call, 'connector')),
    },
    'POST /connectors/:connector/restart': {
      summary: 'Starts a connector anew.',
      query: RESTART_QUERY,
      status: 202,
      answer: (call) => restart(herder, client, call),
    },
    'PUT /connectors/:connector/pause': {
      summary: 'Has a connector and its tasks wait.',
      status: 202,
      answer: async (call) => {
        await herder.pause(param(call, 'connector'));
        return new Answer(202);
      },
    },
    'PUT /connectors/:connector/resume': {
      summary: 'Has a connector go on that was paused or stopped.',
      status: 202,
      answer: async (call) => {
        await herder.resume(param(call, 'connector'));
        return new Answer(202);
      },
    },
    'PUT /connectors/:connector/stop': {
      summary: 'Ends a connector’s tasks, and keeps its config.',
      status: 204,
      answer: (call) => completeOrForward(client, call, () => herder.stop(param(call, 'connector'))),
    },
  };
}

function taskRoutes({ herder, client }: ConnectorRouteOptions): Routes {
  return {
    'GET /connectors/:connector/tasks': {
      summary: 'The tasks of a connector, with their configs.',
      answer: (call) => herder.taskInfos(param(call, 'connector')),
    },
    'GET /connectors/:connector/tasks/:task/status': {
      summary: 'Where a task is.',
      answer: (call) => herder.taskStatus({ connector: param(call, 'connector'), task: taskParam(call) }),
    },
    'POST /connectors/:connector/tasks/:task/restart': {
      summary: 'Starts a task anew.',
      status: 204,
      answer: (call) => {
        const id = { connector: param(call, 'connector'), task: taskParam(call) };
        return completeOrForward(client, call, () => herder.restartTask(id));
      },
    },
    'POST /connectors/:connector/tasks': {
      summary: 'Configs of tasks, from the worker that has the connector.',
      isInternal: true,
      answer: (call) => {
        const value = jsonOf(call);
        if (!Array.isArray(value)) throw new RestError(500, 'The body is no list of configs');
        const configs = value.map((each) => withoutNulls(settingsOf(each, 'a config')));
        const connector = param(call, 'connector');
        return completeOrForward(client, call, () => herder.putTaskConfigs(connector, configs, signedOf(call)));
      },
    },
    'PUT /connectors/:connector/fence': {
      summary: 'Fences a source’s earlier tasks, for the worker that is to start new ones.',
      isInternal: true,
      answer: (call) =>
        completeOrForward(client, call, () => herder.fenceZombies(param(call, 'connector'), signedOf(call))),
    },
  };
}

function topicRoutes({ herder, tracksTopics, mayResetTopics }: ConnectorRouteOptions): Routes {
  const checkTracking = (): void => {
    if (!tracksTopics) throw new RestError(403, 'Topic tracking is disabled.');
  };
  return {
    'GET /connectors/:connector/topics': {
      summary: 'The topics that a connector has written to or read from.',
      answer: (call) => {
        checkTracking();
        const connector = param(call, 'connector');
        return { [connector]: { topics: herder.topics(connector) } };
      },
    },
    'PUT /connectors/:connector/topics/reset': {
      summary: 'Forgets which topics a connector has used.',
      status: 202,
      answer: (call) => {
        checkTracking();
        if (!mayResetTopics) throw new RestError(403, 'Topic tracking reset is disabled.');
        herder.resetTopics(param(call, 'connector'));
        return new Answer(202);
      },
    },
  };
}

function offsetRoutes({ herder, client }: ConnectorRouteOptions): Routes {
  const alter = (call: Call, offsets: readonly StoredOffset[] | null) =>
    completeOrForward(client, call, async () => ({
      message: await herder.alterOffsets(param(call, 'connector'), offsets),
    }));
  return {
    'GET /connectors/:connector/offsets': {
      summary: 'How far a connector is.',
      answer: async (call) => ({ offsets: await herder.offsets(param(call, 'connector')) }),
    },
    'PATCH /connectors/:connector/offsets': {
      summary: 'Has a stopped connector go on elsewhere.',
      body: ['offsets'],
      answer: (call) => alter(call, offsetsOf(call)),
    },
    'DELETE /connectors/:connector/offsets': {
      summary: 'Has a stopped connector begin anew.',
      answer: (call) => alter(call, null),
    },
  };
}

function list(herder: Herder, { query }: Call): unknown {
  const connectors = herder.connectors();
  if (query['expand'] === undefined) return connectors;
  const expansions = [query['expand']].flat();
  const entries = connectors.flatMap((connector) => {
    try {
      const status = expansions.includes('status') ? { status: herder.status(connector) } : {};
      const info = expansions.includes('info') ? { info: herder.infoNow(connector) ?? null } : {};
      return [[connector, { ...info, ...status }] as const];
    } catch (error) {
      // It has gone meanwhile, or nobody has said anything of it yet.
      if (error instanceof HerderRefusal && error.kind === 'not-found') return [];
      throw error;
    }
  });
  return Object.fromEntries(entries);
}

function create(herder: Herder, client: WorkerClient, call: Call): Promise<unknown> {
  const members = membersOf(jsonOf(call), 'the request', ['name', 'config', 'initial_state']);
  const { name = null, config = null, initial_state: state = null } = members;
  if (name !== null && typeof name !== 'string') throw new RestError(500, 'name is no text');
  if (config === null) throw new RestError(500, 'The request has no config');
  const target = typeof state === 'string' ? INITIAL_STATES[state.toUpperCase()] : undefined;
  if (state !== null && target === undefined)
    throw new RestError(500, `initial_state is none of ${Object.keys(INITIAL_STATES).join(', ')}`);
  const connector = (name ?? '').trim();
  const settings = named(connector, settingsOf(config, 'config'));
  return put(client, call, connector, () =>
    herder.putConfig(connector, settings, { mayReplace: false, ...(target === undefined ? {} : { target }) }),
  );
}

/** 201 with its place for a connector that was made, here or by another worker. */
async function put(client: WorkerClient, call: Call, connector: string, work: () => Promise<Put>): Promise<Answer> {
  const done = await completeOrForward(client, call, async () => {
    const { isNew, info } = await work();
    return new Answer(isNew ? 201 : 200, info);
  });
  const answer = done as Answer;
  if (answer.status !== 201) return answer;
  const path = encodeURI(connector).replaceAll(/[?#]/g, encodeURIComponent);
  return new Answer(201, answer.body, `${call.baseUrl}/connectors/${path}`);
}

/** A config says its connector's name, too. */
function named(connector: string, config: GivenConfig): GivenConfig {
  const name = config['name'] ?? undefined;
  if (name === undefined) return { ...config, name: connector };
  if (name === connector) return config;
  throw new RestError(
    400,
    `Connector name configuration (${name}) doesn't match connector name in the URL (${connector})`,
  );
}

async function restart(herder: Herder, client: WorkerClient, call: Call): Promise<unknown> {
  const connector = param(call, 'connector');
  const [includeTasks, onlyFailed] = [queryFlag(call, 'includeTasks', false), queryFlag(call, 'onlyFailed', false)];
  if (!includeTasks && !onlyFailed) return completeOrForward(client, call, () => herder.restartConnector(connector));
  return completeOrForward(
    client,
    call,
    async () => new Answer(202, await herder.restart({ connector, includeTasks, onlyFailed })),
  );
}

function offsetsOf(call: Call): StoredOffset[] {
  const { offsets = null } = membersOf(jsonOf(call), 'the request', ['offsets']);
  if (offsets === null || (Array.isArray(offsets) && offsets.length === 0))
    throw new RestError(400, 'Partitions / offsets need to be provided for an alter offsets request');
  if (!Array.isArray(offsets)) throw new RestError(500, 'offsets is no list');
  return offsets.map((each) => {
    const { partition = null, offset = null } = membersOf(each, 'an offset', ['partition', 'offset']);
    if (partition === null) throw new RestError(400, 'The partition for a connector offset cannot be null or missing');
    return {
      partition: offsetPartOf(partition, 'a partition'),
      offset: offset === null ? null : offsetPartOf(offset, 'an offset'),
    };
  });
}

function signedOf({ body, headers }: Call) {
  const header = (name: string) => [headers[name]].flat()[0];
  return {
    body: Buffer.from(body, 'utf8'),
    signature: header('x-connect-authorization'),
    algorithm: header('x-connect-request-signature-algorithm'),
  };
}
