// The grammar of expressions and types, loosest binding first: OR, AND, NOT, comparisons, sums, products, then what stands by
// itself. `query-grammar.ts` and `grammar.ts` add queries and statements on top.
import { CstParser, type IToken, tokenMatcher } from 'chevrotain';
import {
  allTokens,
  DecimalValue,
  FloatValue,
  IntegerValue,
  keyword,
  Name,
  StringLiteral,
  symbol,
  type SymbolName,
} from './tokens.ts';

export const UNITS = [
  'DAY',
  'DAYS',
  'HOUR',
  'HOURS',
  'MINUTE',
  'MINUTES',
  'SECOND',
  'SECONDS',
  'MILLISECOND',
  'MILLISECONDS',
];
const COMPARISONS: SymbolName[] = ['EQ', 'NEQ', 'LT', 'LTE', 'GT', 'GTE'];

/** The grammar of expressions and types. Who extends it last calls `performSelfAnalysis`. */
export class ExpressionGrammar extends CstParser {
  constructor() {
    super(allTokens, { maxLookahead: 3, recoveryEnabled: false, nodeLocationTracking: 'full' });
  }

  protected k(word: string, index = 0): IToken {
    return this.consume(index, keyword(word), { LABEL: word });
  }

  protected s(name: SymbolName, index = 0): IToken {
    return this.consume(index, symbol(name));
  }

  protected is(at: number, word: string): boolean {
    return tokenMatcher(this.LA(at), keyword(word));
  }

  protected isSymbol(at: number, name: SymbolName): boolean {
    return tokenMatcher(this.LA(at), symbol(name));
  }

