import { type CstNode, CstParser, type IRecognitionException, type IToken, tokenMatcher } from 'chevrotain';
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

const UNITS = ['DAY', 'DAYS', 'HOUR', 'HOURS', 'MINUTE', 'MINUTES', 'SECOND', 'SECONDS', 'MILLISECOND', 'MILLISECONDS'];
const COMPARISONS: SymbolName[] = ['EQ', 'NEQ', 'LT', 'LTE', 'GT', 'GTE'];

/** The grammar, and nothing else: it says what is a statement, `build-ast.ts` says what it means. */
export class SqlGrammar extends CstParser {
  constructor() {
    super(allTokens, { maxLookahead: 3, recoveryEnabled: false, nodeLocationTracking: 'full' });
    this.performSelfAnalysis();
  }

  // --- small helpers -------------------------------------------------------------------------------------------------

  #k(word: string, index = 0): IToken {
    return this.consume(index, keyword(word), { LABEL: word });
  }

  #s(name: SymbolName, index = 0): IToken {
    return this.consume(index, symbol(name));
  }

  #is(at: number, word: string): boolean {
    return tokenMatcher(this.LA(at), keyword(word));
  }

  #isSymbol(at: number, name: SymbolName): boolean {
    return tokenMatcher(this.LA(at), symbol(name));
  }

  /** EMIT and PARTITION may be names, but not where they start a clause. */
  #aliasMayFollow(): boolean {
    if (this.#is(1, 'EMIT')) return !this.#is(2, 'CHANGES') && !this.#is(2, 'FINAL');
    if (this.#is(1, 'PARTITION')) return !this.#is(2, 'BY');
    return true;
  }

  #lambdaFollows(): boolean {
    if (tokenMatcher(this.LA(1), Name)) return this.#isSymbol(2, 'LAMBDA');
    if (!this.#isSymbol(1, 'LPAREN')) return false;
    let at = 2;
    while (tokenMatcher(this.LA(at), Name)) {
      at++;
      if (!this.#isSymbol(at, 'COMMA')) break;
      at++;
    }
    return at > 2 && this.#isSymbol(at, 'RPAREN') && this.#isSymbol(at + 1, 'LAMBDA');
  }

  /** `( a, b )` or `()` as the whole list, as against a parenthesis that only starts the first expression. */
  #parenthesizedListFollows(): boolean {
    if (!this.#isSymbol(1, 'LPAREN')) return false;
    let depth = 0;
    let comma = this.#isSymbol(2, 'RPAREN');
    for (let at = 1; ; at++) {
      const token = this.LA(at);
      if (token.image === '' || token.image === ';') return false;
      if (tokenMatcher(token, symbol('LPAREN')) || tokenMatcher(token, symbol('LBRACKET'))) depth++;
      else if (tokenMatcher(token, symbol('RPAREN')) || tokenMatcher(token, symbol('RBRACKET'))) depth--;
      else if (depth === 1 && tokenMatcher(token, symbol('COMMA'))) comma = true;
      if (depth > 0) continue;
      const after = this.LA(at + 1);
      const ends = ['HAVING', 'LIMIT', 'WINDOW', 'WHERE', 'GROUP', 'EMIT', 'PARTITION'];
      return (
        comma && (after.image === '' || after.image === ';' || ends.some((word) => tokenMatcher(after, keyword(word))))
      );
    }
  }

  // --- statements ----------------------------------------------------------------------------------------------------

  readonly statement = this.RULE('statement', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.query) },
      { ALT: () => this.SUBRULE(this.create) },
      { ALT: () => this.SUBRULE(this.insert) },
      { ALT: () => this.SUBRULE(this.drop) },
      { ALT: () => this.SUBRULE(this.alter) },
      { ALT: () => this.SUBRULE(this.manageQuery) },
      { ALT: () => this.SUBRULE(this.explain) },
      { ALT: () => this.SUBRULE(this.show) },
      { ALT: () => this.SUBRULE(this.describe) },
      { ALT: () => this.SUBRULE(this.print) },
      { ALT: () => this.SUBRULE(this.session) },
      { ALT: () => this.SUBRULE(this.assertThat) },
    ]);
    this.#s('SEMICOLON');
  });

  readonly create = this.RULE('create', () => {
    this.#k('CREATE');
    this.OPTION(() => {
      this.#k('OR');
      this.#k('REPLACE');
    });
    this.OPTION1(() => this.OR([{ ALT: () => this.#k('SOURCE') }, { ALT: () => this.#k('SINK') }]));
    this.OR1([
      { ALT: () => this.SUBRULE(this.createSource) },
      { ALT: () => this.SUBRULE(this.createConnector) },
      { ALT: () => this.SUBRULE(this.createType) },
    ]);
  });

  readonly createSource = this.RULE('createSource', () => {
    this.SUBRULE(this.sourceKind);
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.OPTION1(() => this.SUBRULE(this.tableElements));
    this.OPTION2(() => this.SUBRULE(this.withProperties));
    this.OPTION3(() => {
      this.#k('AS');
      this.SUBRULE(this.query);
    });
  });

  readonly createConnector = this.RULE('createConnector', () => {
    this.#k('CONNECTOR');
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.SUBRULE(this.withProperties);
  });

  readonly createType = this.RULE('createType', () => {
    this.#k('TYPE');
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.#k('AS');
    this.SUBRULE(this.type);
  });

  readonly insert = this.RULE('insert', () => {
    this.#k('INSERT');
    this.#k('INTO');
    this.SUBRULE(this.name);
    this.OPTION(() => this.SUBRULE(this.withProperties));
    this.OR([
      { ALT: () => this.SUBRULE(this.query) },
      {
        ALT: () => {
          this.OPTION1(() => this.SUBRULE(this.columnNames));
          this.#k('VALUES');
          this.#s('LPAREN');
          this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.expression) });
          this.#s('RPAREN');
        },
      },
    ]);
  });

  readonly columnNames = this.RULE('columnNames', () => {
    this.#s('LPAREN');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.name) });
    this.#s('RPAREN');
  });

  readonly drop = this.RULE('drop', () => {
    this.#k('DROP');
    this.OR([
      { ALT: () => this.SUBRULE(this.sourceKind) },
      { ALT: () => this.#k('TYPE') },
      { ALT: () => this.#k('CONNECTOR') },
    ]);
    this.OPTION(() => this.SUBRULE(this.ifExists));
    this.SUBRULE(this.name);
    this.OPTION1(() => {
      this.#k('DELETE');
      this.#k('TOPIC');
    });
  });

  readonly alter = this.RULE('alter', () => {
    this.#k('ALTER');
    this.OR([
      {
        ALT: () => {
          this.SUBRULE(this.sourceKind);
          this.SUBRULE(this.name);
          this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.addColumn) });
        },
      },
      {
        ALT: () => {
          this.#k('SYSTEM');
          this.SUBRULE(this.assignment);
        },
      },
    ]);
  });

  readonly addColumn = this.RULE('addColumn', () => {
    this.#k('ADD');
    this.OPTION({
      GATE: () =>
        this.#is(1, 'COLUMN') &&
        tokenMatcher(this.LA(2), Name) &&
        !this.#isSymbol(3, 'COMMA') &&
        !this.#isSymbol(3, 'SEMICOLON'),
      DEF: () => this.#k('COLUMN'),
    });
    this.SUBRULE(this.name);
    this.SUBRULE(this.type);
  });

  readonly manageQuery = this.RULE('manageQuery', () => {
    this.OR([{ ALT: () => this.#k('TERMINATE') }, { ALT: () => this.#k('PAUSE') }, { ALT: () => this.#k('RESUME') }]);
    this.OR1([{ ALT: () => this.#k('ALL') }, { ALT: () => this.SUBRULE(this.name) }]);
  });

  readonly explain = this.RULE('explain', () => {
    this.#k('EXPLAIN');
    this.OR([
      {
        GATE: () => tokenMatcher(this.LA(1), Name) && this.#isSymbol(2, 'SEMICOLON'),
        ALT: () => this.SUBRULE(this.name),
      },
      { ALT: () => this.SUBRULE(this.query) },
      { ALT: () => this.SUBRULE(this.create) },
      { ALT: () => this.SUBRULE(this.insert) },
    ]);
  });

  readonly show = this.RULE('show', () => {
    this.OR([{ ALT: () => this.#k('SHOW') }, { ALT: () => this.#k('LIST') }]);
    this.OPTION(() => this.#k('ALL'));
    this.OR1([
      { ALT: () => this.#k('PROPERTIES') },
      { ALT: () => this.#k('TOPICS') },
      { ALT: () => this.#k('STREAMS') },
      { ALT: () => this.#k('TABLES') },
      { ALT: () => this.#k('FUNCTIONS') },
      { ALT: () => this.#k('CONNECTORS') },
      { ALT: () => this.#k('TYPES') },
      { ALT: () => this.#k('VARIABLES') },
      { ALT: () => this.#k('QUERIES') },
      {
        ALT: () => {
          this.#k('SOURCE');
          this.#k('CONNECTORS', 1);
        },
      },
      {
        ALT: () => {
          this.#k('SINK');
          this.#k('CONNECTORS', 2);
        },
      },
      {
        ALT: () => {
          this.#k('CONNECTOR');
          this.#k('PLUGINS');
        },
      },
    ]);
    this.OPTION1(() => this.#k('EXTENDED'));
  });

  readonly describe = this.RULE('describe', () => {
    this.#k('DESCRIBE');
    this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.#k('STREAMS') },
        { ALT: () => this.#k('TABLES') },
        {
          GATE: () => !this.#isSymbol(2, 'SEMICOLON'),
          ALT: () => {
            this.#k('FUNCTION');
            this.SUBRULE1(this.name);
          },
        },
        {
          ALT: () => {
            this.#k('CONNECTOR');
            this.SUBRULE2(this.name);
          },
        },
        { ALT: () => this.SUBRULE3(this.name) },
      ],
    });
    this.OPTION(() => this.#k('EXTENDED'));
  });

  readonly print = this.RULE('print', () => {
    this.#k('PRINT');
    this.OR([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.CONSUME(StringLiteral) }]);
    this.OPTION(() => {
      this.#k('FROM');
      this.#k('BEGINNING');
    });
    this.OPTION1(() => {
      this.OR1([{ ALT: () => this.#k('INTERVAL') }, { ALT: () => this.#k('SAMPLE') }]);
      this.CONSUME(IntegerValue);
    });
    this.OPTION2(() => this.SUBRULE(this.limit));
  });

  readonly session = this.RULE('session', () => {
    this.OR([
      {
        ALT: () => {
          this.#k('SET');
          this.SUBRULE(this.assignment);
        },
      },
      {
        ALT: () => {
          this.#k('UNSET');
          this.CONSUME(StringLiteral);
        },
      },
      {
        ALT: () => {
          this.#k('DEFINE');
          this.SUBRULE(this.name);
          this.#s('EQ');
          this.CONSUME1(StringLiteral);
        },
      },
      {
        ALT: () => {
          this.#k('UNDEFINE');
          this.SUBRULE1(this.name);
        },
      },
    ]);
  });

  readonly assignment = this.RULE('assignment', () => {
    this.CONSUME(StringLiteral);
    this.#s('EQ');
    this.CONSUME1(StringLiteral);
  });

  readonly assertThat = this.RULE('assertThat', () => {
    this.#k('ASSERT');
    this.OPTION(() => {
      this.#k('NOT');
      this.#k('EXISTS');
    });
    this.OR([
      {
        ALT: () => {
          this.#k('TOPIC');
          this.OR1([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.CONSUME(StringLiteral) }]);
          this.OPTION1(() => this.SUBRULE(this.withProperties));
        },
      },
      {
        ALT: () => {
          this.#k('SCHEMA');
          this.OPTION2(() => {
            this.#k('SUBJECT');
            this.OR2([{ ALT: () => this.SUBRULE1(this.name) }, { ALT: () => this.CONSUME1(StringLiteral) }]);
          });
          this.OPTION3(() => {
            this.#k('ID');
            this.CONSUME(IntegerValue);
          });
        },
      },
    ]);
    this.OPTION4(() => {
      this.#k('TIMEOUT');
      this.SUBRULE(this.duration);
    });
  });

  // --- pieces of statements ------------------------------------------------------------------------------------------

  readonly sourceKind = this.RULE('sourceKind', () => {
    this.OR([{ ALT: () => this.#k('STREAM') }, { ALT: () => this.#k('TABLE') }]);
  });

  readonly ifNotExists = this.RULE('ifNotExists', () => {
    this.#k('IF');
    this.#k('NOT');
    this.#k('EXISTS');
  });

  readonly ifExists = this.RULE('ifExists', () => {
    this.#k('IF');
    this.#k('EXISTS');
  });

  readonly name = this.RULE('name', () => {
    this.CONSUME(Name);
  });

  readonly tableElements = this.RULE('tableElements', () => {
    this.#s('LPAREN');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.tableElement) });
    this.#s('RPAREN');
  });

  readonly tableElement = this.RULE('tableElement', () => {
    this.SUBRULE(this.name);
    this.SUBRULE(this.type);
    this.OPTION(() =>
      this.OR([
        {
          ALT: () => {
            this.#k('PRIMARY');
            this.#k('KEY', 1);
          },
        },
        { ALT: () => this.#k('KEY') },
        { ALT: () => this.#k('HEADERS') },
        {
          ALT: () => {
            this.#k('HEADER');
            this.#s('LPAREN');
            this.CONSUME(StringLiteral);
            this.#s('RPAREN');
          },
        },
      ]),
    );
  });

  readonly withProperties = this.RULE('withProperties', () => {
    this.#k('WITH');
    this.#s('LPAREN');
    this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.property) });
    this.#s('RPAREN');
  });

  readonly property = this.RULE('property', () => {
    this.OR([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.CONSUME(StringLiteral) }]);
    this.#s('EQ');
    this.SUBRULE(this.literalValue);
  });

  readonly literalValue = this.RULE('literalValue', () => {
    this.OPTION(() => this.#s('MINUS'));
    this.OR([
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.SUBRULE(this.number) },
      { ALT: () => this.#k('TRUE') },
      { ALT: () => this.#k('FALSE') },
      { ALT: () => this.#k('NULL') },
    ]);
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
        GATE: () => this.#isSymbol(2, 'LT'),
        ALT: () => {
          this.#k('ARRAY');
          this.#s('LT');
          this.SUBRULE(this.type, { LABEL: 'item' });
          this.#s('GT');
        },
      },
      {
        GATE: () => this.#isSymbol(2, 'LT'),
        ALT: () => {
          this.#k('MAP');
          this.#s('LT', 1);
          this.SUBRULE1(this.type, { LABEL: 'mapKey' });
          this.#s('COMMA');
          this.SUBRULE2(this.type, { LABEL: 'mapValue' });
          this.#s('GT', 1);
        },
      },
      {
        GATE: () => this.#isSymbol(2, 'LT') || this.#isSymbol(2, 'NEQ'),
        ALT: () => {
          this.#k('STRUCT');
          this.OR1([
            { ALT: () => this.#s('NEQ') },
            {
              ALT: () => {
                this.#s('LT', 2);
                this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.structField) });
                this.#s('GT', 2);
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
    this.MANY(() => this.#k('ARRAY', 1));
  });

  readonly typeParameters = this.RULE('typeParameters', () => {
    this.#s('LPAREN');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.typeParameter) });
    this.#s('RPAREN');
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

  // --- queries -------------------------------------------------------------------------------------------------------

  readonly query = this.RULE('query', () => {
    this.#k('SELECT');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.selectItem) });
    this.#k('FROM');
    this.SUBRULE(this.aliasedSource);
    this.MANY(() => this.SUBRULE(this.join));
    this.OPTION(() => this.SUBRULE(this.windowClause));
    this.OPTION1(() => {
      this.#k('WHERE');
      this.SUBRULE(this.expression, { LABEL: 'where' });
    });
    this.OPTION2(() => {
      this.#k('GROUP');
      this.#k('BY');
      this.SUBRULE(this.expressionList, { LABEL: 'groupBy' });
    });
    this.OPTION3(() => {
      this.#k('PARTITION');
      this.#k('BY', 1);
      this.SUBRULE1(this.expressionList, { LABEL: 'partitionBy' });
    });
    this.OPTION4(() => {
      this.#k('HAVING');
      this.SUBRULE1(this.expression, { LABEL: 'having' });
    });
    this.OPTION5(() => {
      this.#k('EMIT');
      this.OR([{ ALT: () => this.#k('CHANGES') }, { ALT: () => this.#k('FINAL') }]);
    });
    this.OPTION6(() => this.SUBRULE(this.limit));
  });

  readonly limit = this.RULE('limit', () => {
    this.#k('LIMIT');
    this.CONSUME(IntegerValue);
  });

  readonly selectItem = this.RULE('selectItem', () => {
    this.OR([
      { ALT: () => this.#s('ASTERISK') },
      {
        GATE: () => this.#isSymbol(2, 'DOT') && this.#isSymbol(3, 'ASTERISK'),
        ALT: () => {
          this.SUBRULE(this.name, { LABEL: 'source' });
          this.#s('DOT');
          this.#s('ASTERISK', 1);
        },
      },
      {
        ALT: () => {
          this.SUBRULE(this.expression);
          this.OPTION({
            GATE: () => this.#aliasMayFollow(),
            DEF: () => {
              this.OPTION1(() => this.#k('AS'));
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
          this.#s('LPAREN');
          this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.valueExpression) });
          this.#s('RPAREN');
        },
      },
      { ALT: () => this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE1(this.valueExpression) }) },
    ]);
  });

  readonly aliasedSource = this.RULE('aliasedSource', () => {
    this.SUBRULE(this.name, { LABEL: 'source' });
    this.OPTION({
      GATE: () => this.#aliasMayFollow(),
      DEF: () => {
        this.OPTION1(() => this.#k('AS'));
        this.SUBRULE1(this.name, { LABEL: 'alias' });
      },
    });
  });

  readonly join = this.RULE('join', () => {
    this.OPTION(() =>
      this.OR([
        { ALT: () => this.#k('INNER') },
        {
          ALT: () => {
            this.OR1([{ ALT: () => this.#k('LEFT') }, { ALT: () => this.#k('RIGHT') }, { ALT: () => this.#k('FULL') }]);
            this.OPTION1(() => this.#k('OUTER'));
          },
        },
        { ALT: () => this.#k('OUTER', 1) },
      ]),
    );
    this.#k('JOIN');
    this.SUBRULE(this.aliasedSource);
    this.OPTION2(() => this.SUBRULE(this.within));
    this.#k('ON');
    this.SUBRULE(this.expression);
  });

  readonly within = this.RULE('within', () => {
    this.#k('WITHIN');
    this.OR([
      { ALT: () => this.SUBRULE(this.duration, { LABEL: 'both' }) },
      {
        ALT: () => {
          this.#s('LPAREN');
          this.SUBRULE1(this.duration, { LABEL: 'before' });
          this.#s('COMMA');
          this.SUBRULE2(this.duration, { LABEL: 'after' });
          this.#s('RPAREN');
        },
      },
    ]);
    this.OPTION(() => {
      this.#k('GRACE');
      this.#k('PERIOD');
      this.SUBRULE3(this.duration, { LABEL: 'grace' });
    });
  });

  readonly duration = this.RULE('duration', () => {
    this.CONSUME(IntegerValue);
    this.OR(UNITS.map((unit) => ({ ALT: () => this.#k(unit) })));
  });

  readonly windowClause = this.RULE('windowClause', () => {
    this.#k('WINDOW');
    this.OPTION({
      GATE: () => !(this.#is(1, 'SESSION') && this.#isSymbol(2, 'LPAREN')),
      DEF: () => this.SUBRULE(this.name),
    });
    this.OR([
      {
        ALT: () => {
          this.#k('TUMBLING');
          this.#s('LPAREN');
          this.#k('SIZE');
          this.SUBRULE(this.duration, { LABEL: 'size' });
        },
      },
      {
        ALT: () => {
          this.#k('HOPPING');
          this.#s('LPAREN', 1);
          this.#k('SIZE', 1);
          this.SUBRULE1(this.duration, { LABEL: 'size' });
          this.#s('COMMA');
          this.#k('ADVANCE');
          this.#k('BY');
          this.SUBRULE2(this.duration, { LABEL: 'advance' });
        },
      },
      {
        ALT: () => {
          this.#k('SESSION');
          this.#s('LPAREN', 2);
          this.SUBRULE3(this.duration, { LABEL: 'size' });
        },
      },
    ]);
    this.OPTION1(() => {
      this.#s('COMMA', 1);
      this.#k('RETENTION');
      this.SUBRULE4(this.duration, { LABEL: 'retention' });
    });
    this.OPTION2(() => {
      this.#s('COMMA', 2);
      this.#k('GRACE');
      this.#k('PERIOD');
      this.SUBRULE5(this.duration, { LABEL: 'grace' });
    });
    this.#s('RPAREN');
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
          this.#k('NOT');
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
            this.OR1(COMPARISONS.map((name) => ({ ALT: () => this.#s(name) })));
            this.SUBRULE1(this.valueExpression, { LABEL: 'right' });
          },
        },
        {
          ALT: () => {
            this.#k('IS');
            this.OPTION1(() => this.#k('NOT', 1));
            this.OR2([
              { ALT: () => this.#k('NULL') },
              {
                ALT: () => {
                  this.#k('DISTINCT');
                  this.#k('FROM');
                  this.SUBRULE2(this.valueExpression, { LABEL: 'right' });
                },
              },
            ]);
          },
        },
        {
          ALT: () => {
            this.OPTION2(() => this.#k('NOT'));
            this.OR3([
              {
                ALT: () => {
                  this.#k('BETWEEN');
                  this.SUBRULE3(this.valueExpression, { LABEL: 'low' });
                  this.#k('AND');
                  this.SUBRULE4(this.valueExpression, { LABEL: 'high' });
                },
              },
              {
                ALT: () => {
                  this.#k('IN');
                  this.#s('LPAREN');
                  this.AT_LEAST_ONE_SEP({
                    SEP: symbol('COMMA'),
                    DEF: () => this.SUBRULE(this.expression, { LABEL: 'items' }),
                  });
                  this.#s('RPAREN');
                },
              },
              {
                ALT: () => {
                  this.#k('LIKE');
                  this.SUBRULE5(this.valueExpression, { LABEL: 'pattern' });
                  this.OPTION3(() => {
                    this.#k('ESCAPE');
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
          this.#s('LBRACKET');
          this.SUBRULE(this.valueExpression);
          this.#s('RBRACKET');
        },
      },
      {
        ALT: () => {
          this.#s('ARROW');
          this.OR1([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.#s('ASTERISK') }]);
        },
      },
    ]);
  });

  readonly primary = this.RULE('primary', () => {
    this.OR([
      { ALT: () => this.#k('NULL') },
      { ALT: () => this.#k('TRUE') },
      { ALT: () => this.#k('FALSE') },
      { ALT: () => this.SUBRULE(this.number) },
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.SUBRULE(this.caseExpression) },
      { ALT: () => this.SUBRULE(this.cast) },
      { GATE: () => this.#isSymbol(2, 'LBRACKET'), ALT: () => this.SUBRULE(this.arrayConstructor) },
      { GATE: () => this.#isSymbol(2, 'LPAREN'), ALT: () => this.SUBRULE(this.mapConstructor) },
      { GATE: () => this.#isSymbol(2, 'LPAREN'), ALT: () => this.SUBRULE(this.structConstructor) },
      { GATE: () => this.#isSymbol(2, 'LPAREN'), ALT: () => this.SUBRULE(this.call) },
      { GATE: () => tokenMatcher(this.LA(2), StringLiteral), ALT: () => this.SUBRULE(this.typedLiteral) },
      { ALT: () => this.SUBRULE(this.column) },
      {
        ALT: () => {
          this.#s('LPAREN');
          this.SUBRULE(this.expression);
          this.#s('RPAREN');
        },
      },
    ]);
  });

  readonly column = this.RULE('column', () => {
    this.SUBRULE(this.name);
    this.OPTION(() => {
      this.#s('DOT');
      this.SUBRULE1(this.name);
    });
  });

  readonly typedLiteral = this.RULE('typedLiteral', () => {
    this.SUBRULE(this.name);
    this.CONSUME(StringLiteral);
  });

  readonly caseExpression = this.RULE('caseExpression', () => {
    this.#k('CASE');
    this.OPTION(() => this.SUBRULE(this.expression, { LABEL: 'operand' }));
    this.AT_LEAST_ONE(() => {
      this.#k('WHEN');
      this.SUBRULE1(this.expression, { LABEL: 'when' });
      this.#k('THEN');
      this.SUBRULE2(this.expression, { LABEL: 'then' });
    });
    this.OPTION1(() => {
      this.#k('ELSE');
      this.SUBRULE3(this.expression, { LABEL: 'otherwise' });
    });
    this.#k('END');
  });

  readonly cast = this.RULE('cast', () => {
    this.#k('CAST');
    this.#s('LPAREN');
    this.SUBRULE(this.expression);
    this.#k('AS');
    this.SUBRULE(this.type);
    this.#s('RPAREN');
  });

  readonly arrayConstructor = this.RULE('arrayConstructor', () => {
    this.#k('ARRAY');
    this.#s('LBRACKET');
    this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.expression) });
    this.#s('RBRACKET');
  });

  readonly mapConstructor = this.RULE('mapConstructor', () => {
    this.#k('MAP');
    this.#s('LPAREN');
    this.MANY_SEP({
      SEP: symbol('COMMA'),
      DEF: () => {
        this.SUBRULE(this.expression, { LABEL: 'entryKey' });
        this.#s('ASSIGN');
        this.SUBRULE1(this.expression, { LABEL: 'entryValue' });
      },
    });
    this.#s('RPAREN');
  });

  readonly structConstructor = this.RULE('structConstructor', () => {
    this.#k('STRUCT');
    this.#s('LPAREN');
    this.MANY_SEP({
      SEP: symbol('COMMA'),
      DEF: () => {
        this.SUBRULE(this.name);
        this.#s('ASSIGN');
        this.SUBRULE(this.expression);
      },
    });
    this.#s('RPAREN');
  });

  readonly call = this.RULE('call', () => {
    this.SUBRULE(this.name);
    this.#s('LPAREN');
    this.OPTION(() =>
      this.OR([
        { ALT: () => this.#s('ASTERISK') },
        { ALT: () => this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.argument) }) },
      ]),
    );
    this.#s('RPAREN');
  });

  readonly argument = this.RULE('argument', () => {
    this.OR([
      { GATE: () => this.#lambdaFollows(), ALT: () => this.SUBRULE(this.lambda) },
      {
        ALT: () =>
          this.OR1(
            UNITS.filter((unit) => unit.endsWith('S') || unit === 'MILLISECOND').map((unit) => ({
              ALT: () => this.#k(unit),
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
          this.#s('LPAREN');
          this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE1(this.name) });
          this.#s('RPAREN');
        },
      },
    ]);
    this.#s('LAMBDA');
    this.SUBRULE(this.expression);
  });
}

const grammar = new SqlGrammar();

/** Parses the tokens of one statement. */
export function parseTokens(tokens: IToken[]): { cst: CstNode; error: IRecognitionException | undefined } {
  grammar.input = tokens;
  const cst = grammar.statement();
  return { cst, error: grammar.errors[0] };
}

/** Parses the tokens of a type alone. */
export function parseTypeTokens(tokens: IToken[]): { cst: CstNode; error: IRecognitionException | undefined } {
  grammar.input = tokens;
  const cst = grammar.type();
  return { cst, error: grammar.errors[0] };
}

/** Parses the tokens of an expression alone. */
export function parseExpressionTokens(tokens: IToken[]): { cst: CstNode; error: IRecognitionException | undefined } {
  grammar.input = tokens;
  const cst = grammar.expression();
  return { cst, error: grammar.errors[0] };
}
