// Limits of what clients may send, get and have done (KIP-546).
import { defineApi } from '../api.ts';
import { array, bool, float64, int16, int32, int8, string } from '../schema.ts';

/** How a filter's component is compared with an entity's. */
export const QuotaMatchType = { exact: 0, default: 1, any: 2 } as const;

/** A name of null is the default of all that have no entry of their own. */
const entity = array({ entityType: string(), entityName: string().nullable() });

export const describeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string().nullable(),
    }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    entries: array({
      entity,
      values: array({ key: string(), value: float64() }),
    }).nullable(),
  },
});

export const alterClientQuotas = defineApi({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    entries: array({
      entity,
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      entity,
    }),
  },
});