  #lambdaFollows(): boolean {
    if (tokenMatcher(this.LA(1), Name)) return this.isSymbol(2, 'LAMBDA');
    if (!this.isSymbol(1, 'LPAREN')) return false;
    let at = 2;
    while (tokenMatcher(this.LA(at), Name)) {
      at++;
      if (!this.isSymbol(at, 'COMMA')) break;
      at++;
    }
    return at > 2 && this.isSymbol(at, 'RPAREN') && this.isSymbol(at + 1, 'LAMBDA');
  }

  // --- names, numbers, types

  readonly name = this.RULE('name', () => {
    this.CONSUME(Name);
  });

  readonly number = this.RULE('number', () => {
    this.OR([
      { ALT: () => this.CONSUME(IntegerValue) },
      { ALT: () => this.CONSUME(DecimalValue) },
      { ALT: () => this.CONSUME(FloatValue) },
    ]);
  });

  readonly type = this.RULE('type', () => {
    this.OR([
      {
        GATE: () => this.isSymbol(2, 'LT'),
        ALT: () => {
          this.k('ARRAY');
          this.s('LT');
          this.SUBRULE(this.type, { LABEL: 'item' });
          this.s('GT');
        },
      },
      {
        GATE: () => this.isSymbol(2, 'LT'),
        ALT: () => {
          this.k('MAP');
          this.s('LT', 1);
          this.SUBRULE1(this.type, { LABEL: 'mapKey' });
          this.s('COMMA');
          this.SUBRULE2(this.type, { LABEL: 'mapValue' });
          this.s('GT', 1);
        },
      },
      {
        GATE: () => this.isSymbol(2, 'LT') || this.isSymbol(2, 'NEQ'),
        ALT: () => {
          this.k('STRUCT');
          this.OR1([
            { ALT: () => this.s('NEQ') },
            {
              ALT: () => {
                this.s('LT', 2);
                this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.structField) });
                this.s('GT', 2);
              },
            },
          ]);
        },
      },
      {
        ALT: () => {
          this.CONSUME(Name, { LABEL: 'base' });
          this.OPTION(() => this.SUBRULE(this.typeParameters));
        },
      },
    ]);
    this.MANY(() => this.k('ARRAY', 1));
  });

  readonly typeParameters = this.RULE('typeParameters', () => {
    this.s('LPAREN');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.typeParameter) });
    this.s('RPAREN');
  });

  readonly typeParameter = this.RULE('typeParameter', () => {
    this.OR([
      { ALT: () => this.CONSUME(IntegerValue) },
      { GATE: () => this.LA(1).image.toUpperCase() === 'STRING', ALT: () => this.CONSUME(Name) },
    ]);
  });

  readonly structField = this.RULE('structField', () => {
    this.SUBRULE(this.name);
    this.SUBRULE(this.type);
  });

  // --- expressions, the loosest binding first ------------------------------------------------------------------------

  readonly expression = this.RULE('expression', () => {
    this.AT_LEAST_ONE_SEP({ SEP: keyword('OR'), DEF: () => this.SUBRULE(this.conjunction) });
  });

  readonly conjunction = this.RULE('conjunction', () => {
    this.AT_LEAST_ONE_SEP({ SEP: keyword('AND'), DEF: () => this.SUBRULE(this.negation) });
  });

  readonly negation = this.RULE('negation', () => {
    this.OR([
      {
        ALT: () => {
          this.k('NOT');
          this.SUBRULE(this.negation);
        },
      },
      { ALT: () => this.SUBRULE(this.predicate) },
    ]);
  });

  readonly predicate = this.RULE('predicate', () => {
    this.SUBRULE(this.valueExpression);
    this.OPTION(() =>
      this.OR([
        {
          ALT: () => {
            this.OR1(COMPARISONS.map((name) => ({ ALT: () => this.s(name) })));
            this.SUBRULE1(this.valueExpression, { LABEL: 'right' });
          },
        },
        {
          ALT: () => {
            this.k('IS');
            this.OPTION1(() => this.k('NOT', 1));
            this.OR2([
              { ALT: () => this.k('NULL') },
              {
                ALT: () => {
                  this.k('DISTINCT');
                  this.k('FROM');
                  this.SUBRULE2(this.valueExpression, { LABEL: 'right' });
                },
              },
            ]);
          },
        },
        {
          ALT: () => {
            this.OPTION2(() => this.k('NOT'));
            this.OR3([
              {
                ALT: () => {
                  this.k('BETWEEN');
                  this.SUBRULE3(this.valueExpression, { LABEL: 'low' });
                  this.k('AND');
                  this.SUBRULE4(this.valueExpression, { LABEL: 'high' });
                },
              },
              {
                ALT: () => {
                  this.k('IN');
                  this.s('LPAREN');
                  this.AT_LEAST_ONE_SEP({
                    SEP: symbol('COMMA'),
                    DEF: () => this.SUBRULE(this.expression, { LABEL: 'items' }),
                  });
                  this.s('RPAREN');
                },
              },
              {
                ALT: () => {
                  this.k('LIKE');
                  this.SUBRULE5(this.valueExpression, { LABEL: 'pattern' });
                  this.OPTION3(() => {
                    this.k('ESCAPE');
                    this.CONSUME(StringLiteral);
                  });
                },
              },
            ]);
          },
        },
      ]),
    );
  });

  /** `||` binds looser than `+`. */
  readonly valueExpression = this.RULE('valueExpression', () => {
    this.AT_LEAST_ONE_SEP({ SEP: symbol('CONCAT'), DEF: () => this.SUBRULE(this.sum) });
  });

  readonly sum = this.RULE('sum', () => {
    this.SUBRULE(this.product);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(symbol('PLUS'), { LABEL: 'op' }) },
        { ALT: () => this.CONSUME(symbol('MINUS'), { LABEL: 'op' }) },
      ]);
      this.SUBRULE1(this.product);
    });
  });

  readonly product = this.RULE('product', () => {
    this.SUBRULE(this.unary);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(symbol('ASTERISK'), { LABEL: 'op' }) },
        { ALT: () => this.CONSUME(symbol('SLASH'), { LABEL: 'op' }) },
        { ALT: () => this.CONSUME(symbol('PERCENT'), { LABEL: 'op' }) },
      ]);
      this.SUBRULE1(this.unary);
    });
  });

  readonly unary = this.RULE('unary', () => {
    this.OR([
      {
        ALT: () => {
          this.OR1([
            { ALT: () => this.CONSUME(symbol('PLUS'), { LABEL: 'op' }) },
            { ALT: () => this.CONSUME(symbol('MINUS'), { LABEL: 'op' }) },
          ]);
          this.SUBRULE(this.unary);
        },
      },
      { ALT: () => this.SUBRULE(this.postfix) },
    ]);
  });

  readonly postfix = this.RULE('postfix', () => {
    this.SUBRULE(this.primary);
    this.MANY(() => this.SUBRULE(this.postfixOperator));
  });

  readonly postfixOperator = this.RULE('postfixOperator', () => {
    this.OR([
      {
        ALT: () => {
          this.s('LBRACKET');
          this.SUBRULE(this.valueExpression);
          this.s('RBRACKET');
        },
      },
      {
        ALT: () => {
          this.s('ARROW');
          this.OR1([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.s('ASTERISK') }]);
        },
      },
    ]);
  });

  readonly primary = this.RULE('primary', () => {
    this.OR([
      { ALT: () => this.k('NULL') },
      { ALT: () => this.k('TRUE') },
      { ALT: () => this.k('FALSE') },
      { ALT: () => this.SUBRULE(this.number) },
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.SUBRULE(this.caseExpression) },
      { ALT: () => this.SUBRULE(this.cast) },
      { GATE: () => this.isSymbol(2, 'LBRACKET'), ALT: () => this.SUBRULE(this.arrayConstructor) },
      { GATE: () => this.isSymbol(2, 'LPAREN'), ALT: () => this.SUBRULE(this.mapConstructor) },
      { GATE: () => this.isSymbol(2, 'LPAREN'), ALT: () => this.SUBRULE(this.structConstructor) },
      { GATE: () => this.isSymbol(2, 'LPAREN'), ALT: () => this.SUBRULE(this.call) },
      { GATE: () => tokenMatcher(this.LA(2), StringLiteral), ALT: () => this.SUBRULE(this.typedLiteral) },
      { ALT: () => this.SUBRULE(this.column) },
      {
        ALT: () => {
          this.s('LPAREN');
          this.SUBRULE(this.expression);
          this.s('RPAREN');
        },
      },
    ]);
  });

  readonly column = this.RULE('column', () => {
    this.SUBRULE(this.name);
    this.OPTION(() => {
      this.s('DOT');
      this.SUBRULE1(this.name);
    });
  });

  readonly typedLiteral = this.RULE('typedLiteral', () => {
    this.SUBRULE(this.name);
    this.CONSUME(StringLiteral);
  });

  readonly caseExpression = this.RULE('caseExpression', () => {
    this.k('CASE');
    this.OPTION(() => this.SUBRULE(this.expression, { LABEL: 'operand' }));
    this.AT_LEAST_ONE(() => {
      this.k('WHEN');
      this.SUBRULE1(this.expression, { LABEL: 'when' });
      this.k('THEN');
      this.SUBRULE2(this.expression, { LABEL: 'then' });
    });
    this.OPTION1(() => {
      this.k('ELSE');
      this.SUBRULE3(this.expression, { LABEL: 'otherwise' });
    });
    this.k('END');
  });

  readonly cast = this.RULE('cast', () => {
    this.k('CAST');
    this.s('LPAREN');
    this.SUBRULE(this.expression);
    this.k('AS');
    this.SUBRULE(this.type);
    this.s('RPAREN');
  });

  readonly arrayConstructor = this.RULE('arrayConstructor', () => {
    this.k('ARRAY');
    this.s('LBRACKET');
    this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.expression) });
    this.s('RBRACKET');
  });

  readonly mapConstructor = this.RULE('mapConstructor', () => {
    this.k('MAP');
    this.s('LPAREN');
    this.MANY_SEP({
      SEP: symbol('COMMA'),
      DEF: () => {
        this.SUBRULE(this.expression, { LABEL: 'entryKey' });
        this.s('ASSIGN');
        this.SUBRULE1(this.expression, { LABEL: 'entryValue' });
      },
    });
    this.s('RPAREN');
  });

  readonly structConstructor = this.RULE('structConstructor', () => {
    this.k('STRUCT');
    this.s('LPAREN');
    this.MANY_SEP({
      SEP: symbol('COMMA'),
      DEF: () => {
        this.SUBRULE(this.name);
        this.s('ASSIGN');
        this.SUBRULE(this.expression);
      },
    });
    this.s('RPAREN');
  });

  readonly call = this.RULE('call', () => {
    this.SUBRULE(this.name);
    this.s('LPAREN');
    this.OPTION(() =>
      this.OR([
        { ALT: () => this.s('ASTERISK') },
        {
          ALT: () => {
            this.OPTION3(() => this.k('DISTINCT'));
            this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.argument) });
          },
        },
      ]),
    );
    this.s('RPAREN');
    this.OPTION1({
      GATE: () => this.is(1, 'FILTER') && this.isSymbol(2, 'LPAREN') && this.is(3, 'WHERE'),
      DEF: () => {
        this.k('FILTER');
        this.s('LPAREN', 1);
        this.k('WHERE');
        this.SUBRULE(this.expression, { LABEL: 'filter' });
        this.s('RPAREN', 1);
      },
    });
    this.OPTION2({
      GATE: () => this.is(1, 'OVER') && this.isSymbol(2, 'LPAREN'),
      DEF: () => {
        this.k('OVER');
        this.SUBRULE(this.over);
      },
    });
  });

  readonly over = this.RULE('over', () => {
    this.s('LPAREN');
    this.OPTION(() => {
      this.k('PARTITION');
      this.k('BY');
      this.AT_LEAST_ONE_SEP({
        SEP: symbol('COMMA'),
        DEF: () => this.SUBRULE(this.valueExpression, { LABEL: 'partitionBy' }),
      });
    });
    this.OPTION1(() => {
      this.k('ORDER');
      this.k('BY', 1);
      this.AT_LEAST_ONE_SEP1({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.ordering) });
    });
    this.s('RPAREN');
  });

  readonly ordering = this.RULE('ordering', () => {
    this.SUBRULE(this.expression);
    this.OPTION(() => this.OR([{ ALT: () => this.k('ASC') }, { ALT: () => this.k('DESC') }]));
    this.OPTION1(() => {
      this.k('NULLS');
      this.OR1([{ ALT: () => this.k('FIRST') }, { ALT: () => this.k('LAST') }]);
    });
  });

  readonly argument = this.RULE('argument', () => {
    this.OR([
      { GATE: () => this.#lambdaFollows(), ALT: () => this.SUBRULE(this.lambda) },
      {
        ALT: () =>
          this.OR1(
            UNITS.filter((unit) => unit.endsWith('S') || unit === 'MILLISECOND').map((unit) => ({
              ALT: () => this.k(unit),
            })),
          ),
      },
      { ALT: () => this.SUBRULE(this.expression) },
    ]);
  });

  readonly lambda = this.RULE('lambda', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.name) },
      {
        ALT: () => {
          this.s('LPAREN');
          this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE1(this.name) });
          this.s('RPAREN');
        },
      },
    ]);
    this.s('LAMBDA');
    this.SUBRULE(this.expression);
  });
}
