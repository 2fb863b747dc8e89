/**
 * ApiVersions: which APIs there are, in which versions, and which features are finalized.
 *
 * * 0: the list of APIs, from the handlers that there are. A version that is not known is answered in version 0 with
 *   UNSUPPORTED_VERSION and the versions of ApiVersions itself (KIP-511), so that the client can ask again.
 * * 3: the client's name and version, of letters, digits, `-` and `.`; others are refused with INVALID_REQUEST. Features:
 *   `group.version` 1 (KIP-848) and `transaction.version` 2 (KIP-890).
 *
 * Not done: `metadata.version`; features can't be changed.
 */
import { type AnyApi, apiVersions, ErrorCode, type ResponseOf } from '../../protocol/index.ts';
import type { Handler } from './handler.ts';
import { on } from './handler.ts';

type Response = ResponseOf<typeof apiVersions>;

const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
/** What we finalize: groups in the consumer protocol (KIP-848), transactions in their second version (KIP-890). */
const FEATURES = [
  { name: 'group.version', version: 1 },
  { name: 'transaction.version', version: 2 },
] as const;

export const FINALIZED_FEATURES: ReadonlyMap<string, number> = new Map(
  FEATURES.map(({ name, version }) => [name, version]),
);

/** Tells which APIs there are, from the handlers that there are. */
export function handleApiVersions(handlers: () => readonly Handler[]): Handler {
  return on(apiVersions, (request, { version }): Response => {
    const isNamed =
      version < 3 ||
      (SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion));
    if (!isNamed) return { ...offered([]), errorCode: ErrorCode.INVALID_REQUEST };
    return offered(handlers().map(({ api }) => api));
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
    supportedFeatures: FEATURES.map(({ name, version }) => ({ name, minVersion: 0, maxVersion: version })),
    finalizedFeaturesEpoch: 0,
    finalizedFeatures: FEATURES.map(({ name, version }) => ({
      name,
      maxVersionLevel: version,
      minVersionLevel: version,
    })),
    zkMigrationReady: false,
  };
}
