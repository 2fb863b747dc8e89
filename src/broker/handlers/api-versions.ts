/**
 * ApiVersions: which APIs there are, in which versions, and which features are finalized.
 *
 * * 0: the list of APIs, from the handlers that there are. A version that is not known is answered in version 0 with
 *   UNSUPPORTED_VERSION and the versions of ApiVersions itself (KIP-511), so that the client can ask again.
 * * 3: the client's name and version, of letters, digits, `-` and `.`; others are refused with INVALID_REQUEST. Features with the
 *   levels that this broker knows and that are finalized (features.ts); those that are off are not listed as finalized.
 *
 * The APIs of client metrics are told of while somebody wants metrics (telemetry.ts).
 *
 * Not done: `metadata.version`, as there is no KRaft log.
 */
import {
  type AnyApi,
  apiVersions,
  ErrorCode,
  getTelemetrySubscriptions,
  pushTelemetry,
  type ResponseOf,
} from '../../protocol/index.ts';
import { FEATURES, finalizedLevels } from '../features.ts';
import type { ClusterMetadata } from '../metadata/cluster-metadata.ts';
import type { Handler } from './handler.ts';
import { on } from './handler.ts';

type Response = ResponseOf<typeof apiVersions>;

const ABOUT_METRICS: ReadonlySet<number> = new Set([getTelemetrySubscriptions.key, pushTelemetry.key]);
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
/** Tells which APIs there are, from the handlers that there are. */
export function handleApiVersions(handlers: () => readonly Handler[]): Handler {
  return on(apiVersions, (request, { version, core, software }): Response => {
    const isNamed =
      version < 3 ||
      (SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion));
    if (!isNamed) return { ...offered([]), errorCode: ErrorCode.INVALID_REQUEST };
    if (version >= 3)
      Object.assign(software, { name: request.clientSoftwareName, version: request.clientSoftwareVersion });
    const { isWanted } = core.telemetry;
    const apis = handlers().flatMap(({ api }) => (isWanted || !ABOUT_METRICS.has(api.key) ? [api] : []));
    return { ...offered(apis), ...features(core.metadata, version) };
  });
}

/** The answer to a version of ApiVersions that is not known. It is sent in version 0, and tells which ones are. */
export function unsupportedApiVersions(): Response {
  return { ...offered([apiVersions]), errorCode: ErrorCode.UNSUPPORTED_VERSION };
}

function offered(apis: readonly AnyApi[]): Response {
  return {
    errorCode: ErrorCode.NONE,
    apiKeys: apis.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion })),
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1,
    finalizedFeatures: [],
    zkMigrationReady: false,
  };
}

function features(metadata: ClusterMetadata, version: number): Partial<Response> {
  return {
    // Clients of version 3 take a lowest level of 0 for an error (KAFKA-17011).
    supportedFeatures: FEATURES.filter(({ minLevel }) => version >= 4 || minLevel > 0).map(
      ({ name, minLevel, maxLevel }) => ({ name, minVersion: minLevel, maxVersion: maxLevel }),
    ),
    finalizedFeaturesEpoch: metadata.changes,
    finalizedFeatures: [...finalizedLevels(metadata)].map(([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    })),
  };
}
