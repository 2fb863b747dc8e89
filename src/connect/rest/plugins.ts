// `/connector-plugins`: what connectors can be made of, and whether a config may be.
import type { Herder } from '../herder/herder.ts';
import { HerderRefusal } from '../herder/refusals.ts';
import { type Call, jsonOf, param, queryFlag, type Routes, settingsOf } from './call.ts';
import { RestError } from './errors.ts';

/** Class names may be given with and without it. */
const ENDING = 'Connector';

export function pluginRoutes(herder: Herder): Routes {
  return {
    'GET /connector-plugins': {
      summary: 'The plugins that there are.',
      query: { connectorsOnly: { type: 'boolean', description: 'Whether only connectors are told of; default: yes.' } },
      answer: (call) => {
        const isConnector = ({ type }: { type: string }) => type === 'source' || type === 'sink';
        const all = herder.plugins();
        return queryFlag(call, 'connectorsOnly', true) ? all.filter(isConnector) : all;
      },
    },
    'GET /connector-plugins/:plugin/config': {
      summary: 'The settings of a plugin.',
      answer: (call) => herder.pluginConfig(param(call, 'plugin')),
    },
    'PUT /connector-plugins/:plugin/config/validate': {
      summary: 'Says what is wrong with a connector’s config.',
      body: [],
      answer: (call) => validate(herder, call),
    },
  };
}

async function validate(herder: Herder, call: Call): Promise<unknown> {
  const plugin = param(call, 'plugin');
  const config = settingsOf(jsonOf(call), 'the config');
  const included = config['connector.class'] ?? undefined;
  if (included !== undefined && !withoutEnding(included).endsWith(withoutEnding(plugin)))
    throw new RestError(400, `Included connector type ${included} does not match request type ${plugin}`);
  try {
    return await herder.validate(config);
  } catch (error) {
    // The original answers so, with the name of its class.
    if (error instanceof HerderRefusal && error.kind === 'invalid')
      throw new RestError(
        500,
        `org.apache.kafka.connect.runtime.rest.errors.BadRequestException: ${error.message}`,
        error,
      );
    throw error;
  }
}

function withoutEnding(name: string): string {
  return name.endsWith(ENDING) && name !== ENDING ? name.slice(0, -ENDING.length) : name;
}
