// What stands for a match, in Java's language of replacements.

export interface Match {
  /** Where it begins and ends, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** What each group matched, the whole match first; undefined for a group that took no part. */
  readonly groups: readonly (string | undefined)[];
}

/**
 * As `Matcher.appendReplacement`: `$2` and `${name}` are groups (nothing when they took no part), with as many digits as
 * make the number of one, and a backslash takes a character as it is. A group that there isn't is an error.
 */
export function expanded({ groups }: Match, fresh: string, groupNames: ReadonlyMap<string, number>): string {
  return fresh.replace(
    /\\([\s\S])?|\$(?:(\d+)|\{(\w*)\})?/g,
    (all, escaped?: string, digits?: string, name?: string) => {
      if (all.startsWith('\\')) {
        if (escaped === undefined) throw new Error('The replacement ends with a backslash');
        return escaped;
      }
      if (name !== undefined) {
        const number = groupNames.get(name);
        if (number === undefined)
          throw new Error(`The replacement names the group ${name}, which the pattern does not have`);
        return groups[number] ?? '';
      }
      if (digits === undefined) throw new Error('The replacement has a $ that no group follows; write \\$');
      let length = 1;
      while (length < digits.length && Number(digits.slice(0, length + 1)) < groups.length) length++;
      const number = Number(digits.slice(0, length));
      if (number >= groups.length) throw new Error(`The replacement names group ${number} of ${groups.length - 1}`);
      return (groups[number] ?? '') + digits.slice(length);
    },
  );
}
