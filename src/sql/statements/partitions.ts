// What is known of partitions before anything is started: that sources have topics, and that joins fit together.
import { refuse } from '../errors.ts';
import { quoteName } from '../parser/print.ts';
import { type DerivedStep, type JoinStep, type SourceStep, type Step, sourceSteps, stepsOf } from '../plan/plan.ts';
import type { EngineContext } from './context.ts';

/** Throws `StatementError` when a source's topic is missing, or the sides of a join have different numbers of partitions. */
export async function checkPartitions(engine: EngineContext, root: Step): Promise<void> {
  if (engine.topics.areRepeated) return;
  const counts = new Map<string, number>();
  for (const { source: name } of sourceSteps(root)) {
    const { topic } = engine.catalog.source(name)!;
    const found = await engine.topics.describe(topic);
    if (found === undefined) {
      refuse(`The topic '${topic}' of ${quoteName(name)} does not exist. Create it, or drop ${quoteName(name)}.`);
    }
    counts.set(name, found.partitions);
  }
  for (const join of joinsOf(root)) checkJoin(join, counts);
  for (const step of stepsOf(root)) if (step.kind === 'derived' && step.key.length > 0) checkUnion(step, counts);
}

/** A foreign-key join asks the other side wherever it is; one side of every other join is repartitioned, or both fit. */
function checkJoin(join: JoinStep, counts: ReadonlyMap<string, number>): void {
  if (join.joinKind === 'foreign-key') return;
  const left = readAsItIs(join.left);
  const right = readAsItIs(join.right);
  if (left === undefined || right === undefined) return;
  const [a, b] = [counts.get(left.source)!, counts.get(right.source)!];
  if (a === b) return;
  refuse(
    `Can't join ${quoteName(left.source)} with ${quoteName(right.source)} since the number of partitions don't match. ${quoteName(left.source)} partitions = ${a}; ${quoteName(right.source)} partitions = ${b}. Please repartition either one so that the number of partitions match.`,
  );
}

/** What has one key is in one partition, whichever of the queries it comes from. */
function checkUnion({ inputs }: DerivedStep, counts: ReadonlyMap<string, number>): void {
  const read = inputs.map(readAsItIs).filter((source) => source !== undefined);
  const [first, ...others] = read;
  const other = others.find(({ source }) => counts.get(source) !== counts.get(first!.source));
  if (other === undefined) return;
  refuse(
    `Can't unite ${quoteName(first!.source)} with ${quoteName(other.source)} since the number of partitions don't match. ${quoteName(first!.source)} partitions = ${counts.get(first!.source)}; ${quoteName(other.source)} partitions = ${counts.get(other.source)}. Please repartition either one (PARTITION BY), so that the number of partitions match.`,
  );
}

/** The source whose partitions a step's rows are in; undefined behind a repartition, whose partitions follow from the join. */
function readAsItIs(step: Step): SourceStep | undefined {
  switch (step.kind) {
    case 'source':
      return step;
    case 'selectKey':
    case 'aggregate':
      return undefined;
    case 'distinct':
    case 'over':
    case 'rank':
      return step.rekeys ? undefined : readAsItIs(step.input);
    case 'derived':
      return step.inputs.map(readAsItIs).find((source) => source !== undefined);
    case 'join':
    case 'hashJoin':
      return readAsItIs(step.left) ?? readAsItIs(step.right);
    default:
      return readAsItIs(step.input);
  }
}

function joinsOf(step: Step): JoinStep[] {
  return stepsOf(step)
    .flatMap((each) => (each.kind === 'join' ? [each] : []))
    .reverse();
}
