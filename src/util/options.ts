// Options and arguments as callers write them, who may have no compiler beside them: each has a declaration of what it takes,
// and what is misspelt, of another type or out of range is refused where it is given, before it has done anything. The
// settings of services are declared in settings.ts; those are texts from files, these are values from code.
import { MillraceError } from './errors.ts';
import { nearestName } from './nearest-name.ts';

/** What an option takes. */
export interface Option {
  accepts(value: unknown): boolean;
  /** Completes "it must be …". */
  readonly wanted: string;
  /** Its value is shown to nobody, whatever it is. */
  readonly isSecret?: boolean;
}

export type OptionTable = Readonly<Record<string, Option>>;

export const anyText: Option = { accepts: (value) => typeof value === 'string', wanted: 'a text' };
export const someText: Option = {
  accepts: (value) => typeof value === 'string' && value !== '',
  wanted: 'a text that is not empty',
};
export const flag: Option = { accepts: (value) => typeof value === 'boolean', wanted: 'true or false' };
export const callback: Option = { accepts: (value) => typeof value === 'function', wanted: 'a function' };
export const anyValue: Option = { accepts: () => true, wanted: 'anything' };
export const listOfTexts: Option = {
  accepts: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  wanted: 'an array of texts',
};
export const textsByName: Option = {
  accepts: (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'string'),
  wanted: 'an object whose values are texts',
};

/** Numbers without a fraction; not NaN, not Infinity. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Option {
  return {
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    wanted: `a whole number ${max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`}`,
  };
}

export function oneOf(...values: readonly (string | number)[]): Option {
  const list = values.map((value) => JSON.stringify(value));
  return { accepts: (value) => values.includes(value as string), wanted: `one of ${list.join(', ')}` };
}

/** An object that has these methods. */
export function having(what: string, ...methods: readonly string[]): Option {
  return {
    accepts: (value) => isObject(value) && methods.every((name) => typeof value[name] === 'function'),
    wanted: what,
  };
}

/**
 * Refuses an object of options that holds what the table does not know, or takes otherwise; undefined counts as left out.
 * `what` begins the message: whose options they are.
 */
export function checkOptions(what: string, given: unknown, table: OptionTable, code = 'INVALID_ARGUMENT'): void {
  if (given === undefined) return;
  if (!isObject(given)) throw new MillraceError(code, `${what}: the options must be an object, not ${shown(given)}`);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (option === undefined) {
      const near = nearestName(name, Object.keys(table));
      const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
      throw new MillraceError(code, `${what} has no option "${name}".${hint}`);
    }
    checkValue(`${what}: ${name}`, value, option, code);
  }
}

/** Refuses one value. `what` names it in the message. */
export function checkValue(what: string, value: unknown, option: Option, code = 'INVALID_ARGUMENT'): void {
  if (!option.accepts(value)) {
    const instead = option.isSecret === true ? `a value of type ${typeof value}` : shown(value);
    throw new MillraceError(code, `${what} must be ${option.wanted}, not ${instead}`);
  }
}

const SHOWN_CHARACTERS = 60;

function shown(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'object' && value !== null
        ? Array.isArray(value)
          ? 'an array'
          : `an object (${value.constructor?.name ?? 'without a class'})`
        : typeof value === 'function'
          ? 'a function'
          : String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
