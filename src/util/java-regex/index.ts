// Java's regular expressions (`java.util.regex`, Java 17): what Kafka's and ksqlDB's users write, with Java's results.
//
// The life of a match: the pattern is read once into a tree (`parse.ts`) and told to an engine in its own words
// (`print.ts`). JavaScript's engine is the fastest, but goes back, for longer than anybody waits when a pattern or a text
// is hostile; so it is asked directly only when the steps that it may take are bounded (`cost.ts`). Else RE2 is asked,
// which needs a step per character. What neither is good for (look-around, back-references, atomic groups over long
// texts) runs in JavaScript's engine under a watchdog.
//
// Other than in Java: a back-reference to a group that took no part matches nothing instead of failing, and a group inside
// a repetition forgets what it matched in an earlier turn, where RE2 can't be asked.
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';
import type { RE2JS } from 're2js';
import { MillraceError } from '../errors.ts';
import { CodePoints } from './code-points.ts';
import { stepsAtMost } from './cost.ts';
import { parsePattern } from './parse.ts';
import { type InRe2, inJavaScript, inRe2, type TextCondition } from './print.ts';
import { expanded, type Match } from './replacement.ts';
import type { Node, Parsed } from './tree.ts';

export { PatternSyntaxError } from './parse.ts';
export type { Match } from './replacement.ts';

/** Steps of JavaScript's engine, about 10 ms. */
const DIRECT_STEPS_MAX = 1_000_000;
/** How long one match may take of what can only go back. */
const WATCHDOG_MS = 1000;
const PATTERNS_MAX = 1000;

/** A compiled pattern. Immutable, so that all who use the same text share it. */
export class JavaPattern {
  static readonly #known = new Map<string, JavaPattern>();
  readonly pattern: string;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  readonly #stepsAtMost: (length: number) => number;
  readonly #forgetsGroups: boolean;
  readonly #direct: RegExp;
  readonly #directGroups: readonly number[];
  readonly #inRe2: InRe2 | undefined;
  #re2: Re2 | undefined | 'not yet' = 'not yet';

  /** Finds the pattern anywhere in a text. Throws a PatternSyntaxError. */
  static of(pattern: string): JavaPattern {
    return JavaPattern.#sharedOf(pattern, `find ${pattern}`, (parsed) => parsed);
  }

