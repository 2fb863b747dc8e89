/**
 * UpdateFeatures (KIP-584): the levels of features, raised, lowered or (0) switched off by an operator.
 *
 * * 0: `allowDowngrade`. 1: what kind of change is meant, which has to agree with the change; `validateOnly`. 2: one error for all.
 * * All updates of a request are made, or none: the first that can't be is told, with INVALID_UPDATE_VERSION.
 *
 * Not done: `metadata.version` and `kraft.version`, as there is no KRaft log; they are refused as unknown.
 */
import { ErrorCode, FeatureUpgradeType, type RequestOf, updateFeatures } from '../../protocol/index.ts';
import { codeOf, messageOf, MillraceError } from '../../util/index.ts';
import { FEATURES, type Feature, finalizedLevel } from '../features.ts';
import type { ClusterMetadata } from '../metadata/cluster-metadata.ts';
import { errorCodeOf } from './error-code.ts';
import { on } from './handler.ts';

const KNOWN_TYPES: readonly number[] = Object.values(FeatureUpgradeType);

type Update = RequestOf<typeof updateFeatures>['featureUpdates'][number];

export const handleUpdateFeatures = on(updateFeatures, ({ featureUpdates, validateOnly }, { core, version }) => {
  const answer = (errorCode: number, errorMessage: string | null) => ({
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    // Only where all went well.
    results:
      version >= 2 || errorCode !== ErrorCode.NONE
        ? []
        : featureUpdates.map(({ feature }) => ({ feature, errorCode, errorMessage })),
  });
  try {
    const levels = Object.fromEntries(
      featureUpdates.map((update) => [update.feature, checkedLevel(core.metadata, update, version)]),
    );
    if (!validateOnly && featureUpdates.length > 0) {
      core.metadata.change({ features: { ...core.metadata.current.features, ...levels } });
    }
    return answer(ErrorCode.NONE, null);
  } catch (error) {
    if (codeOf(error) !== 'INVALID_UPDATE_VERSION') return answer(errorCodeOf(error), messageOf(error));
    const what = 'The update failed for all features since the following feature had an error';
    return answer(errorCodeOf(error), `${what}: ${messageOf(error)}`);
  }
});

/** The new level of a feature; refuses one that can't be. */
function checkedLevel(metadata: ClusterMetadata, update: Update, version: number): number {
  const { feature: name, maxVersionLevel: level } = update;
  const refused = (why: string): MillraceError =>
    new MillraceError('INVALID_UPDATE_VERSION', `Invalid update version ${level} for feature ${name}. ${why}`);
  const feature: Feature | undefined = FEATURES.find((known) => known.name === name);
  if (feature === undefined) throw refused('This broker does not support this feature.');
  const { minLevel, maxLevel } = feature;
  if (level < 0) throw refused('A feature version cannot be less than 0.');
  if (version > 0 && !KNOWN_TYPES.includes(update.upgradeType)) throw refused('There is no such upgrade type.');
  if (level !== 0 && (level < minLevel || level > maxLevel)) {
    throw refused(`This broker only supports versions ${minLevel}-${maxLevel}`);
  }
  const present = finalizedLevel(metadata, feature);
  const lowers = mayLower(update, version);
  if (level < present && !lowers) {
    throw refused(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    );
  }
  if (level > present && lowers) throw refused("Can't downgrade to a newer version.");
  return level;
}

function mayLower({ allowDowngrade, upgradeType }: Update, version: number): boolean {
  return version === 0 ? allowDowngrade : upgradeType !== FeatureUpgradeType.upgrade;
}
