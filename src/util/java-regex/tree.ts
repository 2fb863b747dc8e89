// A regular expression of Java's, understood: what the two engines are told in their own words.
import type { CodePoints } from './code-points.ts';

export type Node =
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'capture'; readonly number: number; readonly body: Node }
  | {
      readonly kind: 'repeat';
      readonly body: Node;
      readonly min: number;
      /** Infinity when there is no end. */
      readonly max: number;
      readonly mode: 'greedy' | 'lazy' | 'possessive';
    }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'look'; readonly ahead: boolean; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'backreference'; readonly number: number; readonly ignoreCase: boolean }
  | { readonly kind: 'boundary'; readonly negative: boolean }
  /** `^` and `\A`; with `lines`, behind a line's end as well, but not at the end of the text. */
  | { readonly kind: 'start'; readonly lines: boolean; readonly terminators: CodePoints }
  /**
   * `$`, `\Z` and `\z`: at the end of the text; `beforeLast` also before a line's end that ends the text, `lines` before
   * every line's end.
   */
  | { readonly kind: 'end'; readonly where: 'text' | 'beforeLast' | 'lines'; readonly terminators: CodePoints };

export interface Parsed {
  readonly node: Node;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
  /** `\G`: a match begins where the last one ended, or not at all. */
  readonly isSticky: boolean;
}
