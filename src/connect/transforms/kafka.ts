// All of Kafka's own transformations, by the modules that have them.
import type { TransformationPlugin } from '../api/plugins.ts';
import { cast } from './cast.ts';
import { extractField, hoistField, replaceField, setSchemaMetadata, valueToKey } from './fields.ts';
import { flatten } from './flatten.ts';
import { dropHeaders, headerFrom, insertHeader } from './headers.ts';
import { insertField } from './insert-field.ts';
import { maskField } from './mask-field.ts';
import { filter, regexRouter, timestampRouter } from './routers.ts';
import { timestampConverter } from './timestamp-converter.ts';

/** Kafka's transformations. */
export const kafkaTransforms: readonly TransformationPlugin[] = [
  ...cast,
  dropHeaders,
  ...extractField,
  filter,
  ...flatten,
  ...headerFrom,
  ...hoistField,
  ...insertField,
  insertHeader,
  ...maskField,
  regexRouter,
  ...replaceField,
  ...setSchemaMetadata,
  ...timestampConverter,
  timestampRouter,
  valueToKey,
];
