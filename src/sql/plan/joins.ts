import type { Scope, ScopeSource } from '../analysis/scope.ts';
import type { DataSource } from '../catalog.ts';
import { refuse } from '../errors.ts';
import { type FormatInfo, holdsNothing, KEY_FORMAT, usesRegistry } from '../formats/traits.ts';
import type { Expression, Join, Query } from '../parser/ast.ts';
import { joinWords, printExpression, quoteName } from '../parser/print.ts';
import { containsType, type SqlType, sameType, typeText } from '../types.ts';
import { binderFor, planned, type PlanEnvironment } from './environment.ts';
import { keyFormatOf, sameFormat } from './key-formats.ts';
import type { JoinKind, PlanExpression, RowColumn, OriginStep, Step } from './plan.ts';

/** Sources joined from left to right, and under which names the key of the result may be selected. */
export interface JoinedSources {
  readonly step: Step;
  /** Per key column, the names of the columns that hold it. */
  readonly keys: readonly (readonly string[])[];
  /** The same as messages show them. */
  readonly qualifiedKeys: readonly (readonly string[])[];
  /** What the rows were joined on, as it was written: each equals the key. */
  readonly equalToKey: ReadonlySet<string>;
  /** The key column that belongs to no source. */
  readonly synthetic: string | undefined;
  /** The left table of a foreign-key join, whose primary key is the result's. */
  readonly foreignLeft?: string;
}

export function planJoins(
  env: PlanEnvironment,
  scope: Scope,
  query: Query,
  originStep: (source: ScopeSource, context: string) => OriginStep,
  contextPrefix: string,
): JoinedSources {
  const [first, ...others] = scope.sources as [ScopeSource, ...ScopeSource[]];
  // Joins nest to the left: the inner ones are named as the left side of the next.
  const nesting = (i: number): string => `${contextPrefix}${'L_'.repeat(others.length - 1 - i)}`;
  const firstStep = originStep(first, `${nesting(0)}KafkaTopic_Left`);
  const keys = first.source.schema.key.map((column) => [scope.internalName(first.alias, column.name)]);
  let left: JoinedSources = {
    step: firstStep,
    keys,
    qualifiedKeys: first.source.schema.key.map((column) => [
      printExpression({ kind: 'column', source: first.alias, name: column.name }),
    ]),
    equalToKey: new Set(),
    synthetic: undefined,
  };
  checkJoins(scope, query);
  const joinedAliases = new Set([first.alias]);
  others.forEach((right, i) => {
    const leftName = i === 0 ? first.source : undefined;
    left = new JoinPlanner(env, scope, query.joins[i]!, joinedAliases, nesting(i)).join(
      left,
      originStep(right, `${nesting(i)}KafkaTopic_Right`),
      right,
      leftName ?? first.source,
    );
    joinedAliases.add(right.alias);
  });
  return left;
}

/** What is wrong with sources and conditions, before anything is said of kinds and types. */
function checkJoins(scope: Scope, { joins }: Query): void {
  const [first, ...others] = scope.sources;
  const aliases = new Set([first!.alias]);
  const names = new Set([first!.source.name]);
  for (const [i, { alias, source }] of others.entries()) {
    if (names.has(source.name)) {
      refuse(
        i === 0
          ? `Can not join '${source.name}' to '${source.name}': self joins are not yet supported.`
          : `N-way joins do not support multiple occurrences of the same source. Source: '${source.name}'.`,
      );
    }
    sidesOf(scope, joins[i]!, aliases);
    aliases.add(alias);
    names.add(source.name);
  }
}

interface JoinSides {
  /** What names one of the sources so far, and what names the joined one. */
  readonly leftOn: Expression;
  readonly rightOn: Expression;
  /** Both, in the order in which they were written. */
  readonly written: string;
}

