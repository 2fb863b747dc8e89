// What is known of partitions before anything is started: that sources have topics, and that joins fit together.
import { refuse } from '../errors.ts';
import { quoteName } from '../parser/print.ts';
import type { JoinStep, SourceStep, Step } from '../plan/plan.ts';
import type { EngineContext } from './context.ts';

/** Throws `StatementError` when a source's topic is missing, or the sides of a join have different numbers of partitions. */
export async function checkPartitions(engine: EngineContext, root: Step): Promise<void> {
  if (engine.topics.areRepeated) return;
  const counts = new Map<string, number>();
  for (const { source: name } of sourcesOf(root)) {
    const { topic } = engine.catalog.source(name)!;
    const found = await engine.topics.describe(topic);
    if (found === undefined) {
      refuse(`The topic '${topic}' of ${quoteName(name)} does not exist. Create it, or drop ${quoteName(name)}.`);
    }
    counts.set(name, found.partitions);
  }
  for (const join of joinsOf(root)) checkJoin(join, counts);
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

/** The source whose partitions a step's rows are in; undefined behind a repartition, whose partitions follow from the join. */
function readAsItIs(step: Step): SourceStep | undefined {
  switch (step.kind) {
    case 'source':
      return step;
    case 'selectKey':
    case 'aggregate':
      return undefined;
    case 'join':
      return readAsItIs(step.left) ?? readAsItIs(step.right);
    default:
      return readAsItIs(step.input);
  }
}

function sourcesOf(step: Step): SourceStep[] {
  if (step.kind === 'source') return [step];
  return childrenOf(step).flatMap(sourcesOf);
}

function joinsOf(step: Step): JoinStep[] {
  const below = childrenOf(step).flatMap(joinsOf);
  return step.kind === 'join' ? [...below, step] : below;
}

function childrenOf(step: Step): Step[] {
  if (step.kind === 'source') return [];
  return step.kind === 'join' ? [step.left, step.right] : [step.input];
}
