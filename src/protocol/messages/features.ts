// The levels of features that a cluster has agreed on (KIP-584).
import { defineApi } from '../api.ts';
import { array, bool, int16, int32, int8, string } from '../schema.ts';

/** How a level may change. */
export const FeatureUpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const;

export const updateFeatures = defineApi({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    timeoutMs: int32().default(60_000),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool().until(0),
      upgradeType: int8().since(1).default(FeatureUpgradeType.upgrade),
    }),
    validateOnly: bool().since(1),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    results: array({
      feature: string(),
      errorCode: int16(),
      errorMessage: string().nullable(),
    })
      .until(1)
      .ignorable(),
  },
});