/** The two sides of a join's condition. */
function sidesOf(scope: Scope, { on: condition, source }: Join, leftAliases: ReadonlySet<string>): JoinSides {
  const on = scope.qualify(condition, 'JOIN ON');
  if (on.kind !== 'comparison' || on.op !== '=') {
    return refuse(
      on.kind === 'logical'
        ? `Invalid join condition: joins on multiple conditions are not yet supported. Got ${printExpression(on)}.`
        : `Unsupported join expression: ${printExpression(on)}. Only equality is supported.`,
    );
  }
  const refersTo = (e: Expression): string => {
    const aliases = [...scope.sourcesIn(e)];
    const [alias] = aliases;
    if (aliases.length !== 1 || alias === undefined) {
      return refuse(
        `Invalid comparison expression '${printExpression(e)}' in join '${printExpression(on)}'. Each side of the join comparision must contain references from exactly one source.`,
      );
    }
    return alias;
  };
  const a = refersTo(on.left);
  const b = refersTo(on.right);
  const names = { a: quoteName(a), b: quoteName(b) };
  if (a === b) {
    refuse(
      `Each side of the join must reference exactly one source and not the same source. Left side references ${names.a} and right references ${names.b}`,
    );
  }
  const written = `${printExpression(on.left)} = ${printExpression(on.right)}`;
  if (b === source.alias && leftAliases.has(a)) return { leftOn: on.left, rightOn: on.right, written };
  if (a === source.alias && leftAliases.has(b)) return { leftOn: on.right, rightOn: on.left, written };
  return refuse(
    `A join criteria is expected to reference the source (${quoteName(source.alias)}) in the FROM clause, instead the right source references ${names.b} and the left source references ${names.a}`,
  );
}

/** One side of a join: its rows and what the condition says of them. */
interface JoinSide<S extends Step = Step> {
  readonly step: S;
  readonly source: DataSource;
  /** What the rows are joined on. */
  readonly key: PlanExpression;
  readonly type: SqlType;
  /** The column that it is, if it is one. */
  readonly column: string | undefined;
  /** How messages show it. */
  readonly on: string;
}

class JoinPlanner {
  readonly #env: PlanEnvironment;
  readonly #scope: Scope;
  readonly #join: Join;
  readonly #leftAliases: ReadonlySet<string>;
  readonly #nesting: string;

  constructor(env: PlanEnvironment, scope: Scope, join: Join, leftAliases: ReadonlySet<string>, nesting: string) {
    this.#env = env;
    this.#scope = scope;
    this.#join = join;
    this.#leftAliases = leftAliases;
    this.#nesting = nesting;
  }

