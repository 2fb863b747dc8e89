// placeholder
import type { Client } from 'pg';
import type { ChangeStream } from './change-stream.ts';
import type { IncrementalState } from './positions.ts';
import type { TaskParts } from './setup.ts';
export class IncrementalSnapshots {
  constructor(_parts: TaskParts, _client: Client, _changes: ChangeStream, _state: IncrementalState | null) {}
  proceed(): Promise<void> {
    return Promise.resolve();
  }
}
