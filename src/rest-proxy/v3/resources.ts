// v3's resources: what each is called, where it is found, and what its lists look like.
import type { Admin, Client } from '../../client/index.ts';
import type { Call, Described, Route, Routes } from '../call.ts';
import { membersOf, type Members, readJson } from '../entities.ts';
import { notFound } from '../errors.ts';
import { V3_TYPES } from '../media-types.ts';

/** Pairs of a collection and what is meant in it: `['topics', 'orders'], ['partitions', '0']`. */
export type Path = readonly (readonly [collection: string, name?: string | number])[];

/** A request to one cluster, with the names of what is in it. */
export interface ClusterCall {
  readonly call: Call;
  readonly admin: Admin;
  readonly clusterId: string;
}

export type Link = { readonly related: string };

export const clustersUrl = (call: Call): string => `${call.baseUrl}/v3/clusters`;

export function urlOf({ call, clusterId }: ClusterCall, path: Path): string {
  const parts = path.flat().filter((part) => part !== undefined);
  return [clustersUrl(call), clusterId, ...parts.map((part) => encodeURIComponent(String(part)))].join('/');
}

export function linkTo(at: ClusterCall, path: Path): Link {
  return { related: urlOf(at, path) };
}

/** The resource's name: `crn:///kafka=<cluster>/topic=orders/partition=0`. */
function resourceName({ clusterId }: ClusterCall, path: Path): string {
  const parts = path.map(([collection, name]) => {
    const kind = collection.replace(/s$/, '');
    return name === undefined ? kind : `${kind}=${encodeURIComponent(String(name))}`;
  });
  return `crn:///${[`kafka=${clusterId}`, ...parts].join('/')}`;
}

export function resource(at: ClusterCall, kind: string, path: Path, members: object): object {
  const metadata = { self: urlOf(at, path), resource_name: resourceName(at, path) };
  return { kind: `Kafka${kind}`, metadata, cluster_id: at.clusterId, ...members };
}

export function listOfResources(at: ClusterCall, kind: string, path: Path, data: readonly object[]): object {
  return { kind: `Kafka${kind}List`, metadata: { self: urlOf(at, path), next: null }, data };
}

/** A route of a cluster, by what is told of it and what it answers. */
export interface ClusterRoute extends Described {
  readonly answer: (at: ClusterCall) => unknown;
}

/** The routes of a cluster, under its path; one that is not the client's is not found. */
export class ClusterRoutes {
  readonly client: Client;
  readonly #admin: Admin;
  #clusterId: Promise<string> | undefined;

  constructor(client: Client) {
    this.client = client;
    this.#admin = client.admin();
  }

  /** Declares the routes of a part: `GET /topics` is `GET /v3/clusters/{cluster}/topics`. */
  declare(routes: Readonly<Record<string, ClusterRoute>>): Routes {
    return Object.fromEntries(
      Object.entries(routes).map(([path, { answer, ...described }]): [string, Route] => {
        const [method, rest] = path.split(' ') as [string, string];
        const route: Route = {
          ...described,
          consumes: V3_TYPES,
          produces: V3_TYPES,
          answer: async (call) => answer(await this.at(call)),
        };
        return [`${method} /v3/clusters/:cluster${rest}`, route];
      }),
    );
  }

  async at(call: Call): Promise<ClusterCall> {
    const clusterId = await this.clusterId();
    const asked = call.params['cluster']!;
    if (asked !== clusterId) throw notFound(`Cluster ${asked} cannot be found.`);
    return { call, admin: this.#admin, clusterId };
  }

  /** It never changes: asked for once, unless that failed. */
  clusterId(): Promise<string> {
    this.#clusterId ??= this.#admin.clusterId().catch((error: unknown) => {
      this.#clusterId = undefined;
      throw error;
    });
    return this.#clusterId;
  }
}

/** The body of a request, with no other members than these. */
export function bodyOf({ call }: ClusterCall, known: readonly string[]): Members {
  return membersOf(readJson(call.body), known);
}

/** `PreparingRebalance` as v3 writes it: `PREPARING_REBALANCE`. */
export function constantCase(text: string): string {
  return text.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
}
