import { tokenMatcher } from 'chevrotain';
import { ExpressionGrammar, UNITS } from './expression-grammar.ts';
import { DecimalValue, IntegerValue, keyword, symbol } from './tokens.ts';

/** The grammar of SELECT. */
export class QueryGrammar extends ExpressionGrammar {
  /** EMIT, PARTITION, ORDER, UNION and OFFSET may be names, but not where they start a clause. */
  #aliasMayFollow(): boolean {
    if (this.is(1, 'EMIT')) return !this.is(2, 'CHANGES') && !this.is(2, 'FINAL');
    if (this.is(1, 'PARTITION') || this.is(1, 'ORDER')) return !this.is(2, 'BY');
    if (this.is(1, 'UNION')) return !this.is(2, 'ALL');
    if (this.is(1, 'OFFSET')) return !this.#numberFollows(2);
    return true;
  }

  #numberFollows(at: number): boolean {
    return tokenMatcher(this.LA(at), IntegerValue);
  }

  /** `( a, b )` or `()` as the whole list, as against a parenthesis that only starts the first expression. */
  #parenthesizedListFollows(): boolean {
    if (!this.isSymbol(1, 'LPAREN')) return false;
    let depth = 0;
    let comma = this.isSymbol(2, 'RPAREN');
    for (let at = 1; ; at++) {
      const token = this.LA(at);
      if (token.image === '' || token.image === ';') return false;
      if (tokenMatcher(token, symbol('LPAREN')) || tokenMatcher(token, symbol('LBRACKET'))) depth++;
      else if (tokenMatcher(token, symbol('RPAREN')) || tokenMatcher(token, symbol('RBRACKET'))) depth--;
      else if (depth === 1 && tokenMatcher(token, symbol('COMMA'))) comma = true;
      if (depth > 0) continue;
      const after = this.LA(at + 1);
      const ends = ['HAVING', 'LIMIT', 'WINDOW', 'WHERE', 'GROUP', 'EMIT', 'PARTITION', 'ORDER', 'OFFSET', 'UNION'];
      return comma && (['', ';', ')'].includes(after.image) || ends.some((word) => tokenMatcher(after, keyword(word))));
    }
  }

  // --- queries -------------------------------------------------------------------------------------------------------

  readonly query = this.RULE('query', () => {
    this.OPTION(() => {
      this.k('WITH');
      this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.namedQuery) });
    });
    this.SUBRULE(this.select);
    this.MANY(() => {
      this.k('UNION');
      this.k('ALL');
      this.SUBRULE1(this.select);
    });
  });

  readonly namedQuery = this.RULE('namedQuery', () => {
    this.SUBRULE(this.name);
    this.k('AS');
    this.s('LPAREN');
    this.SUBRULE(this.query);
    this.s('RPAREN');
  });

  readonly select = this.RULE('select', () => {
    this.k('SELECT');
    this.OPTION7(() => this.k('DISTINCT'));
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.selectItem) });
    this.k('FROM');
    this.SUBRULE(this.aliasedSource);
    this.MANY(() => this.SUBRULE(this.join));
    this.OPTION(() => this.SUBRULE(this.windowClause));
    this.OPTION1(() => {
      this.k('WHERE');
      this.SUBRULE(this.expression, { LABEL: 'where' });
    });
    this.OPTION2(() => {
      this.k('GROUP');
      this.k('BY');
      this.SUBRULE(this.expressionList, { LABEL: 'groupBy' });
    });
    this.OPTION3(() => {
      this.k('PARTITION');
      this.k('BY', 1);
      this.SUBRULE1(this.expressionList, { LABEL: 'partitionBy' });
    });
    this.OPTION4(() => {
      this.k('HAVING');
      this.SUBRULE1(this.expression, { LABEL: 'having' });
    });
    this.OPTION5(() => {
      this.k('EMIT');
      this.OR([
        { ALT: () => this.k('CHANGES') },
        {
          ALT: () => {
            this.k('FINAL');
            this.SUBRULE(this.emitAfter);
          },
        },
      ]);
    });
    this.OPTION8(() => {
      this.k('ORDER');
      this.k('BY', 2);
      this.AT_LEAST_ONE_SEP1({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.ordering) });
    });
    this.OPTION6(() => this.SUBRULE(this.limit));
    this.OPTION9(() => {
      this.k('OFFSET');
      this.CONSUME(IntegerValue, { LABEL: 'offset' });
    });
  });

  readonly emitAfter = this.RULE('emitAfter', () => {
    this.OPTION(() => {
      this.k('AFTER');
      this.SUBRULE(this.duration);
    });
  });

  readonly limit = this.RULE('limit', () => {
    this.k('LIMIT');
    // What no limit can be is said where it is known what is limited.
    this.OPTION(() => this.s('MINUS'));
    this.OR([{ ALT: () => this.CONSUME(IntegerValue) }, { ALT: () => this.CONSUME(DecimalValue) }]);
  });

  readonly selectItem = this.RULE('selectItem', () => {
    this.OR([
      { ALT: () => this.s('ASTERISK') },
      {
        GATE: () => this.isSymbol(2, 'DOT') && this.isSymbol(3, 'ASTERISK'),
        ALT: () => {
          this.SUBRULE(this.name, { LABEL: 'source' });
          this.s('DOT');
          this.s('ASTERISK', 1);
        },
      },
      {
        ALT: () => {
          this.SUBRULE(this.expression);
          this.OPTION({
            GATE: () => this.#aliasMayFollow(),
            DEF: () => {
              this.OPTION1(() => this.k('AS'));
              this.SUBRULE1(this.name, { LABEL: 'alias' });
            },
          });
        },
      },
    ]);
  });

  readonly expressionList = this.RULE('expressionList', () => {
    this.OR([
      {
        GATE: () => this.#parenthesizedListFollows(),
        ALT: () => {
          this.s('LPAREN');
          this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.valueExpression) });
          this.s('RPAREN');
        },
      },
      { ALT: () => this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE1(this.valueExpression) }) },
    ]);
  });

  readonly aliasedSource = this.RULE('aliasedSource', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.name, { LABEL: 'source' }) },
      {
        ALT: () => {
          this.s('LPAREN');
          this.SUBRULE(this.query);
          this.s('RPAREN');
        },
      },
    ]);
    this.OPTION({
      GATE: () => this.#aliasMayFollow(),
      DEF: () => {
        this.OPTION1(() => this.k('AS'));
        this.SUBRULE1(this.name, { LABEL: 'alias' });
      },
    });
  });

  readonly join = this.RULE('join', () => {
    this.OPTION(() =>
      this.OR([
        { ALT: () => this.k('INNER') },
        {
          ALT: () => {
            this.OR1([{ ALT: () => this.k('LEFT') }, { ALT: () => this.k('RIGHT') }, { ALT: () => this.k('FULL') }]);
            this.OPTION1(() => this.k('OUTER'));
          },
        },
        { ALT: () => this.k('OUTER', 1) },
      ]),
    );
    this.k('JOIN');
    this.SUBRULE(this.aliasedSource);
    this.OPTION2(() => this.SUBRULE(this.within));
    this.k('ON');
    this.SUBRULE(this.expression);
  });

  readonly within = this.RULE('within', () => {
    this.k('WITHIN');
    this.OR([
      { ALT: () => this.SUBRULE(this.duration, { LABEL: 'both' }) },
      {
        ALT: () => {
          this.s('LPAREN');
          this.SUBRULE1(this.duration, { LABEL: 'before' });
          this.s('COMMA');
          this.SUBRULE2(this.duration, { LABEL: 'after' });
          this.s('RPAREN');
        },
      },
    ]);
    this.OPTION(() => {
      this.k('GRACE');
      this.k('PERIOD');
      this.SUBRULE3(this.duration, { LABEL: 'grace' });
    });
  });

  readonly duration = this.RULE('duration', () => {
    this.CONSUME(IntegerValue);
    this.OR(UNITS.map((unit) => ({ ALT: () => this.k(unit) })));
  });

  readonly windowClause = this.RULE('windowClause', () => {
    this.k('WINDOW');
    this.OPTION({
      GATE: () => !(this.is(1, 'SESSION') && this.isSymbol(2, 'LPAREN')),
      DEF: () => this.SUBRULE(this.name),
    });
    this.OR([
      {
        ALT: () => {
          this.k('TUMBLING');
          this.s('LPAREN');
          this.k('SIZE');
          this.SUBRULE(this.duration, { LABEL: 'size' });
        },
      },
      {
        ALT: () => {
          this.k('HOPPING');
          this.s('LPAREN', 1);
          this.k('SIZE', 1);
          this.SUBRULE1(this.duration, { LABEL: 'size' });
          this.s('COMMA');
          this.k('ADVANCE');
          this.k('BY');
          this.SUBRULE2(this.duration, { LABEL: 'advance' });
        },
      },
      {
        ALT: () => {
          this.k('SESSION');
          this.s('LPAREN', 2);
          this.SUBRULE3(this.duration, { LABEL: 'size' });
        },
      },
    ]);
    this.OPTION1(() => {
      this.s('COMMA', 1);
      this.k('RETENTION');
      this.SUBRULE4(this.duration, { LABEL: 'retention' });
    });
    this.OPTION2(() => {
      this.s('COMMA', 2);
      this.k('GRACE');
      this.k('PERIOD');
      this.SUBRULE5(this.duration, { LABEL: 'grace' });
    });
    this.OPTION3(() => {
      this.s('COMMA', 3);
      this.k('PROCESSING');
      this.k('TIME');
    });
    this.s('RPAREN');
  });
}