  join(left: JoinedSources, right: OriginStep, rightSource: ScopeSource, leftSource: DataSource): JoinedSources {
    const { leftOn, rightOn, written } = sidesOf(this.#scope, this.#join, this.#leftAliases);
    const leftSide = this.#side(left.step, leftSource, leftOn);
    const rightSide = this.#side(right, rightSource.source, rightOn);
    const kind = this.#kind(leftSide, rightSide, left.keys, written);
    const keyType = leftSide.type;
    if (!sameType(keyType, rightSide.type)) {
      refuse(
        `Invalid join condition: types don't match. Got ${leftSide.on}{${typeText(keyType)}} = ${rightSide.on}{${typeText(rightSide.type)}}.`,
      );
    }
    this.#checkWithin(kind);
    if (kind === 'foreign-key') return this.#foreignKey(left, right, leftSide, rightSide);
    this.#checkWindows(leftSide, rightSide);

    const { type } = this.#join;
    const leftName = leftSide.column;
    const rightName = rightSide.column;
    const isEqual = left.synthetic === undefined && left.equalToKey.has(leftSide.on);
    const isKey = leftName === undefined ? isEqual : left.keys[0]?.includes(leftName) === true;
    const inPlace = left.keys.length === 1 && isKey;
    const viable = [...(inPlace ? left.keys[0]! : [leftName]), rightName].filter((name) => name !== undefined);
    const shown = [
      ...(inPlace ? left.qualifiedKeys[0]! : leftName === undefined ? [] : [leftSide.on]),
      ...(rightName === undefined ? [] : [rightSide.on]),
    ];
    const needsSynthetic = type === 'FULL' || viable.length === 0;
    const synthetic = needsSynthetic ? this.#syntheticName() : undefined;
    const keyName = synthetic ?? viable[0]!;
    const mapKey = containsType(keyType, (inner) => inner.kind === 'MAP');
    if (mapKey) {
      refuse(
        `Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to inconsistent serialization. Key column name: ${quoteName(keyName)}. Column type: ${typeText(keyType)}. See https://github.com/confluentinc/ksql/issues/6621 for more.`,
      );
    }
    const { leftStep, rightStep, keyFormat } = this.#align(leftSide, rightSide);
    const key: RowColumn[] = [{ name: keyName, type: keyType }];
    const columns = [...leftStep.columns, ...rightStep.columns, ...(synthetic === undefined ? [] : key)];
    const step: Step = {
      kind: 'join',
      joinKind: kind,
      context: `${this.#nesting}Join`,
      type,
      left: leftStep,
      right: rightStep,
      within: this.#join.within,
      foreignKey: undefined,
      syntheticKey: synthetic,
      keyFormat,
      columns,
      key,
      table: kind === 'table-table',
      window: left.step.window,
    };
    return {
      step,
      keys: [synthetic === undefined ? viable : [synthetic]],
      qualifiedKeys: [synthetic === undefined ? shown : [synthetic]],
      equalToKey: new Set([...(inPlace ? left.equalToKey : []), leftSide.on, rightSide.on]),
      synthetic,
    };
  }

  #side<S extends Step>(step: S, source: DataSource, qualified: Expression): JoinSide<S> {
    const on = printExpression(qualified);
    const key = planned(binderFor(this.#env, step.columns), this.#scope.internal(qualified));
    const { expression } = key;
    const type = expression.type ?? refuse(`Invalid join condition: ${on} has no type`);
    return { step, source, key, type, column: expression.kind === 'column' ? expression.name : undefined, on };
  }

  /** `leftKeys` are the names that each key column of the left side has. */
  #kind(left: JoinSide, right: JoinSide, leftKeys: JoinedSources['keys'], got: string): JoinKind {
    const { type } = this.#join;
    const words = `${left.source.name} ${joinWords[type]} JOIN ${right.source.name}`;
    if (!left.step.table && !right.step.table) return 'stream-stream';
    if (left.step.table && !right.step.table) {
      return refuse(`Invalid join order: table-stream joins are not supported; only stream-table joins. Got ${words}.`);
    }
    const onRightKey = right.step.key.length === 1 && right.column === right.step.key[0]!.name;
    if (!left.step.table) {
      if (type === 'FULL' || type === 'RIGHT') {
        return refuse(
          `Invalid join type: ${type.toLowerCase()}-outer join not supported for stream-table join. Got ${words}.`,
        );
      }
      if (!onRightKey) {
        return refuse(
          `Invalid join condition: stream-table joins require to join on the table's primary key. Got ${got}.`,
        );
      }
      return 'stream-table';
    }
    if (!onRightKey) {
      return refuse(
        `Invalid join condition: table-table joins require to join on the primary key of the right input table. Got ${got}.`,
      );
    }
    const onLeftKey = leftKeys.length === 1 && left.column !== undefined && leftKeys[0]!.includes(left.column);
    if (onLeftKey) return 'table-table';
    if (type === 'RIGHT' || type === 'FULL') {
      return refuse(`Invalid join type: ${type} OUTER JOIN on a foreign key is not supported. Got ${words}.`);
    }
    return 'foreign-key';
  }

  #checkWithin(kind: JoinKind): void {
    const { within } = this.#join;
    if (kind === 'stream-stream' && within === undefined) {
      refuse(
        'Stream-Stream joins must have a WITHIN clause specified. None was provided. To learn about how to specify a WITHIN clause with a stream-stream join, please visit: https://docs.confluent.io/current/ksql/docs/syntax-reference.html#create-stream-as-select',
      );
    }
    if (kind !== 'stream-stream' && within !== undefined) {
      const name = kind === 'stream-table' ? 'Stream-Table' : 'Table-Table';
      refuse(
        `A window definition was provided for a ${name} join. These joins are not windowed. Please drop the window definition (i.e. the WITHIN clause) and try to execute your join again.`,
      );
    }
  }

