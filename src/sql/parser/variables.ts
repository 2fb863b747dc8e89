// Variables of a session: `${name}` stands for a text. Inside of quotes the text becomes part of what is quoted; elsewhere it
// is SQL, and parsed as such.
import type { IToken } from 'chevrotain';
import { QuotedIdentifier, StringLiteral, Variable } from './tokens.ts';

/** Texts by the names of variables. */
export type Variables = ReadonlyMap<string, string>;

export const NO_VARIABLES: Variables = new Map();

const REFERENCE = /\$\{(\w+)\}/g;

const isQuoted = ({ tokenType }: IToken): boolean => tokenType === StringLiteral || tokenType === QuotedIdentifier;

/** Whether there is something in a statement that may be a variable. */
export function hasVariables(tokens: readonly IToken[]): boolean {
  return tokens.some(
    (token) => token.tokenType === Variable || (isQuoted(token) && token.image.search(REFERENCE) >= 0),
  );
}

/** The text of a statement with its variables replaced; those that nobody defined stay as they are. */
export function substituted(text: string, tokens: readonly IToken[], variables: Variables): string {
  let result = '';
  let end = tokens[0]!.startOffset;
  for (const token of tokens) {
    const quote = isQuoted(token) ? token.image[0]! : undefined;
    const image = token.image.replace(REFERENCE, (reference, name: string) => {
      const value = variables.get(name) ?? reference;
      return quote === undefined ? value : value.replaceAll(quote, quote + quote);
    });
    result += text.slice(end, token.startOffset) + image;
    end = token.startOffset + token.image.length;
  }
  return result;
}
