import type { CstElement, CstNode, IToken } from 'chevrotain';
import { assert } from '../../util/index.ts';
import type { Location } from './ast.ts';

// How the tree builder looks at Chevrotain's tree: children by name, as nodes or tokens.

export function nodes(cst: CstNode, name: string): CstNode[] {
  return (cst.children[name] ?? []).filter((child): child is CstNode => 'children' in child);
}

export function optionalNode(cst: CstNode, name: string): CstNode | undefined {
  return nodes(cst, name)[0];
}

export function node(cst: CstNode, name: string): CstNode {
  const found = optionalNode(cst, name);
  assert(found !== undefined, `${cst.name} has no ${name}`);
  return found;
}

export function tokens(cst: CstNode, name: string): IToken[] {
  return (cst.children[name] ?? []).filter((child): child is IToken => 'image' in child);
}

export function optionalToken(cst: CstNode, name: string): IToken | undefined {
  return tokens(cst, name)[0];
}

export function token(cst: CstNode, name: string): IToken {
  const found = optionalToken(cst, name);
  assert(found !== undefined, `${cst.name} has no token ${name}`);
  return found;
}

export function has(cst: CstNode, name: string): boolean {
  return cst.children[name] !== undefined;
}

/** The only child of a node that is one of several alternatives. */
export function onlyChild(cst: CstNode): CstElement {
  const found = Object.values(cst.children)[0]?.[0];
  assert(found !== undefined, `${cst.name} is empty`);
  return found;
}

export function locationOf(element: CstElement): Location {
  if ('image' in element) {
    return {
      line: element.startLine ?? 1,
      column: element.startColumn ?? 1,
      start: element.startOffset,
      end: (element.endOffset ?? element.startOffset) + 1,
    };
  }
  const at = element.location;
  return {
    line: at?.startLine ?? 1,
    column: at?.startColumn ?? 1,
    start: at?.startOffset ?? 0,
    end: (at?.endOffset ?? 0) + 1,
  };
}

/** A bare name folds to upper case, a quoted one stays as it is. */
export function nameOfToken(name: IToken): string {
  const quote = name.image[0];
  if (quote === '"' || quote === '`') return name.image.slice(1, -1).replaceAll(quote + quote, quote);
  return name.image.toUpperCase();
}

/** The text of a `name` rule. */
export function nameOf(cst: CstNode): string {
  return nameOfToken(onlyChild(cst) as IToken);
}

export function stringOf(literal: IToken): string {
  const image = literal.image;
  const text = image.slice(1, -1);
  return text.includes("''") ? text.replaceAll("''", "'") : text;
}
