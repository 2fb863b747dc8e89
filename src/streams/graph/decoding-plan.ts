import type { StoreSpec } from '../state/store.ts';
import type { AnySerde, Decoding, GraphNode } from './node.ts';
import { sameSerde } from './same-serde.ts';

/** What of the records is needed decoded, and where the bytes of a key are already at hand: derived once per topology. */
export class DecodingPlan implements Decoding {
  readonly #needsKey = new Map<GraphNode, boolean>();
  readonly #needsValue = new Map<GraphNode, boolean>();
  readonly #keySerde = new Map<GraphNode, AnySerde | null>();

  /** Whether the node, or anyone it passes the key on to, looks at the decoded key. */
  needsKey(node: GraphNode): boolean {
    let needs = this.#needsKey.get(node);
    if (needs === undefined) {
      needs =
        node.reads === 'both' ||
        node.reads === 'key' ||
        (node.keyBytesAs !== null && !this.hasKeyBytes(node)) ||
        (node.keepsKey && this.childrenNeedKey(node));
      this.#needsKey.set(node, needs);
    }
    return needs;
  }

  needsValue(node: GraphNode): boolean {
    let needs = this.#needsValue.get(node);
    if (needs === undefined) {
      needs =
        node.reads === 'both' ||
        node.reads === 'value' ||
        (node.valueBytesAs !== null && !this.hasValueBytes(node)) ||
        (node.keepsValue && this.childrenNeedValue(node));
      this.#needsValue.set(node, needs);
    }
    return needs;
  }

  childrenNeedKey(node: GraphNode): boolean {
    return node.children.some((child) => this.needsKey(child));
  }

  childrenNeedValue(node: GraphNode): boolean {
    return node.children.some((child) => this.needsValue(child));
  }

  /** The serde of the key bytes that lie in the context behind `node`, or null when there are none. */
  keySerdeBehind(node: GraphNode): AnySerde | null {
    let serde = this.#keySerde.get(node);
    if (serde === undefined) {
      if (node.source !== null) serde = node.source.key;
      else if (node.ownKeySerde !== null) serde = node.ownKeySerde;
      else serde = node.keepsKey ? this.keySerdeBefore(node) : null;
      this.#keySerde.set(node, serde);
    }
    return serde;
  }

  keySerdeBefore(node: GraphNode): AnySerde | null {
    const [first, ...rest] = node.parents;
    if (first === undefined) return null;
    const serde = this.keySerdeBehind(first);
    return rest.every((parent) => sameSerde(serde ?? undefined, this.keySerdeBehind(parent) ?? undefined))
      ? serde
      : null;
  }

  /** The serde of the value bytes that lie in the context before `node`: its source record's, or an operator's own. */
  valueSerdeBefore(node: GraphNode): AnySerde | null {
    let found: AnySerde | null = null;
    for (const parent of node.parents) {
      const own = parent.source?.value ?? parent.ownValueSerde;
      const serde = own ?? (parent.keepsValue ? this.valueSerdeBefore(parent) : null);
      if (serde === null || (found !== null && !sameSerde(found, serde))) return null;
      found = serde;
    }
    return found;
  }

  /** Stores whose entries have the keys of a source's records, where most of the records come to them. */
  storesBehind(node: GraphNode): StoreSpec[] {
    const found = node.children.flatMap((child) => {
      const keyed = this.hasKeyBytes(child) ? child.stores : [];
      const own = keyed.filter(({ key }) => sameSerde(key, child.keyBytesAs!));
      const isPassedOn = child.keepsKey && child.stores.length === 0 && child.emitsEach;
      return isPassedOn ? [...own, ...this.storesBehind(child)] : own;
    });
    return [...new Set(found)];
  }

  hasKeyBytes(node: GraphNode): boolean {
    return sameSerde(this.keySerdeBefore(node) ?? undefined, node.keyBytesAs ?? undefined);
  }

  hasValueBytes(node: GraphNode): boolean {
    return sameSerde(this.valueSerdeBefore(node) ?? undefined, node.valueBytesAs ?? undefined);
  }
}
