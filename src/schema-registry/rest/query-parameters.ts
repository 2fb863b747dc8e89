// The parameters of queries, each told once. A route sees those that it declares and no others.
import type { QueryParameter } from '../../rim/index.ts';

const flag = (description: string): QueryParameter => ({ type: 'boolean', description });
const text = (description: string): QueryParameter => ({ type: 'string', description });
const number = (description: string): QueryParameter => ({ type: 'integer', description });

export const queryParameters = {
  aliases: flag('Each schema with the aliases of its subject.'),
  contextPrefix: text('Only contexts whose names begin so.'),
  defaultToGlobal: flag('What holds for the subject, also when it has nothing of its own.'),
  deleted: flag('Softly deleted ones as well.'),
  deletedAsNegative: flag('Softly deleted versions as well, as negative numbers.'),
  deletedOnly: flag('Only softly deleted ones.'),
  dryRun: flag('Registers nothing, and answers what would happen.'),
  explain: flag('Says why the schema is not compatible, and what would help.'),
  fetchMaxId: flag('With the highest id there is.'),
  findTags: { ...text('Only elements with this tag; `*` is any.'), isRepeated: true },
  force: flag('Also where a check would refuse it.'),
  format: text('The form of the schema: `resolved` for Avro; `serialized` or `ignore_extensions` for Protobuf.'),
  from: text('The earlier version; default: the one before `to`.'),
  key: { ...text('A metadata property; its value is the `value` at the same place.'), isRepeated: true },
  latestOnly: flag('Only the latest version of each subject.'),
  limit: number('How many, at most; negative, as by default, is all.'),
  normalize: flag('Schemas that differ only in their spelling are the same.'),
  offset: number('How many to leave out at the beginning; 0 by default.'),
  permanent: flag('For good; what is deleted so was softly deleted before.'),
  recursive: flag('Also the modes of the subjects in it.'),
  ruleType: text('Only schemas with a rule of this type.'),
  subject: text('Only in this subject.'),
  subjectPrefix: text('Only subjects whose names begin so; `:*:` is every context.'),
  to: text('The later version; `latest` by default.'),
  value: { ...text('The value of the `key` at the same place.'), isRepeated: true },
  verbose: flag('Says what is not compatible.'),
} as const satisfies Readonly<Record<string, QueryParameter>>;

export type QueryName = keyof typeof queryParameters;

/** Those of lists. */
export const PAGE = ['offset', 'limit'] as const satisfies readonly QueryName[];
