// Cases from the field: what users of ksqlDB and the Schema Registry reported, told anew; with what is right, and why.
import { readFileSync } from 'node:fs';

export interface FieldCase {
  readonly id: string;
  readonly class: string;
  readonly steps: readonly Step[];
  readonly expect: Expectation | readonly Expectation[];
}

export interface FieldCases {
  readonly setup: readonly string[];
  /** To be put right. */
  readonly cases: readonly FieldCase[];
  /** Right already, not to be lost. */
  readonly right: readonly FieldCase[];
}

export interface RegistryRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

export type Step =
  | { readonly sql: string }
  | { readonly registry: RegistryRequest; readonly save?: string }
  | { readonly wait_ms: number }
  | {
      readonly produce: {
        readonly topic: string;
        readonly key: string | null;
        readonly value: string | null;
        readonly encoding?: 'base64';
        readonly schema?: string;
        readonly timestamp?: number;
        readonly headers?: Readonly<Record<string, string>>;
      };
    };

export interface Refusal {
  readonly status: number;
  /** One of the words between bars is in the message. */
  readonly mentions?: readonly string[];
  readonly avoids?: readonly string[];
}

export type Expectation =
  | { readonly query: string; readonly rows: unknown[][]; readonly in_any_order?: boolean; readonly within_s?: number }
  | { readonly value_of: string; readonly is: unknown }
  | { readonly table: string; readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | { readonly columns_of: string; readonly include: Readonly<Record<string, string>>; readonly at_least?: number }
  | { readonly registry: RegistryRequest; readonly answer: Readonly<Record<string, unknown>> }
  | { readonly registry: RegistryRequest; readonly refused: Refusal }
  | { readonly sql: string; readonly refused: Refusal }
  | { readonly query: string; readonly refused: Refusal }
  | {
      readonly sql: string;
      readonly either: readonly ({ readonly refused: Refusal } | { readonly expect: readonly Expectation[] })[];
    };

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export function loadFieldCases(file: string): FieldCases {
  return JSON.parse(readFileSync(file, 'utf8')) as FieldCases;
}
