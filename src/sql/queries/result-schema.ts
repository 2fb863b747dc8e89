import type { ResultColumn } from '../statements/entities.ts';
import { quoteName } from '../parser/print.ts';
import { typeText } from '../types.ts';

/** A result's columns as its header shows them: pull queries on tables mark the key's. */
export function columnsText(columns: readonly ResultColumn[], markKeys: boolean): string {
  return columns
    .map(({ name, type, isKey }) => `${quoteName(name)} ${typeText(type)}${markKeys && isKey ? ' KEY' : ''}`)
    .join(', ');
}
