import { EOF, type IRecognitionException, type IToken, type TokenType } from 'chevrotain';
import type { Expression, ParsedStatement } from './ast.ts';
import { buildStatement } from './build-ast.ts';
import { buildExpression } from './build-expression.ts';
import { locationOf } from './cst.ts';
import { parseExpressionTokens, parseTokens } from './grammar.ts';
import { type SyntaxError, syntaxErrorAt } from './syntax-error.ts';
import { Identifier, IntegerValue, isReserved, labelOf, type ParserLimits, tokenize, Variable } from './tokens.ts';
import { didYouMean } from '../../util/index.ts';
import { OTHER_WORDS, RESERVED_WORDS } from './words.ts';
import { hasVariables, NO_VARIABLES, substituted, type Variables } from './variables.ts';

const USUAL_LIMITS: ParserLimits = { tokens: 100_000, nesting: 100 };

/** A statement of a script, which is read when the variables are known that it names. */
export interface ScriptStatement {
  parse(variables: Variables): ParsedStatement;
}

/**
 * Text to statements. A mistake in the grammar anywhere refuses the whole script, but in statements with variables, which
 * are parsed one by one; what a statement means is asked one by one, too (`statement` is built when it is read), so that
 * statements before a meaningless one have their effect.
 */
export function splitScript(text: string, limits: ParserLimits = USUAL_LIMITS): ScriptStatement[] {
  const found: ScriptStatement[] = [];
  let tokens: IToken[] = [];
  const end = (): void => {
    found.push(scriptStatement(text, tokens, limits));
    tokens = [];
  };
  for (const token of tokenize(text, limits)) {
    tokens.push(token);
    if (token.tokenType.name === 'SEMICOLON') end();
  }
  if (tokens.length > 0) end();
  return found;
}

/** The statements of a script without variables. */
export function parseScript(text: string): ParsedStatement[] {
  return splitScript(text).map((statement) => statement.parse(NO_VARIABLES));
}

function scriptStatement(text: string, tokens: IToken[], limits: ParserLimits): ScriptStatement {
  if (!hasVariables(tokens)) {
    const parsed = parseStatement(text, tokens);
    return { parse: () => parsed };
  }
  return {
    parse(variables) {
      const statement = substituted(text, tokens, variables);
      // What a variable stands for may be part of a statement, but not another one.
      return parseStatement(statement, [...tokenize(statement, limits)]);
    },
  };
}

function parseStatement(text: string, tokens: IToken[]): ParsedStatement {
  const statementText = text.slice(tokens[0]!.startOffset, (tokens.at(-1)!.endOffset ?? 0) + 1);
  const { cst, error } = withinStack(tokens, statementText, () => parseTokens(tokens));
  if (error !== undefined) throw explain(error, tokens, statementText);
  return {
    text: statementText,
    get statement() {
      return withinStack(tokens, statementText, () => buildStatement(cst));
    },
  };
}

/** What nests without brackets (types, NOT, CASE) is found to do so when there is no room left. */
function withinStack<T>(tokens: readonly IToken[], text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // The parser's own tables may be the first to notice.
    if (error instanceof RangeError)
      throw syntaxErrorAt(locationOf(tokens[0]!), 'The statement nests too deeply', text);
    throw error;
  }
}

/** Parses an expression alone. */
export function parseExpression(text: string): Expression {
  const tokens = [...tokenize(text, USUAL_LIMITS)];
  const { cst, error } = parseExpressionTokens(tokens);
  if (error !== undefined) throw explain(error, tokens, text);
  return buildExpression(cst);
}

/** Words that statements begin with. */
const BEGINNINGS: readonly string[] =
  'CREATE INSERT DROP SELECT SHOW LIST DESCRIBE EXPLAIN PRINT TERMINATE PAUSE RESUME SET UNSET DEFINE UNDEFINE ASSERT ALTER'.split(
    ' ',
  );
const WORDS: readonly string[] = [
  ...RESERVED_WORDS,
  ...OTHER_WORDS,
  'VARCHAR',
  'STRING',
  'BIGINT',
  'BOOLEAN',
  'DOUBLE',
];

/** The keyword that a name was probably meant to be: the one that can't stand here, or the one before, taken for an alias. */
function keywordHint(token: IToken, tokens: readonly IToken[]): string {
  const known = token === tokens[0] ? BEGINNINGS : WORDS;
  const before = tokens[tokens.indexOf(token) - 1];
  for (const each of before === undefined ? [token] : [token, before]) {
    const isWord = each.tokenType === Identifier && !WORDS.includes(each.image.toUpperCase());
    const hint = isWord ? didYouMean(each.image.toUpperCase(), known) : '';
    if (hint !== '') return hint;
  }
  return '';
}

function explain(error: IRecognitionException, tokens: IToken[], text: string): SyntaxError {
  const token = error.token.tokenType === EOF || error.token.image === '' ? tokens.at(-1)! : error.token;
  const refusal = (what: string): SyntaxError =>
    syntaxErrorAt(locationOf(token), what, text, keywordHint(token, tokens));
  if (token === tokens[0] && token !== error.token) return refusal('Incomplete statement');
  if (token === tokens[0]) return refusal(`Unknown statement '${token.image}'`);
  const { line, column } = locationOf(token);
  const near = `Syntax error at or near '${token.image}' at line ${line}:${column}`;
  if (token !== error.token) return refusal(`${near}\nStatement is incomplete, or its ';' is missing`);
  if (token.tokenType === Variable)
    return refusal(`${near}\nNo variable of that name is defined, or ksql.variable.substitution.enable is false`);
  if (isReserved(token.tokenType)) {
    const hint = `'${token.image}' is a reserved keyword: it can be used as an identifier only in double or back quotes`;
    return refusal(`${near}\n${hint}`);
  }
  const rules = error.context.ruleStack;
  const rule = rules.at(-1);
  if (rule === 'typeParameter') return refusal(`Expecting {'STRING', ${labelOf(IntegerValue)}}`);
  const expected = expectedToken(error);
  if (expected?.name === 'RPAREN') {
    const inList = rule === 'tableElements' || rule === 'withProperties';
    return refusal(inList ? "Expecting {',', ')'}" : `missing ')' at '${token.image}'`);
  }
  return refusal(expected === undefined ? near : `${near}\nExpecting ${labelOf(expected)}`);
}

/** Chevrotain tells which token was wanted only in its message. */
function expectedToken(error: IRecognitionException): TokenType | undefined {
  const wanted = /^Expecting token of type --> (\w+) </.exec(error.message)?.[1];
  return wanted === undefined ? undefined : { name: wanted };
}
