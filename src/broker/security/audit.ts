// What was denied to whom, in the words of Kafka's authorizer log. Clients try again and again: the same is told once in a
// while, with how often it came in between, and only so much of it.
import { AclOperation, AclPatternType, AclPermission, AclResourceType } from '../../protocol/index.ts';
import type { Clock } from '../../util/index.ts';
import type { Action, Decision } from './authorizer.ts';

const PERIOD_MS = 60_000;
/** Different denials that are told in a period. */
const MAX_TOLD = 100;

export class Audit {
  readonly #clock: Clock;
  readonly #report: (message: string) => void;
  /** How often what was told in this period came again. */
  readonly #repeats = new Map<string, number>();
  #others = 0;
  #periodEnds = Number.NEGATIVE_INFINITY;
  #total = 0;

  constructor(clock: Clock, report: (message: string) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** How often something was denied, since the start. */
  get denials(): number {
    return this.#total;
  }

  denied(action: Action, decision: Decision, apiName: string): void {
    this.#total++;
    if (this.#clock.now() >= this.#periodEnds) this.#beginPeriod();
    const message = textOf(action, decision, apiName);
    const repeats = this.#repeats.get(message);
    if (repeats !== undefined) this.#repeats.set(message, repeats + 1);
    else if (this.#repeats.size >= MAX_TOLD) this.#others++;
    else {
      this.#repeats.set(message, 0);
      this.#report(message);
    }
  }

  #beginPeriod(): void {
    for (const [message, repeats] of this.#repeats) {
      if (repeats > 0) this.#report(`${message} (${repeats} times more)`);
    }
    if (this.#others > 0) this.#report(`${this.#others} other requests were denied.`);
    this.#repeats.clear();
    this.#others = 0;
    this.#periodEnds = this.#clock.now() + PERIOD_MS;
  }
}

function textOf(action: Action, { rule }: Decision, apiName: string): string {
  const { principal, host, operation, resourceType, resourceName } = action;
  const resource = `${resourceWord(resourceType)}:LITERAL:${resourceName}`;
  const what = `Principal = ${principal} is Denied operation = ${nameIn(AclOperation, operation)}`;
  const where = `from host = ${host} on resource = ${resource} for request = ${apiName} with resourceRefCount = 1`;
  return `${what} ${where} based on rule ${ruleText(rule)}`;
}

function ruleText(rule: Decision['rule']): string {
  if (typeof rule === 'string') return rule;
  const fields = [
    `resourceType=${nameIn(AclResourceType, rule.resourceType)}`,
    `resourceName=${rule.resourceName}`,
    `patternType=${nameIn(AclPatternType, rule.patternType)}`,
    `principal=${rule.principal}`,
    `host=${rule.host}`,
    `operation=${nameIn(AclOperation, rule.operation)}`,
    `permissionType=${nameIn(AclPermission, rule.permissionType)}`,
  ];
  return `MatchingAcl(acl=StandardAcl(${fields.join(', ')}))`;
}

/** `TRANSACTIONAL_ID` is `TransactionalId` there. */
function resourceWord(type: number): string {
  return nameIn(AclResourceType, type)
    .toLowerCase()
    .replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

function nameIn(numbers: Readonly<Record<string, number>>, wanted: number): string {
  return Object.entries(numbers).find(([, number]) => number === wanted)?.[0] ?? String(wanted);
}
