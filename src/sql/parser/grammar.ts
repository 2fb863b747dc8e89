import { type CstNode, type IRecognitionException, type IToken, tokenMatcher } from 'chevrotain';
import { QueryGrammar } from './query-grammar.ts';
import { IntegerValue, Name, StringLiteral, symbol } from './tokens.ts';

/** The grammar, and nothing else: it says what is a statement, `build-ast.ts` says what it means. */
export class SqlGrammar extends QueryGrammar {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  // --- statements ----------------------------------------------------------------------------------------------------

  readonly statement = this.RULE('statement', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.query) },
      { ALT: () => this.SUBRULE(this.create) },
      { ALT: () => this.SUBRULE(this.insert) },
      { ALT: () => this.SUBRULE(this.deleteRows) },
      { ALT: () => this.SUBRULE(this.updateRows) },
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
    this.s('SEMICOLON');
  });

  readonly create = this.RULE('create', () => {
    this.k('CREATE');
    this.OPTION(() => {
      this.k('OR');
      this.k('REPLACE');
    });
    this.OPTION1(() => this.OR([{ ALT: () => this.k('SOURCE') }, { ALT: () => this.k('SINK') }]));
    this.OR1([
      { ALT: () => this.SUBRULE(this.createSource) },
      { ALT: () => this.SUBRULE(this.createConnector) },
      { ALT: () => this.SUBRULE(this.createType) },
      { ALT: () => this.SUBRULE(this.createFunction) },
      { ALT: () => this.SUBRULE(this.createIndex) },
    ]);
  });

  readonly createSource = this.RULE('createSource', () => {
    this.SUBRULE(this.sourceKind);
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.OPTION1(() => this.SUBRULE(this.tableElements));
    this.OPTION2(() => this.SUBRULE(this.withProperties));
    this.OPTION3(() => {
      this.k('AS');
      this.SUBRULE(this.query);
    });
  });

  readonly createConnector = this.RULE('createConnector', () => {
    this.k('CONNECTOR');
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.SUBRULE(this.withProperties);
  });

  readonly createType = this.RULE('createType', () => {
    this.k('TYPE');
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.k('AS');
    this.SUBRULE(this.type);
  });

  /** Ours: a function that a module of the extension directory exports. */
  readonly createFunction = this.RULE('createFunction', () => {
    this.k('FUNCTION');
    this.SUBRULE(this.name);
    this.s('LPAREN');
    this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.functionParameter) });
    this.s('RPAREN');
    this.k('RETURNS');
    this.SUBRULE(this.type);
    this.k('LANGUAGE');
    this.SUBRULE1(this.name, { LABEL: 'language' });
    this.k('AS');
    this.CONSUME(StringLiteral, { LABEL: 'module' });
    this.OPTION(() => {
      this.k('EXPORT');
      this.CONSUME1(StringLiteral, { LABEL: 'export' });
    });
    this.OPTION1(() => {
      this.k('HASH');
      this.CONSUME2(StringLiteral, { LABEL: 'hash' });
    });
  });

  /** Ours. */
  readonly createIndex = this.RULE('createIndex', () => {
    this.k('INDEX');
    this.OPTION(() => this.SUBRULE(this.ifNotExists));
    this.SUBRULE(this.name);
    this.k('ON');
    this.SUBRULE1(this.name, { LABEL: 'table' });
    this.SUBRULE(this.columnNames);
  });

  readonly functionParameter = this.RULE('functionParameter', () => {
    this.SUBRULE(this.name);
    this.SUBRULE(this.type);
    this.OPTION(() => {
      this.s('DOT');
      this.s('DOT', 1);
      this.s('DOT', 2);
    });
  });

  readonly insert = this.RULE('insert', () => {
    this.k('INSERT');
    this.k('INTO');
    this.SUBRULE(this.name);
    this.OPTION(() => this.SUBRULE(this.withProperties));
    this.OR([
      { ALT: () => this.SUBRULE(this.query) },
      {
        ALT: () => {
          this.OPTION1(() => this.SUBRULE(this.columnNames));
          this.k('VALUES');
          this.s('LPAREN');
          this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.expression) });
          this.s('RPAREN');
        },
      },
    ]);
  });

  /** Ours, as is the next. */
  readonly deleteRows = this.RULE('deleteRows', () => {
    this.k('DELETE');
    this.k('FROM');
    this.SUBRULE(this.name);
    this.SUBRULE(this.where);
  });

  readonly updateRows = this.RULE('updateRows', () => {
    this.k('UPDATE');
    this.SUBRULE(this.name);
    this.k('SET');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.setColumn) });
    this.SUBRULE(this.where);
  });

  readonly setColumn = this.RULE('setColumn', () => {
    this.SUBRULE(this.name);
    this.s('EQ');
    this.SUBRULE(this.expression);
  });

  readonly where = this.RULE('where', () => {
    this.k('WHERE');
    this.SUBRULE(this.expression);
  });

  readonly columnNames = this.RULE('columnNames', () => {
    this.s('LPAREN');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.name) });
    this.s('RPAREN');
  });

  readonly drop = this.RULE('drop', () => {
    this.k('DROP');
    this.OR([
      { ALT: () => this.SUBRULE(this.sourceKind) },
      { ALT: () => this.k('TYPE') },
      { ALT: () => this.k('FUNCTION') },
      { ALT: () => this.k('CONNECTOR') },
      { ALT: () => this.k('INDEX') },
    ]);
    this.OPTION(() => this.SUBRULE(this.ifExists));
    this.SUBRULE(this.name);
    this.OPTION1(() => {
      this.k('DELETE');
      this.k('TOPIC');
    });
  });

  readonly alter = this.RULE('alter', () => {
    this.k('ALTER');
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
          this.k('SYSTEM');
          this.SUBRULE(this.assignment);
        },
      },
    ]);
  });

  readonly addColumn = this.RULE('addColumn', () => {
    this.k('ADD');
    this.OPTION({
      GATE: () =>
        this.is(1, 'COLUMN') &&
        tokenMatcher(this.LA(2), Name) &&
        !this.isSymbol(3, 'COMMA') &&
        !this.isSymbol(3, 'SEMICOLON'),
      DEF: () => this.k('COLUMN'),
    });
    this.SUBRULE(this.name);
    this.SUBRULE(this.type);
  });

  readonly manageQuery = this.RULE('manageQuery', () => {
    this.OR([{ ALT: () => this.k('TERMINATE') }, { ALT: () => this.k('PAUSE') }, { ALT: () => this.k('RESUME') }]);
    this.OR1([{ ALT: () => this.k('ALL') }, { ALT: () => this.SUBRULE(this.name) }]);
  });

  readonly explain = this.RULE('explain', () => {
    this.k('EXPLAIN');
    this.OPTION({
      GATE: () => this.is(1, 'ANALYZE') && tokenMatcher(this.LA(2), Name) && this.isSymbol(3, 'SEMICOLON'),
      DEF: () => this.k('ANALYZE'),
    });
    this.OR([
      {
        GATE: () => tokenMatcher(this.LA(1), Name) && this.isSymbol(2, 'SEMICOLON'),
        ALT: () => this.SUBRULE(this.name),
      },
      { ALT: () => this.SUBRULE(this.query) },
      { ALT: () => this.SUBRULE(this.create) },
      { ALT: () => this.SUBRULE(this.insert) },
    ]);
  });

  readonly show = this.RULE('show', () => {
    this.OR([{ ALT: () => this.k('SHOW') }, { ALT: () => this.k('LIST') }]);
    this.OPTION(() => this.k('ALL'));
    this.OR1([
      { ALT: () => this.k('PROPERTIES') },
      { ALT: () => this.k('TOPICS') },
      { ALT: () => this.k('STREAMS') },
      { ALT: () => this.k('TABLES') },
      { ALT: () => this.k('INDEXES') },
      { ALT: () => this.k('FUNCTIONS') },
      { ALT: () => this.k('CONNECTORS') },
      { ALT: () => this.k('TYPES') },
      { ALT: () => this.k('VARIABLES') },
      { ALT: () => this.k('QUERIES') },
      {
        ALT: () => {
          this.k('SOURCE');
          this.k('CONNECTORS', 1);
        },
      },
      {
        ALT: () => {
          this.k('SINK');
          this.k('CONNECTORS', 2);
        },
      },
      {
        ALT: () => {
          this.k('CONNECTOR');
          this.k('PLUGINS');
        },
      },
    ]);
    this.OPTION1(() => this.k('EXTENDED'));
  });

  readonly describe = this.RULE('describe', () => {
    this.k('DESCRIBE');
    this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.k('STREAMS') },
        { ALT: () => this.k('TABLES') },
        { ALT: () => this.k('INDEXES') },
        {
          GATE: () => !this.isSymbol(2, 'SEMICOLON'),
          ALT: () => {
            this.k('FUNCTION');
            this.SUBRULE1(this.name);
          },
        },
        {
          ALT: () => {
            this.k('CONNECTOR');
            this.SUBRULE2(this.name);
          },
        },
        { ALT: () => this.SUBRULE3(this.name) },
      ],
    });
    this.OPTION(() => this.k('EXTENDED'));
  });

  readonly print = this.RULE('print', () => {
    this.k('PRINT');
    this.OR([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.CONSUME(StringLiteral) }]);
    this.OPTION(() => {
      this.k('FROM');
      this.k('BEGINNING');
    });
    this.OPTION1(() => {
      this.OR1([{ ALT: () => this.k('INTERVAL') }, { ALT: () => this.k('SAMPLE') }]);
      this.CONSUME(IntegerValue);
    });
    this.OPTION2(() => this.SUBRULE(this.limit));
  });

  readonly session = this.RULE('session', () => {
    this.OR([
      {
        ALT: () => {
          this.k('SET');
          this.SUBRULE(this.assignment);
        },
      },
      {
        ALT: () => {
          this.k('UNSET');
          this.CONSUME(StringLiteral);
        },
      },
      {
        ALT: () => {
          this.k('DEFINE');
          this.SUBRULE(this.name);
          this.s('EQ');
          this.CONSUME1(StringLiteral);
        },
      },
      {
        ALT: () => {
          this.k('UNDEFINE');
          this.SUBRULE1(this.name);
        },
      },
    ]);
  });

  readonly assignment = this.RULE('assignment', () => {
    this.CONSUME(StringLiteral);
    this.s('EQ');
    this.CONSUME1(StringLiteral);
  });

  readonly assertThat = this.RULE('assertThat', () => {
    this.k('ASSERT');
    this.OPTION(() => {
      this.k('NOT');
      this.k('EXISTS');
    });
    this.OR([
      {
        ALT: () => {
          this.k('TOPIC');
          this.OR1([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.CONSUME(StringLiteral) }]);
          this.OPTION1(() => this.SUBRULE(this.withProperties));
        },
      },
      {
        ALT: () => {
          this.k('SCHEMA');
          this.OPTION2(() => {
            this.k('SUBJECT');
            this.OR2([{ ALT: () => this.SUBRULE1(this.name) }, { ALT: () => this.CONSUME1(StringLiteral) }]);
          });
          this.OPTION3(() => {
            this.k('ID');
            this.CONSUME(IntegerValue);
          });
        },
      },
    ]);
    this.OPTION4(() => {
      this.k('TIMEOUT');
      this.SUBRULE(this.duration);
    });
  });

  // --- pieces of statements ------------------------------------------------------------------------------------------

  readonly sourceKind = this.RULE('sourceKind', () => {
    this.OR([{ ALT: () => this.k('STREAM') }, { ALT: () => this.k('TABLE') }]);
  });

  readonly ifNotExists = this.RULE('ifNotExists', () => {
    this.k('IF');
    this.k('NOT');
    this.k('EXISTS');
  });

  readonly ifExists = this.RULE('ifExists', () => {
    this.k('IF');
    this.k('EXISTS');
  });

  readonly tableElements = this.RULE('tableElements', () => {
    this.s('LPAREN');
    this.AT_LEAST_ONE_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.tableElement) });
    this.s('RPAREN');
  });

  readonly tableElement = this.RULE('tableElement', () => {
    this.SUBRULE(this.name);
    this.SUBRULE(this.type);
    this.OPTION(() =>
      this.OR([
        {
          ALT: () => {
            this.k('PRIMARY');
            this.k('KEY', 1);
          },
        },
        { ALT: () => this.k('KEY') },
        { ALT: () => this.k('HEADERS') },
        {
          ALT: () => {
            this.k('HEADER');
            this.s('LPAREN');
            this.CONSUME(StringLiteral);
            this.s('RPAREN');
          },
        },
      ]),
    );
  });

  readonly withProperties = this.RULE('withProperties', () => {
    this.k('WITH');
    this.s('LPAREN');
    this.MANY_SEP({ SEP: symbol('COMMA'), DEF: () => this.SUBRULE(this.property) });
    this.s('RPAREN');
  });

  readonly property = this.RULE('property', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.name) },
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.k('CONNECTOR') },
    ]);
    this.s('EQ');
    this.SUBRULE(this.literalValue);
  });

  readonly literalValue = this.RULE('literalValue', () => {
    this.OPTION(() => this.s('MINUS'));
    this.OR([
      { ALT: () => this.CONSUME(StringLiteral) },
      { ALT: () => this.SUBRULE(this.number) },
      { ALT: () => this.k('TRUE') },
      { ALT: () => this.k('FALSE') },
      { ALT: () => this.k('NULL') },
    ]);
  });
}

let made: SqlGrammar | undefined;

/** Made when the first statement comes: it takes a while and some memory, which a start without statements does not need. */
function theGrammar(): SqlGrammar {
  made ??= new SqlGrammar();
  return made;
}

/** Parses the tokens of one statement. */
export function parseTokens(tokens: IToken[]): { cst: CstNode; error: IRecognitionException | undefined } {
  const grammar = theGrammar();
  grammar.input = tokens;
  const cst = grammar.statement();
  return { cst, error: grammar.errors[0] };
}

/** Parses the tokens of an expression alone. */
export function parseExpressionTokens(tokens: IToken[]): { cst: CstNode; error: IRecognitionException | undefined } {
  const grammar = theGrammar();
  grammar.input = tokens;
  const cst = grammar.expression();
  return { cst, error: grammar.errors[0] };
}
