// The services that look at an order before it is accepted: details, fraud (what a customer has ordered within an hour), and
// inventory (what is left of a product, with what is reserved). An order is VALIDATED when all three have passed it, and
// FAILED as soon as one has not. Run it: node examples/streams/order-validation.ts localhost:9092
import { createClient } from 'millrace/client';
import { integerSerde, jsonSerde, stringSerde } from 'millrace/serde';
import { KafkaStreams, SessionWindows, StreamsBuilder } from 'millrace/streams';

type Order = { id: string; customer: string; product: string; quantity: number; price: number; state: string };
type Check = { check: 'DETAILS' | 'FRAUD' | 'INVENTORY'; passed: boolean };
type Sum = { passes: number; fails: number; last: boolean };

const HOUR_MS = 60 * 60 * 1000;
const order = { key: stringSerde, value: jsonSerde<Order>() };
const checked = { key: stringSerde, value: jsonSerde<Check>() };

const builder = new StreamsBuilder();
const created = builder.stream<string, Order>('orders', order).filter((_id, { state }) => state === 'CREATED');

const details = created.mapValues(
  (_id, { quantity, price }): Check => ({ check: 'DETAILS', passed: quantity > 0 && price >= 0 }),
  { value: checked.value },
);
const fraud = created
  .groupBy((_id, { customer }) => customer, { ...order, name: 'by-customer' })
  .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(HOUR_MS))
  .aggregate(
    () => ({ id: '', total: 0 }),
    (_customer, { id, quantity, price }, { total }) => ({ id, total: total + quantity * price }),
    (_customer, one, other) => ({ id: other.id, total: one.total + other.total }),
    { name: 'total-per-customer', value: jsonSerde<{ id: string; total: number }>(), caching: false },
  )
  .toStream()
  .filter((_session, sum) => sum !== null)
  .map((_session, { id, total }): [string, Check] => [id, { check: 'FRAUD', passed: total < 2000 }], checked);

builder.addStateStore({ kind: 'key-value', name: 'reserved', key: stringSerde, value: integerSerde });
const stock = builder.table('stock', { key: stringSerde, value: integerSerde });
const inventory = created
  .selectKey((_id, { product }) => product)
  .repartition({ ...order, name: 'by-product' })
  .leftJoin(stock, ({ id, quantity }, left) => ({ id, quantity, left: left ?? 0 }), order)
  .process<string, Check>(
    (context) => {
      const reserved = context.keyValueStore<string, number>('reserved');
      return {
        process: ({ key: product, value: { id, quantity, left } }) => {
          const wanted = (reserved.get(product) ?? 0) + quantity;
          if (wanted <= left) reserved.put(product, wanted);
          context.forward({ key: id, value: { check: 'INVENTORY', passed: wanted <= left } });
        },
      };
    },
    { ...checked, stores: ['reserved'] },
  );

const checks = details
  .merge(fraud)
  .merge(inventory)
  .repartition({ ...checked, name: 'order-validations' });
checks
  .groupByKey(checked)
  .aggregate<Sum>(
    () => ({ passes: 0, fails: 0, last: true }),
    (_id, { passed }, { passes, fails }) => ({ passes: passes + +passed, fails: fails + +!passed, last: passed }),
    { name: 'checks-per-order', value: jsonSerde<Sum>(), caching: false },
  )
  .toStream()
  .filter((_id, { passes, fails, last }) => passes === 3 || (fails === 1 && !last))
  .join(created.toTable({ name: 'open-orders' }), ({ fails }, one) => ({
    ...one,
    state: fails ? 'FAILED' : 'VALIDATED',
  }))
  .to('orders', order);

const client = createClient({ bootstrapServers: process.argv[2] ?? 'localhost:9092' });
const settings = { applicationId: 'order-validation', processingGuarantee: 'exactly_once_v2' } as const;
const app = new KafkaStreams(builder.build(), { client, ...settings });
await app.start();
console.log('running');
process.once('SIGINT', () => app.close().then(() => client.close()));
