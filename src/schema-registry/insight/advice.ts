// Why a difference breaks readers, and what to change in the new schema: by kinds of differences, in either direction.
// The first rule whose pattern fits an error type counts.
//
// In the texts {at} is the place and {name} the end of its path, {keyword} the constraint and {constraints} how it is set on
// both sides, {info} what the language adds (missing symbols), {has} and {had} what the reader's and the writer's schema
// have there, {was} what the earlier version has there, {old} that version.

export interface Rule {
  readonly types: RegExp;
  /** Goes on after "… can't read records written with …". */
  readonly because: string;
  /** When the new schema is the reader's. */
  readonly asReader: string;
  /** When the new schema is the writer's. */
  readonly asWriter: string;
}

const SAME_TYPE = 'leave the type of {at} as it is in {old} ({was}), or put the new type into a new field';

const avro: readonly Rule[] = [
  {
    types: /^READER_FIELD_MISSING_DEFAULT_VALUE$/,
    because: 'which have no field `{name}`',
    asReader: 'give `{name}` a default, e.g. {default}',
    asWriter: 'keep `{name}` in the new schema: {old} has no default for it',
  },
  {
    types: /^TYPE_MISMATCH$/,
    because: 'where {at} is {had} instead of {has}',
    asReader: SAME_TYPE,
    asWriter: SAME_TYPE,
  },
  {
    types: /^MISSING_UNION_BRANCH$/,
    because: 'where {at} may be {had}, which is not among {has}',
    asReader: 'add the missing type to the union at {at}',
    asWriter: 'leave the new type out of {at} until every consumer has the new schema',
  },
  {
    types: /^MISSING_ENUM_SYMBOLS$/,
    because: 'where {at} may be one of {info}, which the reading schema does not know',
    asReader: 'keep the symbols {info}, or give the enum a "default" symbol for what it does not know',
    asWriter:
      'leave the symbols {info} out until every consumer has the new schema; had {old} an enum "default", they could be added',
  },
  {
    types: /^NAME_MISMATCH$/,
    because: 'where {at} is named {had} instead of {has}',
    asReader: 'keep the name, or list {had} under "aliases" of the new schema',
    asWriter: 'keep the name {has}',
  },
  {
    types: /^FIXED_SIZE_MISMATCH$/,
    because: 'where {at} has another size: {info}',
    asReader: 'keep the size, or use a new type (or "bytes") in a new field',
    asWriter: 'keep the size, or use a new type (or "bytes") in a new field',
  },
];

const NEW_NUMBER = 'keep the type that it has in {old}, and add the new one as a field with a new number';

const protobuf: readonly Rule[] = [
  {
    types: /^PACKAGE_CHANGED$/,
    because: 'whose messages are in the package {had} instead of {has}',
    asReader: 'keep the package, or register the file under a new subject',
    asWriter: 'keep the package, or register the file under a new subject',
  },
  {
    types: /^MESSAGE_REMOVED$/,
    because: 'which may be messages of the type {at}, which the reading schema lacks',
    asReader: 'keep the message {at}, if only without fields and marked as deprecated',
    asWriter: 'leave the message {at} out until every consumer has the new schema',
  },
  {
    types: /^FIELD_(KIND|SCALAR_KIND|NAMED_TYPE)_CHANGED$/,
    because: 'where {at} is {had} instead of {has}, which is another encoding',
    asReader: NEW_NUMBER,
    asWriter: NEW_NUMBER,
  },
  {
    types: /^FIELD_NUMERIC_LABEL_CHANGED$/,
    because: 'where {at} is {had} instead of {has}: single numbers and lists of numbers are encoded differently',
    asReader: NEW_NUMBER,
    asWriter: NEW_NUMBER,
  },
  {
    types: /^REQUIRED_FIELD_ADDED$/,
    because: 'which need not have the field {at}, and reading without it fails',
    asReader: 'make {at} optional',
    asWriter: 'keep {at} required: {old} insists on it',
  },
  {
    types: /^REQUIRED_FIELD_REMOVED$/,
    because: 'which have a required field {at} that the reading schema lacks',
    asReader: 'keep {at} in the new schema; make it optional first, and remove it in a later version',
    asWriter: 'make {at} optional in the new schema',
  },
  {
    types: /^ONEOF_FIELD_REMOVED$/,
    because: 'whose oneof may hold {at}, which would be lost without a trace',
    asReader: 'keep {at} in its oneof, marked as deprecated',
    asWriter: 'add {at} outside of the oneof, or once every consumer has the new schema',
  },
  {
    types: /^(MULTIPLE_FIELDS_MOVED_TO|FIELD_MOVED_TO_EXISTING)_ONEOF$/,
    because: 'which may have several of the fields that exclude each other in the oneof {at}',
    asReader: 'leave the fields out of the oneof {at}; one single field may go into a new oneof',
    asWriter: 'keep the fields of the oneof {at} together in it',
  },
];

const NOT_STRICTER = 'do not make {at} stricter: keep {keyword} as it is in {old}, or looser';
const STRICT_ENOUGH = 'do not make {at} looser: keep {keyword} as it is in {old}, or stricter';

