import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int64, string } from '../schema.ts';

/**
 * Which versions a broker speaks; the first request on a connection. Its response header never has a tag buffer, and a
 * version that the broker doesn't know is answered in version 0.
 */
export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string().since(3).ignorable(),
    clientSoftwareVersion: string().since(3).ignorable(),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32().since(1).ignorable(),
    supportedFeatures: array({
      name: string(),
      minVersion: int16(),
      maxVersion: int16(),
    })
      .since(3)
      .tagged(0)
      .ignorable(),
    finalizedFeaturesEpoch: int64().since(3).default(-1).tagged(1).ignorable(),
    finalizedFeatures: array({
      name: string(),
      maxVersionLevel: int16(),
      minVersionLevel: int16(),
    })
      .since(3)
      .tagged(2)
      .ignorable(),
    zkMigrationReady: bool().since(3).tagged(3).ignorable(),
  },
});
