import { rimSettingsOf } from '../rim/index.ts';
import { intSetting, longSetting, type SettingTable, type ValuesOf } from '../util/index.ts';

/** What the proxy is told, under the names of Confluent's with `kafka.rest.` in front. */
export const restProxySettings = {
  'kafka.rest.consumer.instance.timeout.ms': intSetting(
    300_000,
    'A consumer instance that nobody has asked for so long is closed.',
    1,
  ),
  'kafka.rest.consumer.request.timeout.ms': intSetting(
    1000,
    'How long a request for records waits for some, unless the instance or the request says less.',
    0,
  ),
  'kafka.rest.consumer.request.max.bytes': longSetting(
    64 * 1024 * 1024,
    'How many bytes of keys and values one answer holds, unless the request says less. A larger record comes alone.',
    1,
  ),
  'kafka.rest.fetch.min.bytes': intSetting(
    -1,
    'How many bytes a request for records waits for; -1: any.',
    -1,
    10_000_000,
  ),
  'kafka.rest.consumer.instances.max': intSetting(1000, 'How many consumer instances there may be at a time.', 1),
  'kafka.rest.request.max.bytes': intSetting(
    16 * 1024 * 1024,
    'The largest body of a request, or, where records are streamed, the largest record.',
    1,
  ),
  ...rimSettingsOf('kafka.rest.'),
} as const satisfies SettingTable;

export type RestProxySettings = ValuesOf<typeof restProxySettings>;