const json: readonly Rule[] = [
  {
    types: /^RESERVED_PROPERTY_REMOVED$/,
    because: 'where {at} is reserved, and in the reading schema it no longer is',
    asReader: 'keep {at} in "confluent:reserved" of the metadata',
    asWriter: 'keep {at} in "confluent:reserved" of the metadata',
  },
  {
    types: /^RESERVED_PROPERTY_CONFLICTS/,
    because: 'since {at} is reserved, and the reading schema uses it',
    asReader: 'call the property {at} otherwise',
    asWriter: 'call the property {at} otherwise',
  },
  {
    types: /^REQUIRED_(PROPERTY|ATTRIBUTE)_ADDED/,
    because: 'which need not have the property {at}, and the reading schema requires it',
    asReader: 'leave {at} out of "required", or give it a "default"',
    asWriter: 'keep {at} in "required": {old} insists on it',
  },
  {
    types: /_ADDED_TO_OPEN_CONTENT_MODEL$/,
    because: 'which may hold anything at {at}: the writing schema is open ("additionalProperties" is not false)',
    asReader:
      'let {at} accept anything (the schema true), or put it where earlier records could not have something else',
    asWriter: 'keep {at} in the new schema, or close it with "additionalProperties": false',
  },
  {
    types: /_REMOVED_FROM_CLOSED_CONTENT_MODEL$/,
    because: 'which may have {at}, and the reading schema allows nothing that it does not list',
    asReader: 'keep {at}, or allow other properties ("additionalProperties": true)',
    asWriter: 'leave {at} out until every consumer has the new schema: {old} is closed',
  },
  {
    types: /_ADDED_NOT_COVERED/,
    because: 'whose schema allows other values at {at} than the reading schema accepts',
    asReader: 'let {at} accept all that "additionalProperties" or "patternProperties" of {old} allow',
    asWriter: 'keep {at} in the new schema as {old} has it',
  },
  {
    types: /_REMOVED_NOT_COVERED/,
    because: 'which may have {at}, whose values the reading schema does not accept for unlisted names',
    asReader: 'keep {at}, or widen "additionalProperties" or "patternProperties" so that they accept it',
    asWriter: 'leave {at} out, or let it hold only what {old} accepts for unlisted names',
  },
  {
    types: /^(TYPE_NARROWED|TYPE_CHANGED|COMBINED_TYPE_CHANGED|COMBINED_TYPE_SUBSCHEMAS_CHANGED)$/,
    because: 'where {at} may be {had}, which is not accepted as {has}',
    asReader: 'let {at} accept the old type as well, e.g. "oneOf" of both, or add a new property',
    asWriter: 'let {at} be only what {old} accepts ({was}), or add a new property',
  },
  {
    types: /^PRODUCT_TYPE_EXTENDED$/,
    because: 'where {at} need not fulfil all that "allOf" of the reading schema asks for',
    asReader: 'do not add schemas to "allOf" of {at}',
    asWriter: 'keep all schemas of "allOf" of {at}',
  },
  {
    types: /^SUM_TYPE_NARROWED$/,
    because: 'where {at} may be an alternative that the reading schema lacks',
    asReader: 'keep all alternatives of {at}',
    asWriter: 'leave the new alternative of {at} out until every consumer has the new schema',
  },
  {
    types: /^NOT_TYPE_EXTENDED$/,
    because: 'where {at} may be what "not" of the reading schema excludes',
    asReader: 'let "not" of {at} exclude no more than in {old}',
    asWriter: 'let "not" of {at} exclude no less than in {old}',
  },
  {
    types: /^(ADDITIONAL|UNEVALUATED)_(PROPERTIES|ITEMS)_(REMOVED|NARROWED)$/,
    because: 'which may have more in {at} than the reading schema lists, and there it is not allowed ({keyword})',
    asReader: 'keep {keyword} of {at} as open as in {old}',
    asWriter: 'close {at} in the new schema, too ({keyword})',
  },
  {
    types: /^ENUM_ARRAY_(NARROWED|CHANGED)$/,
    because: 'where {at} may be a value that is not among those of the reading schema',
    asReader: 'keep all the values that {at} has in {old}',
    asWriter: 'leave new values of {at} out until every consumer has the new schema',
  },
  {
    types: /^DEPENDENCY_/,
    because: 'where {at} may come without what the reading schema makes it depend on',
    asReader: 'do not make {at} depend on more than in {old}',
    asWriter: 'keep what {at} depends on in {old}',
  },
  {
    types: /^SCHEMA_ADDED$/,
    because: 'whose array {at} may hold anything, and the reading schema says what its items are',
    asReader: 'leave the items of {at} open, as they are in {old}',
    asWriter: 'say what the items of {at} are, as {old} does',
  },
  {
    types: /_(ADDED|INCREASED|DECREASED|CHANGED|EXPANDED|REDUCED)$/,
    because: 'where {at} need not fulfil {keyword} of the reading schema{constraints}',
    asReader: NOT_STRICTER,
    asWriter: STRICT_ENOUGH,
  },
];

const anyLanguage: readonly Rule[] = [
  {
    types: /^SCHEMA_TYPE_CHANGED$/,
    because: 'which are {had}, not {has}',
    asReader: 'keep the language of the subject: {was}',
    asWriter: 'keep the language of the subject: {was}',
  },
];

export const RULES = { AVRO: avro, PROTOBUF: protobuf, JSON: json, ANY: anyLanguage };
