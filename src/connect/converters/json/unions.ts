// Unions in JSON Schema: structs of which one field has a value, named as Confluent's mapping names them.
import type { Schema } from '../../data/schema.ts';

export const UNION = 'io.confluent.connect.json.OneOf';
/** The same in `generalized.sum.type.support`, where Avro and Protobuf have them alike. */
export const GENERAL_UNION = 'connect_union';

/** Whether a struct stands for a union. */
export function isUnion({ name }: Schema): boolean {
  return name !== undefined && (name === UNION || name.startsWith(GENERAL_UNION));
}

/** The field that stands for a branch. */
export function unionField(index: number, isGeneral: boolean): string {
  return isGeneral ? `${GENERAL_UNION}_field_${index}` : `${UNION}.field.${index}`;
}