  /** Matches whole texts only, as `String.matches` does. Throws a PatternSyntaxError. */
  static whole(pattern: string): JavaPattern {
    return JavaPattern.#sharedOf(pattern, `whole ${pattern}`, (parsed) => ({
      ...parsed,
      node: wholeText(parsed.node),
    }));
  }

  static #sharedOf(pattern: string, key: string, change: (parsed: Parsed) => Parsed): JavaPattern {
    let known = JavaPattern.#known.get(key);
    if (known === undefined) {
      known = new JavaPattern(pattern, change(parsePattern(pattern)));
      if (JavaPattern.#known.size >= PATTERNS_MAX) JavaPattern.#known.clear();
      JavaPattern.#known.set(key, known);
    }
    return known;
  }

  private constructor(pattern: string, parsed: Parsed) {
    this.pattern = pattern;
    this.groupCount = parsed.groups;
    this.groupNames = parsed.names;
    this.#stepsAtMost = stepsAtMost(parsed.node);
    this.#forgetsGroups = capturesRepeatedly(parsed.node, false);
    const { source, groups } = inJavaScript(parsed);
    this.#direct = new RegExp(source, parsed.isSticky ? 'yu' : 'gu');
    this.#directGroups = groups;
    this.#inRe2 = inRe2(parsed);
  }

  /**
   * The first match that begins at `from` (in UTF-16 units) or behind it. Throws `REGEX_TAKES_TOO_LONG` when it takes longer
   * than anybody should wait.
   */
  exec(text: string, from = 0): Match | undefined {
    const isLinear = this.#inRe2 !== undefined && fits(text, this.#inRe2.condition);
    const isCheap = this.#stepsAtMost(text.length - from) <= DIRECT_STEPS_MAX;
    if (isLinear && !(isCheap && !this.#forgetsGroups)) {
      if (this.#re2 === 'not yet') this.#re2 = compiled(this.#inRe2.source);
      if (this.#re2 !== undefined) return re2Match(this.#re2, text, from);
    }
    this.#direct.lastIndex = from;
    return this.#matchOf(isCheap ? this.#direct.exec(text) : this.#watched(text));
  }

  /** All matches, one behind the other; an empty one moves on by a character. */
  *matches(text: string): Iterable<Match> {
    let from = 0;
    while (from <= text.length) {
      const match = this.exec(text, from);
      if (match === undefined) return;
      yield match;
      from = match.end > match.start ? match.end : match.end + (text.codePointAt(match.end)! > 0xffff ? 2 : 1);
    }
  }

  test(text: string): boolean {
    return this.exec(text) !== undefined;
  }

  /** What a replacement (`Matcher.appendReplacement`) is for a match. Throws an `Error` for a group that there isn't. */
  expand(match: Match, replacement: string): string {
    return expanded(match, replacement, this.groupNames);
  }

  #matchOf(found: RegExpExecArray | null): Match | undefined {
    if (found === null) return undefined;
    return {
      start: found.index,
      end: found.index + found[0].length,
      groups: this.#directGroups.map((place) => found[place]),
    };
  }

  #watched(text: string): RegExpExecArray | null {
    watched ??= {
      context: createContext(Object.create(null) as Record<string, unknown>),
      script: new Script('regex.exec(text)'),
    };
    Object.assign(watched.context, { regex: this.#direct, text });
    try {
      return watched.script.runInContext(watched.context, { timeout: WATCHDOG_MS }) as RegExpExecArray | null;
    } catch (error) {
      throw new MillraceError(
        'REGEX_TAKES_TOO_LONG',
        `The regular expression ${this.pattern} takes longer than ${WATCHDOG_MS} ms for a text of ${text.length} characters: write it without nested repetitions, look-around and back-references`,
        { cause: error },
      );
    }
  }
}

type Re2 = ReturnType<typeof RE2JS.compile>;

let engine: typeof RE2JS | undefined;
let watched: { readonly context: Record<string, unknown>; readonly script: Script } | undefined;

function wholeText(node: Node): Node {
  const terminators = CodePoints.in('\n');
  return {
    kind: 'sequence',
    parts: [{ kind: 'start', lines: false, terminators }, node, { kind: 'end', where: 'text', terminators }],
  };
}

/** Undefined when the pattern is too large for RE2 (it counts to 1,000). */
function compiled(source: string): Re2 | undefined {
  try {
    // Loaded when it is needed first, so that a start doesn't wait for it.
    engine ??= (createRequire(import.meta.url)('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
    return engine.compile(source);
  } catch {
    return undefined;
  }
}

function re2Match(engine: Re2, text: string, from: number): Match | undefined {
  const matcher = engine.matcher(text);
  if (!matcher.find(from)) return undefined;
  return {
    start: matcher.start(),
    end: matcher.end(),
    groups: Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined),
  };
}

function fits(text: string, { ascii, noLastTerminator, plainLines }: Readonly<TextCondition>): boolean {
  if (ascii && /[^\0-\x7f]/.test(text)) return false;
  if (noLastTerminator && /[\n\r\u0085\u2028\u2029]$/.test(text)) return false;
  return !plainLines || (text !== '' && !/[\r\u0085\u2028\u2029]|\n$/.test(text));
}

/** Whether a group stands inside a repetition: JavaScript's engine forgets it with every turn. */
function capturesRepeatedly(node: Node, isRepeated: boolean): boolean {
  switch (node.kind) {
    case 'capture':
      return isRepeated || capturesRepeatedly(node.body, false);
    case 'repeat':
      return capturesRepeatedly(node.body, isRepeated || node.max > 1);
    case 'atomic':
    case 'look':
      return capturesRepeatedly(node.body, isRepeated);
    case 'sequence':
      return node.parts.some((part) => capturesRepeatedly(part, isRepeated));
    case 'choice':
      return node.options.some((option) => capturesRepeatedly(option, isRepeated));
    default:
      return false;
  }
}
