import type { StoreSpec } from '../state/store.ts';
import type { AnyGlobalTable } from './untyped.ts';

export class GlobalTableImpl implements AnyGlobalTable {
  readonly spec: StoreSpec;

  constructor(spec: StoreSpec) {
    this.spec = spec;
  }

  get queryableStoreName(): string {
    return this.spec.name;
  }
}
