// The data that tutorials ask for by name (`quickstart`): made up anew, with the names of topics, fields and keys that they use.

/** A schema of Avro with `arg.properties`, and the field that is the key. */
interface Quickstart {
  readonly key: string;
  readonly schema: object;
}

type Type = string | object;
const field = (name: string, type: Type): object => ({ name, type });
const record = (name: string, fields: Readonly<Record<string, Type>>): object => ({
  type: 'record',
  namespace: 'ksql',
  name,
  fields: Object.entries(fields).map(([each, type]) => field(each, type)),
});
const args = (type: string, properties: object): Type => ({ type, 'arg.properties': properties });
const options = (...values: readonly (string | number)[]): Type => args('string', { options: values });
const regex = (pattern: string): Type => args('string', { regex: pattern });
const counted = (type: 'int' | 'long', start: number, step = 1): Type => args(type, { iteration: { start, step } });
const range = (type: string, min: number, max: number): Type => args(type, { range: { min, max } });

/** 2017-05-18, where the classic ones begin. */
const EPOCH = 1_495_065_600_000;
const USER = regex('User_[1-9]');
const REGION = regex('Region_[1-9]');
const GENDER = options('MALE', 'FEMALE', 'OTHER');
const CITIES = ['Lisbon', 'Porto', 'Oslo', 'Tallinn', 'Recife', 'Nairobi', 'Kyoto'];
const FIRST_NAMES = ['Ada', 'Bento', 'Chidi', 'Dora', 'Emil', 'Fatima', 'Goran', 'Hana'];
const LAST_NAMES = ['Almeida', 'Berg', 'Costa', 'Dahl', 'Eze', 'Fuchs', 'Gomes', 'Haddad'];
const PAGES = ['/index.html', '/images/logo-small.png', '/site/login.html', '/site/user_status.html'];

export const QUICKSTARTS: Readonly<Record<string, Quickstart>> = {
  users: {
    key: 'userid',
    schema: record('users', {
      registertime: range('long', 1_487_715_775_521, 1_519_273_364_600),
      userid: USER,
      regionid: REGION,
      gender: GENDER,
    }),
  },
  users_: {
    key: 'userid',
    schema: record('users', {
      registertime: range('long', 1_487_715_775_521, 1_519_273_364_600),
      userid: USER,
      regionid: REGION,
      gender: GENDER,
      interests: {
        type: 'array',
        items: options('Game', 'Movies', 'News', 'Sport', 'Travel'),
        'arg.properties': { length: 2 },
      },
      contactinfo: {
        type: 'map',
        values: options(...CITIES),
        'arg.properties': { length: 2, keys: { options: ['city', 'hometown'] } },
      },
    }),
  },
  pageviews: {
    key: 'viewtime',
    schema: record('pageviews', { viewtime: counted('long', 1, 10), userid: USER, pageid: regex('Page_[1-9][0-9]?') }),
  },
  orders: {
    key: 'orderid',
    schema: record('orders', {
      ordertime: range('long', 1_487_715_775_521, 1_519_273_364_600),
      orderid: counted('int', 0),
      itemid: regex('Item_[1-9][0-9]{0,2}'),
      orderunits: range('double', 0.1, 10),
      address: record('address', {
        city: regex('City_[1-9][0-9]?'),
        state: regex('State_[1-9][0-9]?'),
        zipcode: range('long', 10_000, 99_999),
      }),
    }),
  },
  ratings: {
    key: 'rating_id',
    schema: record('ratings', {
      rating_id: counted('long', 1),
      user_id: range('int', 1, 20),
      stars: range('int', 1, 6),
      route_id: range('int', 1, 10_000),
      rating_time: counted('long', 1, 10),
      channel: options('web', 'ios', 'android', 'iOS-test'),
      message: options(
        'more peanuts please',
        'worst flight ever',
        'the seats are fine',
        'would fly again',
        'my bag is still on its way',
      ),
    }),
  },
  stock_trades: {
    key: 'symbol',
    schema: record('StockTrade', {
      side: options('BUY', 'SELL'),
      quantity: range('int', 1, 5000),
      symbol: options('ZBZX', 'ZJZZT', 'ZTEST', 'ZVV', 'ZVZZT', 'ZWZZT', 'ZXZZT'),
      price: range('int', 5, 1000),
      account: options('ABC123', 'LMN456', 'XYZ789'),
      userid: USER,
    }),
  },
  clickstream: {
    key: 'ip',
    schema: record('clickstream', {
      ip: options('111.152.45.45', '111.203.236.146', '122.152.45.245', '233.245.174.248', '111.90.225.227'),
      userid: range('int', 1, 40),
      remote_user: options('-'),
      time: counted('long', 1, 10),
      _time: counted('long', 1, 10),
      request: options(...PAGES.map((page) => `GET ${page} HTTP/1.1`)),
      status: args('string', { options: ['200', '302', '404', '405', '406', '407'] }),
      bytes: args('string', { options: ['278', '1289', '2048', '4096', '4006', '4196', '14096'] }),
      referrer: options('-'),
      agent: options('Mozilla/5.0 (compatible)', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'),
    }),
  },
  clickstream_codes: {
    key: 'code',
    schema: record('clickstream_codes', {
      code: args('int', { options: [200, 302, 404, 405, 406, 407] }),
      definition: options(
        'Successful',
        'Redirect',
        'Page not found',
        'Method not allowed',
        'Not acceptable',
        'Proxy authentication required',
      ),
    }),
  },
  clickstream_users: {
    key: 'user_id',
    schema: record('clickstream_users', {
      user_id: counted('int', 1),
      username: regex('[a-z]{4,8}_[0-9]{2}'),
      registered_at: range('long', 1_407_645_330_000, EPOCH),
      first_name: options(...FIRST_NAMES),
      last_name: options(...LAST_NAMES),
      city: options(...CITIES),
      level: options('Gold', 'Silver', 'Platinum'),
    }),
  },
  inventory: {
    key: 'id',
    schema: record('inventory', {
      id: range('long', 0, 50),
      quantity: range('long', 0, 100),
      productid: range('long', 0, 50),
    }),
  },
  product: {
    key: 'id',
    schema: record('product', {
      id: counted('long', 0),
      name: regex('[A-Z][a-z]{4,8}'),
      description: regex('[a-z]{4,8} [a-z]{4,8}'),
      price: range('double', 1, 100),
    }),
  },
  purchases: {
    key: 'id',
    schema: record('purchase', {
      id: counted('long', 0),
      item_type: options('ergo chair', 'standing desk', 'lamp', 'keyboard'),
      quantity: range('long', 0, 50),
      price_per_unit: range('double', 1, 500),
    }),
  },
  transactions: {
    key: 'transaction_id',
    schema: record('transactions', {
      transaction_id: counted('long', 1),
      card_id: range('long', 1, 20),
      user_id: USER,
      purchase_id: counted('long', 0),
      store_id: range('int', 1, 8),
    }),
  },
  stores: {
    key: 'store_id',
    schema: record('stores', { store_id: counted('int', 1), city: options(...CITIES), state: regex('State_[1-9]') }),
  },
  credit_cards: {
    key: 'card_id',
    schema: record('credit_cards', {
      card_id: counted('long', 1),
      card_number: regex('[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{4}'),
      cvv: regex('[0-9]{3}'),
      expiration_date: regex('(0[1-9]|1[0-2])/2[6-9]'),
    }),
  },
};
