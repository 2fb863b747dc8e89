// The kinds of differences between two JSON Schemas, by the verdict on each: may a reader with the updated schema read
// what was written with the original one? Types that are in neither set never may.
import type { CompatibilityPolicy } from '../incompatibility.ts';

const SAFE = words(`
  ID_CHANGED DESCRIPTION_CHANGED TITLE_CHANGED DEFAULT_CHANGED SCHEMA_REMOVED TYPE_EXTENDED
  MAX_LENGTH_INCREASED MAX_LENGTH_REMOVED MIN_LENGTH_DECREASED MIN_LENGTH_REMOVED PATTERN_REMOVED
  MAXIMUM_INCREASED MAXIMUM_REMOVED MINIMUM_DECREASED MINIMUM_REMOVED EXCLUSIVE_MAXIMUM_INCREASED
  EXCLUSIVE_MAXIMUM_REMOVED EXCLUSIVE_MINIMUM_DECREASED EXCLUSIVE_MINIMUM_REMOVED MULTIPLE_OF_REDUCED
  MULTIPLE_OF_REMOVED
  REQUIRED_ATTRIBUTE_REMOVED REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED DEPENDENCY_ARRAY_NARROWED DEPENDENCY_ARRAY_REMOVED
  DEPENDENCY_SCHEMA_REMOVED MAX_PROPERTIES_INCREASED MAX_PROPERTIES_REMOVED MIN_PROPERTIES_DECREASED
  MIN_PROPERTIES_REMOVED ADDITIONAL_PROPERTIES_ADDED ADDITIONAL_PROPERTIES_EXTENDED UNEVALUATED_PROPERTIES_ADDED
  UNEVALUATED_PROPERTIES_EXTENDED
  PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL
  OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL
  PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  MAX_ITEMS_INCREASED MAX_ITEMS_REMOVED MIN_ITEMS_DECREASED MIN_ITEMS_REMOVED MAX_CONTAINS_INCREASED
  MAX_CONTAINS_REMOVED MIN_CONTAINS_DECREASED MIN_CONTAINS_REMOVED UNIQUE_ITEMS_REMOVED ADDITIONAL_ITEMS_ADDED
  ADDITIONAL_ITEMS_EXTENDED UNEVALUATED_ITEMS_ADDED UNEVALUATED_ITEMS_EXTENDED
  ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL ITEM_ADDED_TO_CLOSED_CONTENT_MODEL
  ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL
  ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  ENUM_ARRAY_EXTENDED COMBINED_TYPE_EXTENDED PRODUCT_TYPE_NARROWED SUM_TYPE_EXTENDED NOT_TYPE_NARROWED`);

/** Safe as long as nobody sends properties that the schema does not list. */
const SAFE_WITH_KNOWN_PROPERTIES = words(`
  ADDITIONAL_PROPERTIES_NARROWED ADDITIONAL_PROPERTIES_REMOVED UNEVALUATED_PROPERTIES_NARROWED
  UNEVALUATED_PROPERTIES_REMOVED REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL
  OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL
  PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL
  PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`);

const ACCEPTED: Readonly<Record<CompatibilityPolicy, ReadonlySet<string>>> = {
  STRICT: new Set(SAFE),
  LENIENT: new Set([...SAFE, ...SAFE_WITH_KNOWN_PROPERTIES]),
};

export function isAcceptable(type: string, policy: CompatibilityPolicy): boolean {
  return ACCEPTED[policy].has(type);
}

/** What each difference means, for the one who is refused. The first pattern that fits counts. */
const DESCRIPTIONS: readonly (readonly [RegExp, string])[] = [
  [/^RESERVED_PROPERTY_REMOVED$/, 'is reserved in the {writer} schema, but not in the {reader} schema'],
  [/^RESERVED_PROPERTY_CONFLICTS/, 'is reserved, but the {reader} schema has a property of that name'],
  [/^REQUIRED_PROPERTY_ADDED/, 'is required in the {reader} schema and unknown to the {writer} schema'],
  [
    /_ADDED_TO_OPEN_CONTENT_MODEL$/,
    'is constrained in the {reader} schema, and may hold anything in the {writer} schema, which is open',
  ],
  [
    /_REMOVED_FROM_CLOSED_CONTENT_MODEL$/,
    'is in the {writer} schema, and not allowed in the {reader} schema, which is closed',
  ],
  [/_ADDED_NOT_COVERED/, 'does not accept in the {reader} schema what the partially open {writer} schema allows'],
  [
    /_REMOVED_NOT_COVERED/,
    'is in the {writer} schema, and what the partially open {reader} schema allows does not cover it',
  ],
  [/^TYPE_NARROWED$/, 'has a narrower type in the {reader} schema than in the {writer} schema'],
  [/^(COMBINED_)?TYPE_CHANGED$/, 'has another type in the {reader} schema than in the {writer} schema'],
  [
    /^COMBINED_TYPE_SUBSCHEMAS_CHANGED$/,
    'combines schemas in the {reader} schema that do not accept those of the {writer} schema',
  ],
  [/^PRODUCT_TYPE_EXTENDED$/, 'must fulfil more schemas in the {reader} schema than in the {writer} schema'],
  [/^SUM_TYPE_NARROWED$/, 'has fewer alternatives in the {reader} schema than in the {writer} schema'],
  [/^NOT_TYPE_EXTENDED$/, 'excludes more in the {reader} schema than in the {writer} schema'],
  [/^(ADDITIONAL|UNEVALUATED)_\w+_REMOVED$/, 'is not allowed in the {reader} schema, but is in the {writer} schema'],
  [/_ADDED$/, 'is in the {reader} schema, but not in the {writer} schema'],
  [/_(INCREASED|EXTENDED|EXPANDED)$/, 'is more in the {reader} schema than in the {writer} schema'],
  [/_(DECREASED|NARROWED)$/, 'is less in the {reader} schema than in the {writer} schema'],
  [/_REMOVED$/, 'is in the {writer} schema, but not in the {reader} schema'],
  [/_CHANGED$/, 'differs between the {reader} schema and the {writer} schema'],
];

export function describe(type: string, path: string): string {
  const [, meaning] = DESCRIPTIONS.find(([pattern]) => pattern.test(type)) ?? [];
  return `What is at path '${path}' ${meaning ?? 'differs between the {reader} schema and the {writer} schema'}`;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
