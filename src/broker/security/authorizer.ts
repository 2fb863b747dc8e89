/**
 * Who may do what: Kafka's access rules (ACLs), judged as its StandardAuthorizer does. A rule that denies wins over all that
 * allow; without any that matches nothing is allowed, unless `allow.everyone.if.no.acl.found` says otherwise for what no rule
 * is about at all. Super users may do everything.
 *
 * Decisions are remembered until a rule changes: the same few clients ask for the same few things, over and over.
 */
import { AclOperation, AclPatternType, AclPermission, AclResourceType } from '../../protocol/index.ts';
import type { ClusterMetadata, StoredAcl } from '../metadata/cluster-metadata.ts';
import type { BrokerSettings } from '../settings.ts';

/** What somebody is about to do. */
export interface Action {
  readonly principal: string;
  readonly host: string;
  /** One of `AclOperation`. */
  readonly operation: number;
  /** One of `AclResourceType`. */
  readonly resourceType: number;
  readonly resourceName: string;
}

/** Whether it is allowed, and the rule that says so. */
export interface Decision {
  readonly isAllowed: boolean;
  readonly rule: StoredAcl | 'SuperUser' | 'DefaultAllow' | 'DefaultDeny';
}

export const WILDCARD = '*';
const ANY_PRINCIPAL = 'User:*';
const MAX_DECISIONS = 10_000;
/** A resource that nobody has: who may do something with it may with every one. */
const ANY_RESOURCE = 'hardcode';

const { READ, WRITE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, ALL } = AclOperation;
/** What is allowed along with another operation. */
const IMPLIED_BY: ReadonlyMap<number, readonly number[]> = new Map([
  [DESCRIBE, [READ, WRITE, DELETE, ALTER]],
  [DESCRIBE_CONFIGS, [ALTER_CONFIGS]],
]);

/** The rules about one type of resource. */
class RulesOfType {
  readonly literal = new Map<string, StoredAcl[]>();
  readonly prefixed = new Map<string, StoredAcl[]>();
  readonly #prefixLengths = new Set<number>();

  add(acl: StoredAcl): void {
    const isPrefixed = acl.patternType === AclPatternType.PREFIXED;
    const byName = isPrefixed ? this.prefixed : this.literal;
    const rules = byName.get(acl.resourceName);
    if (rules === undefined) byName.set(acl.resourceName, [acl]);
    else rules.push(acl);
    if (isPrefixed) this.#prefixLengths.add(acl.resourceName.length);
  }

  /** All that are about a resource. */
  *about(name: string): Iterable<StoredAcl> {
    yield* this.literal.get(name) ?? [];
    yield* this.prefixesOf(name);
    if (name !== WILDCARD) yield* this.literal.get(WILDCARD) ?? [];
  }

  *prefixesOf(name: string): Iterable<StoredAcl> {
    for (const length of this.#prefixLengths) {
      if (length <= name.length) yield* this.prefixed.get(name.slice(0, length)) ?? [];
    }
  }
}

export class Authorizer {
  readonly #superUsers: ReadonlySet<string>;
  readonly #defaultDecision: Decision;
  readonly #decisions = new Map<string, Decision>();
  #rules: ReadonlyMap<number, RulesOfType> = new Map();

  constructor(settings: BrokerSettings, metadata: ClusterMetadata) {
    this.#superUsers = new Set(settings['super.users'].split(';').flatMap((each) => each.trim() || []));
    this.#defaultDecision = settings['allow.everyone.if.no.acl.found']
      ? { isAllowed: true, rule: 'DefaultAllow' }
      : DENIED;
    let before: readonly StoredAcl[] | undefined;
    metadata.onChange(({ acls }) => {
      if (acls === before) return;
      before = acls;
      this.#rules = indexed(acls);
      this.#decisions.clear();
    });
  }

  decide(action: Action): Decision {
    const { principal, host, operation, resourceType, resourceName } = action;
    const key = `${operation}/${resourceType}/${host}/${principal}\n${resourceName}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = this.#judged(action);
    if (this.#decisions.size >= MAX_DECISIONS) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  /** Whether something may be done with any resource of a type, whichever that is. */
  mayWithAny(action: Omit<Action, 'resourceName'>): boolean {
    if (this.decide({ ...action, resourceName: ANY_RESOURCE }).isAllowed) return true;
    const rules = this.#rules.get(action.resourceType);
    if (rules === undefined) return false;
    const isAbout = (acl: StoredAcl): boolean =>
      isOf(acl, action) && (acl.operation === ALL || acl.operation === action.operation);
    const has = (acls: Iterable<StoredAcl> | undefined, permission: number): boolean =>
      [...(acls ?? [])].some((acl) => acl.permissionType === permission && isAbout(acl));
    const { DENY, ALLOW } = AclPermission;
    if (has(rules.literal.get(WILDCARD), DENY)) return false;
    const isDenied = (name: string): boolean => has(rules.prefixesOf(name), DENY);
    for (const [prefix, acls] of rules.prefixed) if (has(acls, ALLOW) && !isDenied(prefix)) return true;
    for (const [name, acls] of rules.literal) {
      if (has(acls, ALLOW) && (name === WILDCARD || (!has(acls, DENY) && !isDenied(name)))) return true;
    }
    return false;
  }

  #judged(action: Action): Decision {
    if (this.#superUsers.has(action.principal)) return { isAllowed: true, rule: 'SuperUser' };
    let allowing: StoredAcl | undefined;
    let isRuled = false;
    for (const acl of this.#rules.get(action.resourceType)?.about(action.resourceName) ?? []) {
      isRuled = true;
      if (!isOf(acl, action)) continue;
      if (acl.permissionType === AclPermission.DENY) {
        if (acl.operation === ALL || acl.operation === action.operation) return { isAllowed: false, rule: acl };
      } else if (allows(acl, action.operation)) allowing ??= acl;
    }
    if (allowing !== undefined) return { isAllowed: true, rule: allowing };
    return isRuled ? DENIED : this.#defaultDecision;
  }
}

const DENIED: Decision = { isAllowed: false, rule: 'DefaultDeny' };

/** Whether a rule is about who asks, from where. */
function isOf({ principal, host }: StoredAcl, action: Pick<Action, 'principal' | 'host'>): boolean {
  return (principal === action.principal || principal === ANY_PRINCIPAL) && (host === action.host || host === WILDCARD);
}

function allows({ operation }: StoredAcl, wanted: number): boolean {
  return operation === wanted || operation === ALL || IMPLIED_BY.get(wanted)?.includes(operation) === true;
}

function indexed(acls: readonly StoredAcl[]): ReadonlyMap<number, RulesOfType> {
  const rules = new Map<number, RulesOfType>();
  for (const type of Object.values(AclResourceType)) rules.set(type, new RulesOfType());
  for (const acl of acls) rules.get(acl.resourceType)?.add(acl);
  return rules;
}