  #checkWindows({ step: left, source: leftSource, column: leftName }: JoinSide, right: JoinSide): void {
    const a = left.window;
    const b = right.step.window;
    if (a === undefined && b === undefined) return;
    const describe = (source: DataSource): string =>
      `${quoteName(source.name)} is ${source.window === undefined ? 'not' : source.window.type} windowed`;
    if (a === undefined || b === undefined) {
      refuse(
        `Can not join windowed source to non-windowed source.\n${describe(leftSource)}\n${describe(right.source)}`,
      );
    } else if ((a.type === 'SESSION') !== (b.type === 'SESSION')) {
      refuse(
        `Incompatible windowed sources.\nLeft source: ${a.type}\nRight source: ${b.type}\nSession windowed sources can only be joined to other session windowed sources, and may still not result in expected behaviour as session bounds must be an exact match for the join to work\nHopping and tumbling windowed sources can only be joined to other hopping and tumbling windowed sources`,
      );
    }
    const rightKey = right.step.key[0]?.name;
    const sameSize = a?.sizeMs === b?.sizeMs;
    if (!sameSize || leftName !== left.key[0]?.name || right.column !== rightKey || left.key.length !== 1) {
      refuse(
        'Implicit repartitioning of windowed sources is not supported. See https://github.com/confluentinc/ksql/issues/4385.',
      );
    }
  }

  #foreignKey(
    left: JoinedSources,
    right: OriginStep,
    { source, key, on }: JoinSide,
    { on: rightOn }: JoinSide,
  ): JoinedSources {
    if (left.step.kind === 'join')
      refuse(
        `Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. Got ${on} = ${rightOn}.`,
      );
    if (left.step.window !== undefined || right.window !== undefined)
      refuse('Foreign-key table-table joins are not supported on windowed tables.');
    const columns = [...left.step.columns, ...right.columns];
    const step: Step = {
      kind: 'join',
      joinKind: 'foreign-key',
      context: `${this.#nesting}Join`,
      type: this.#join.type,
      left: left.step,
      right,
      within: undefined,
      foreignKey: key.expression,
      syntheticKey: undefined,
      keyFormat: keyFormatOf(left.step) ?? source.keyFormat,
      columns,
      key: left.step.key,
      table: true,
      window: undefined,
    };
    return { ...left, step, foreignLeft: source.name };
  }

  /** Gives both sides the join's key, in one format: equal keys must have equal bytes. */
  #align(left: JoinSide, right: JoinSide<OriginStep>): { leftStep: Step; rightStep: Step; keyFormat: FormatInfo } {
    const keyed = ({ step, column }: JoinSide): boolean =>
      step.key.length === 1 && (step.key[0]!.name === column || (step.kind === 'join' && this.#sameKey(step, column)));
    const leftFormat = keyed(left) ? keyFormatOf(left.step) : undefined;
    const rightFormat = keyed(right) ? right.step.keyFormat : undefined;
    const unstable = (format: FormatInfo | undefined): boolean => format !== undefined && usesRegistry(format.format);
    const own = left.source.keyFormat;
    const fallback = holdsNothing(own.format) ? KEY_FORMAT : own;
    const inPlace = { leftStep: left.step, rightStep: right.step };
    if (left.step.window !== undefined) return { ...inPlace, keyFormat: leftFormat ?? fallback };
    if (
      leftFormat !== undefined &&
      rightFormat !== undefined &&
      sameFormat(leftFormat, rightFormat) &&
      !unstable(leftFormat)
    ) {
      return { ...inPlace, keyFormat: leftFormat };
    }
    const keepLeft = leftFormat !== undefined && !unstable(leftFormat);
    const keepRight = rightFormat !== undefined && !unstable(rightFormat) && !keepLeft;
    const keyFormat = keepLeft ? leftFormat : keepRight ? rightFormat : fallback;
    const rekey = ({ step, key, type, column }: JoinSide, side: 'Left' | 'Right'): Step => {
      const name = column ?? 'ROWKEY';
      const { columns, table } = step;
      return {
        kind: 'selectKey',
        context: `${this.#nesting}${side}SourceKeyed`,
        input: step,
        keys: [{ name, ...key }],
        columns,
        key: [{ name, type }],
        keyFormat: keepLeft || keepRight ? keyFormat : undefined,
        table,
        window: undefined,
      };
    };
    return {
      leftStep: keepLeft ? left.step : rekey(left, 'Left'),
      rightStep: keepRight ? right.step : rekey(right, 'Right'),
      keyFormat,
    };
  }

  /** True when a column of a joined row always equals the row's key. */
  #sameKey(step: Step, name: string | undefined): boolean {
    if (step.kind !== 'join' || name === undefined || step.type === 'FULL') return false;
    return [step.left, step.right].some((side) => side.key[0]?.name === name || this.#sameKey(side, name));
  }

  #syntheticName(): string {
    const taken = new Set(this.#scope.sources.flatMap(({ columns }) => columns.map((column) => column.name)));
    let name = 'ROWKEY';
    for (let i = 1; taken.has(name); i++) name = `ROWKEY_${i}`;
    return name;
  }
}
