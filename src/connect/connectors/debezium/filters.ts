// Which tables and columns are captured: lists of Java's regular expressions that match whole names, in either case of
// letters, of which one that includes excludes everything else.
import { JavaPattern, messageOf } from '../../../util/index.ts';
import { ConfigError } from '../../data/errors.ts';

/** Whether a name is captured. */
export type NameFilter = (name: string) => boolean;

/** Patterns of a list, each for whole names. Throws `ConfigError` that names the setting. */
export function patternsOf(setting: string, list: readonly string[] | null): JavaPattern[] {
  return (list ?? []).filter((text) => text !== '').map((text) => patternOf(setting, text));
}

/** One pattern, for whole names. */
export function patternOf(setting: string, text: string): JavaPattern {
  try {
    return JavaPattern.whole(`(?i)${text}`);
  } catch (error) {
    throw new ConfigError(`${setting}: ${JSON.stringify(text)} is no regular expression: ${messageOf(error)}`, error);
  }
}

/** What a pair of lists says: those that are included, or all but those that are excluded. */
export function nameFilter(
  setting: string,
  include: readonly string[] | null,
  exclude: readonly string[] | null,
): NameFilter {
  const [included, excluded] = [
    patternsOf(`${setting}.include.list`, include),
    patternsOf(`${setting}.exclude.list`, exclude),
  ];
  if (included.length > 0) return (name) => included.some((pattern) => pattern.test(name));
  return (name) => !excluded.some((pattern) => pattern.test(name));
}
