// `ssl.principal.mapping.rules`: which user the name in a certificate is. The first rule that matches all of the name says it.
import { JavaPattern, messageOf, MillraceError } from '../../util/index.ts';

/** The user's name; undefined when no rule is about the certificate's. */
export type PrincipalRules = (certificateName: string) => string | undefined;

const RULE = /^\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,|$)/;

/** `RULE:pattern/replacement/[LU]` and `DEFAULT`, separated by commas. Throws `INVALID_CONFIG`. */
export function principalRules(text: string): PrincipalRules {
  const rules: PrincipalRules[] = [];
  for (let rest = text; rest.trim() !== ''; ) {
    const match = RULE.exec(rest);
    if (match === null) throw invalid(rest, 'it is DEFAULT or RULE:pattern/replacement/[LU]');
    const [whole, isDefault, pattern = '', replacement = '', letterCase] = match;
    rules.push(isDefault === undefined ? ruleOf(pattern, replacement, letterCase) : (name) => name);
    rest = rest.slice(whole.length);
  }
  return (name) => {
    for (const rule of rules) {
      const user = rule(name);
      if (user !== undefined) return user;
    }
    return undefined;
  };
}

function ruleOf(text: string, replacement: string, letterCase: string | undefined): PrincipalRules {
  let whole: JavaPattern;
  let anywhere: JavaPattern;
  try {
    whole = JavaPattern.whole(text);
    anywhere = JavaPattern.of(text);
  } catch (error) {
    throw invalid(text, messageOf(error));
  }
  // What refers to a group that there isn't stands for itself.
  const isGroup = (digits: string): boolean => anywhere.groupCount === 0 || Number(digits[0]) <= anywhere.groupCount;
  const own = replacement.replace(/\$(\d+)/g, (all, digits: string) => (isGroup(digits) ? all : `\\${all}`));
  return (name) => {
    if (!whole.test(name)) return undefined;
    // As Java's replaceAll: a pattern that also matches nothing does so once more at the end.
    const user = [...anywhere.matches(name)].map((match) => anywhere.expand(match, own)).join('');
    if (letterCase === 'L') return user.toLowerCase();
    return letterCase === 'U' ? user.toUpperCase() : user;
  };
}

function invalid(rule: string, why: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', `"ssl.principal.mapping.rules" has "${rule}": ${why}.`);
}
