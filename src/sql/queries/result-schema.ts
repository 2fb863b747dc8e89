import type { ResultColumn } from '../statements/entities.ts';
import { quoteName } from '../parser/print.ts';
import { typeText } from '../types.ts';

/** A result's columns as its header shows them: pull queries on tables mark the key's and the headers'. */
export function columnsText(columns: readonly ResultColumn[], markKeys: boolean): string {
  return columns
    .map(({ name, type, isKey, header }) => {
      const mark = !markKeys ? '' : isKey ? ' KEY' : header === undefined ? '' : ` ${header}`;
      return `${quoteName(name)} ${typeText(type)}${mark}`;
    })
    .join(', ');
}
