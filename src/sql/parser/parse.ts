import { EOF, type IRecognitionException, type IToken, type TokenType } from 'chevrotain';
import type { Expression, ParsedStatement } from './ast.ts';
import { buildStatement } from './build-ast.ts';
import { buildExpression } from './build-expression.ts';
import { locationOf } from './cst.ts';
import { parseExpressionTokens, parseTokens } from './grammar.ts';
import { type SyntaxError, syntaxErrorAt } from './syntax-error.ts';
import { IntegerValue, isReserved, labelOf, tokenize } from './tokens.ts';

/**
 * Text to statements. A mistake in the grammar anywhere refuses the whole script; what a statement means is asked one by
 * one (`statement` is built when it is read), so that statements before a meaningless one have their effect.
 */
export function parseScript(text: string): ParsedStatement[] {
  const all = tokenize(text);
  const found: ParsedStatement[] = [];
  for (let start = 0; start < all.length; ) {
    let end = all.findIndex((token, i) => i >= start && token.tokenType.name === 'SEMICOLON');
    if (end < 0) end = all.length - 1;
    const tokens = all.slice(start, end + 1);
    const statementText = text.slice(tokens[0]!.startOffset, (tokens.at(-1)!.endOffset ?? 0) + 1);
    const { cst, error } = parseTokens(tokens);
    if (error !== undefined) throw explain(error, tokens, statementText);
    found.push({
      text: statementText,
      get statement() {
        return buildStatement(cst);
      },
    });
    start = end + 1;
  }
  return found;
}

/** Parses an expression alone. */
export function parseExpression(text: string): Expression {
  const tokens = tokenize(text);
  const { cst, error } = parseExpressionTokens(tokens);
  if (error !== undefined) throw explain(error, tokens, text);
  return buildExpression(cst);
}

function explain(error: IRecognitionException, tokens: IToken[], text: string): SyntaxError {
  const token = error.token.tokenType === EOF || error.token.image === '' ? tokens.at(-1)! : error.token;
  const at = locationOf(token);
  if (token === tokens[0] && token !== error.token) return syntaxErrorAt(at, 'Incomplete statement', text);
  if (token === tokens[0]) return syntaxErrorAt(at, `Unknown statement '${token.image}'`, text);
  const near = `Syntax error at or near '${token.image}' at line ${at.line}:${at.column}`;
  if (token !== error.token) return syntaxErrorAt(at, `${near}\nStatement is incomplete, or its ';' is missing`, text);
  if (isReserved(token.tokenType)) {
    const hint = `'${token.image}' is a reserved keyword: it can be used as an identifier only in double or back quotes`;
    return syntaxErrorAt(at, `${near}\n${hint}`, text);
  }
  const rules = error.context.ruleStack;
  const rule = rules.at(-1);
  if (rule === 'typeParameter') return syntaxErrorAt(at, `Expecting {'STRING', ${labelOf(IntegerValue)}}`, text);
  const expected = expectedToken(error);
  if (expected?.name === 'RPAREN') {
    const inList = rule === 'tableElements' || rule === 'withProperties';
    return syntaxErrorAt(at, inList ? "Expecting {',', ')'}" : `missing ')' at '${token.image}'`, text);
  }
  return syntaxErrorAt(at, expected === undefined ? near : `${near}\nExpecting ${labelOf(expected)}`, text);
}

/** Chevrotain tells which token was wanted only in its message. */
function expectedToken(error: IRecognitionException): TokenType | undefined {
  const wanted = /^Expecting token of type --> (\w+) </.exec(error.message)?.[1];
  return wanted === undefined ? undefined : { name: wanted };
}
