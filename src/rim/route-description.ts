// What people are told of a route. It stands where the route is declared and is registered with it, so that the OpenAPI
// documents (docs/openapi.ts) are made of what a server really answers.

export interface QueryParameter {
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
  /** Whether it may be given several times. */
  readonly isRepeated?: boolean;
}

export interface RouteDescription {
  /** One sentence. */
  readonly summary: string;
  /** By name. */
  readonly query?: Readonly<Record<string, QueryParameter>>;
  /** The members of the JSON object that is its body; none for a route without a body. */
  readonly body?: readonly string[];
  /** The media types of its body. */
  readonly consumes?: readonly string[];
  /** The media types of its answers, the preferred one first. */
  readonly produces: readonly string[];
  /** The status of its answer when all is well; 200 unless said. */
  readonly status?: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** None for a route that only refuses. */
    description?: RouteDescription;
  }
}
