// Requests to a worker one after the other, with what Kafka Connect 4.1.1 answers: its bodies are compared where they are given.
// The same table is asked of our herders (here) and of a Java worker where there is one (apache-kafka.test.ts).

export interface Exchange {
  /** `METHOD /path` */
  readonly ask: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** What is answered: a value, or how its error message begins. Undefined: not compared. */
  readonly answer?: unknown;
  readonly message?: string;
  /** Behind the URL of the worker. */
  readonly location?: string;
  /** It takes a moment until it is so. */
  readonly soon?: true;
  /** Only of the one kind of herder: the other one answers otherwise. */
  readonly only?: 'standalone' | 'distributed';
  /** The original answers something else by accident; only the status is compared with it, or nothing. */
  readonly differs?: 'message' | 'all';
}

export const WORKER = '<worker>';
const VERSION = '4.1.1';
const FILE = { 'connector.class': 'FileStreamSource', file: '/nowhere/in.txt', topic: 't1' };
const F1_GIVEN = {
  'connector.class': 'FileStreamSource',
  'tasks.max': '1',
  file: '/nowhere/in.txt',
  topic: 't1',
};
const F1 = { ...F1_GIVEN, name: 'f1' };
const state = (now: string) => ({ state: now, worker_id: WORKER, version: VERSION });
const task = (now: string) => ({ id: 0, ...state(now) });
const TASK_0 = [{ connector: 'f1', task: 0 }];
const INFO = { name: 'f1', config: F1, tasks: TASK_0, type: 'source' };
const status = (name: string, now: string, tasks: unknown[] = []) => ({
  name,
  connector: state(now),
  tasks,
  type: 'source',
});
const INVALID = (...problems: string[]) =>
  [
    `Connector configuration is invalid and contains the following ${problems.length} error(s):`,
    ...problems,
    'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
  ].join('\n');
const NOT_STOPPED =
  "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/f1/stop' endpoint";
const OFFSET = { offsets: [{ partition: { filename: '/nowhere/in.txt' }, offset: { position: 3 } }] };

export const exchanges: readonly Exchange[] = [
  {
    ask: 'GET /health',
    status: 200,
    soon: true,
    answer: { status: 'healthy', message: 'Worker has completed startup and is ready to handle requests.' },
  },
  { ask: 'GET /nope', status: 404, message: 'HTTP 404 Not Found' },
  { ask: 'PUT /', status: 405, message: 'HTTP 405 Method Not Allowed' },
  { ask: 'GET /connectors', status: 200, answer: [] },
  { ask: 'GET /connectors/', status: 200, answer: [] },
  { ask: 'GET /connectors?expand=info', status: 200, answer: {} },
  // Connectors are made
  {
    ask: 'POST /connectors',
    body: { name: 'f1', config: F1_GIVEN },
    status: 201,
    only: 'distributed',
    location: '/connectors/f1',
    answer: { ...INFO, tasks: [] },
  },
  {
    ask: 'POST /connectors',
    body: { name: 'f1', config: F1_GIVEN },
    status: 201,
    only: 'standalone',
    location: '/connectors/f1',
    answer: INFO,
  },
  {
    ask: 'POST /connectors',
    body: { name: 'f1', config: F1_GIVEN },
    status: 409,
    message: 'Connector f1 already exists',
  },
  { ask: 'GET /connectors', status: 200, answer: ['f1'] },
  { ask: 'GET /connectors/f1', status: 200, soon: true, answer: INFO },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'RUNNING', [task('RUNNING')]) },
  {
    ask: 'GET /connectors?expand=info&expand=status',
    status: 200,
    answer: { f1: { info: INFO, status: status('f1', 'RUNNING', [task('RUNNING')]) } },
  },
  {
    ask: 'GET /connectors?expand=status',
    status: 200,
    answer: { f1: { status: status('f1', 'RUNNING', [task('RUNNING')]) } },
  },
  { ask: 'GET /connectors?expand=zzz', status: 200, answer: { f1: {} } },
  { ask: 'GET /connectors/nope', status: 404, message: 'Connector nope not found' },
  { ask: 'GET /connectors/f1/config', status: 200, answer: F1 },
  { ask: 'GET /connectors/nope/config', status: 404, message: 'Connector nope not found' },
  { ask: 'GET /connectors/nope/status', status: 404, message: 'No status found for connector nope' },
  {
    ask: 'GET /connectors/f1/tasks',
    status: 200,
    answer: [
      {
        id: { connector: 'f1', task: 0 },
        config: { ...F1, 'task.class': 'org.apache.kafka.connect.file.FileStreamSourceTask' },
      },
    ],
  },
  { ask: 'GET /connectors/nope/tasks', status: 404, message: 'Connector nope not found' },
  { ask: 'GET /connectors/f1/tasks-config', status: 404, message: 'HTTP 404 Not Found' },
  { ask: 'GET /connectors/f1/tasks/0/status', status: 200, answer: task('RUNNING') },
  { ask: 'GET /connectors/f1/tasks/9/status', status: 404, message: 'No status found for task f1-9' },
  { ask: 'GET /connectors/f1/tasks/x/status', status: 404, message: 'HTTP 404 Not Found' },
  // Restarts
  { ask: 'POST /connectors/f1/tasks/0/restart', status: 204 },
  { ask: 'POST /connectors/f1/tasks/9/restart', status: 404, message: 'Unknown task: f1-9', only: 'distributed' },
  {
    ask: 'POST /connectors/f1/tasks/9/restart',
    status: 404,
    message: 'Task f1-9 not found',
    only: 'standalone',
    differs: 'all',
  },
  {
    ask: 'POST /connectors/nope/tasks/0/restart',
    status: 404,
    message: 'Unknown connector: nope',
    only: 'distributed',
  },
  {
    ask: 'POST /connectors/nope/tasks/0/restart',
    status: 404,
    message: 'Connector nope not found',
    only: 'standalone',
    differs: 'all',
  },
  { ask: 'POST /connectors/f1/restart', status: 204 },
  { ask: 'POST /connectors/nope/restart', status: 404, message: 'Unknown connector: nope', only: 'distributed' },
  {
    ask: 'POST /connectors/nope/restart',
    status: 404,
    message: 'Connector nope not found',
    only: 'standalone',
    differs: 'all',
  },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'RUNNING', [task('RUNNING')]) },
  {
    ask: 'POST /connectors/f1/restart?includeTasks=true&onlyFailed=true',
    status: 202,
    answer: status('f1', 'RUNNING', [task('RUNNING')]),
  },
  {
    ask: 'POST /connectors/f1/restart?includeTasks=true',
    status: 202,
    answer: status('f1', 'RESTARTING', [task('RESTARTING')]),
  },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'RUNNING', [task('RUNNING')]) },
  { ask: 'POST /connectors/nope/restart?includeTasks=true', status: 404, message: 'Unknown connector: nope' },
  { ask: 'POST /connectors/f1/restart?includeTasks=maybe', status: 204 },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'RUNNING', [task('RUNNING')]) },
  // Pause, resume
  { ask: 'PUT /connectors/f1/pause', status: 202 },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'PAUSED', [task('PAUSED')]) },
  { ask: 'PUT /connectors/nope/pause', status: 404, message: 'Unknown connector nope' },
  { ask: 'PUT /connectors/f1/resume', status: 202 },
  { ask: 'PUT /connectors/nope/resume', status: 404, message: 'Unknown connector nope' },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'RUNNING', [task('RUNNING')]) },
  // Topics
  { ask: 'GET /connectors/nope/topics', status: 200, answer: { nope: { topics: [] } } },
  { ask: 'PUT /connectors/f1/topics/reset', status: 202 },
  { ask: 'GET /connectors/f1/topics', status: 200, soon: true, answer: { f1: { topics: [] } } },
  { ask: 'PUT /connectors/nope/topics/reset', status: 202 },
  // Offsets
  { ask: 'GET /connectors/nope/offsets', status: 404, message: 'Connector nope not found' },
  { ask: 'DELETE /connectors/f1/offsets', status: 400, message: NOT_STOPPED },
  {
    ask: 'PATCH /connectors/f1/offsets',
    body: { offsets: [] },
    status: 400,
    message: 'Partitions / offsets need to be provided for an alter offsets request',
  },
  {
    ask: 'PATCH /connectors/f1/offsets',
    body: {},
    status: 400,
    message: 'Partitions / offsets need to be provided for an alter offsets request',
  },
  { ask: 'PATCH /connectors/f1/offsets', body: OFFSET, status: 400, message: NOT_STOPPED },
  { ask: 'PUT /connectors/f1/stop', status: 204 },
  { ask: 'PUT /connectors/nope/stop', status: 404, message: 'Unknown connector nope', only: 'distributed' },
  {
    ask: 'PUT /connectors/nope/stop',
    status: 404,
    message: 'Unknown connector nope',
    only: 'standalone',
    differs: 'all',
  },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'STOPPED') },
  { ask: 'GET /connectors/f1/tasks', status: 200, answer: [] },
  {
    ask: 'PATCH /connectors/f1/offsets',
    body: OFFSET,
    status: 200,
    answer: { message: 'The offsets for this connector have been altered successfully' },
  },
  { ask: 'GET /connectors/f1/offsets', status: 200, answer: OFFSET },
  {
    ask: 'DELETE /connectors/f1/offsets',
    status: 200,
    answer: { message: 'The offsets for this connector have been reset successfully' },
  },
  { ask: 'GET /connectors/f1/offsets', status: 200, answer: { offsets: [] } },
  {
    ask: 'DELETE /connectors/f1/offsets',
    status: 200,
    answer: { message: 'The offsets for this connector have been reset successfully' },
  },
  { ask: 'PATCH /connectors/nope/offsets', body: OFFSET, status: 404, message: 'Connector nope not found' },
  { ask: 'DELETE /connectors/nope/offsets', status: 404, message: 'Connector nope not found' },
  { ask: 'PUT /connectors/f1/resume', status: 202 },
  { ask: 'GET /connectors/f1/status', status: 200, soon: true, answer: status('f1', 'RUNNING', [task('RUNNING')]) },
  // Configs
  {
    ask: 'PUT /connectors/f1/config',
    body: { ...F1_GIVEN, topic: 't2' },
    status: 200,
    answer: { ...INFO, config: { ...F1, topic: 't2' } },
  },
  { ask: 'PUT /connectors/f2/config', body: FILE, status: 201, location: '/connectors/f2' },
  { ask: 'GET /connectors/f2/status', status: 200, soon: true, answer: status('f2', 'RUNNING', [task('RUNNING')]) },
  {
    ask: 'PUT /connectors/f2/config',
    body: { ...FILE, name: 'other' },
    status: 400,
    message: "Connector name configuration (other) doesn't match connector name in the URL (f2)",
  },
  {
    ask: 'PATCH /connectors/f2/config',
    body: { topic: 't3', 'tasks.max': null },
    status: 200,
    answer: {
      name: 'f2',
      config: { ...FILE, topic: 't3', name: 'f2' },
      tasks: [{ connector: 'f2', task: 0 }],
      type: 'source',
    },
  },
  {
    ask: 'PATCH /connectors/f2/config',
    body: { topic: null },
    status: 400,
    message: INVALID('Missing required configuration "topic" which has no default value.'),
  },
  { ask: 'PATCH /connectors/nope/config', body: { topic: 't' }, status: 404, message: 'Connector nope not found' },
  {
    ask: 'PUT /connectors/f2/config',
    body: { 'connector.class': 'Nope' },
    status: 400,
    message:
      'Failed to find any class that implements Connector and which name matches Nope, available connectors are: ',
    differs: 'message',
  },
  {
    ask: 'PUT /connectors/f2/config',
    body: {},
    status: 400,
    message: 'Connector config {name=f2} contains no connector type',
  },
  {
    ask: 'PUT /connectors/f2/config',
    body: { ...FILE, 'tasks.max': '0' },
    status: 400,
    message: INVALID('Invalid value 0 for configuration tasks.max: Value must be at least 1'),
  },
  {
    ask: 'PUT /connectors/f3/config',
    body: { ...FILE, topic: null },
    status: 400,
    message: INVALID('Null value can not be supplied as the configuration value.'),
    // The original says so of some settings, and makes a connector that cannot start with others.
    differs: 'all',
  },
  {
    ask: 'POST /connectors',
    body: { config: FILE },
    status: 400,
    message: INVALID('Invalid value  for configuration name: String may not be empty'),
  },
  { ask: 'POST /connectors', body: { name: '  sp  ', config: FILE }, status: 201, location: '/connectors/sp' },
  { ask: 'POST /connectors', body: { name: 'a b/ü', config: FILE }, status: 201, location: '/connectors/a%20b/%C3%BC' },
  {
    ask: 'POST /connectors',
    body: { name: 'x', config: { ...FILE, name: 'y' } },
    status: 400,
    message: "Connector name configuration (y) doesn't match connector name in the URL (x)",
  },
  { ask: 'POST /connectors', body: { name: 'p1', config: FILE, initial_state: 'paused' }, status: 201 },
  { ask: 'GET /connectors/p1/status', status: 200, soon: true, answer: status('p1', 'PAUSED') },
  { ask: 'POST /connectors', body: { name: 's1', config: FILE, initial_state: 'STOPPED' }, status: 201 },
  { ask: 'GET /connectors/s1/status', status: 200, soon: true, answer: status('s1', 'STOPPED') },
  { ask: 'GET /connectors/s1/tasks', status: 200, answer: [] },
  { ask: 'POST /connectors', body: { name: 'n', config: { ...FILE, 'tasks.max': 3 } }, status: 201 },
  { ask: 'GET /connectors/n/config', status: 200, answer: { ...FILE, 'tasks.max': '3', name: 'n' } },
  // What is no request
  { ask: 'POST /connectors', body: { name: 'x' }, status: 500, differs: 'message' },
  { ask: 'POST /connectors', body: { name: 'x', config: FILE, initial_state: 'bad' }, status: 500, differs: 'message' },
  {
    ask: 'POST /connectors',
    body: { name: 'x', extra: 1, config: FILE },
    status: 500,
    message: 'Unrecognized field "extra"',
    differs: 'message',
  },
  { ask: 'POST /connectors', body: '{bad', status: 500, differs: 'message' },
  { ask: 'POST /connectors', body: [], status: 500, differs: 'message' },
  { ask: 'POST /connectors', body: '"x"', status: 500, differs: 'message' },
  { ask: 'POST /connectors', body: '', status: 500, differs: 'message' },
  {
    ask: 'POST /connectors',
    body: '{}',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    message: 'HTTP 415 Unsupported Media Type',
  },
  { ask: 'PUT /connectors/x/config', body: [1], status: 500, differs: 'message' },
  { ask: 'PUT /connectors/x/config', body: { a: { b: 1 } }, status: 500, differs: 'message' },
  { ask: 'GET /connectors', headers: { accept: 'text/html' }, status: 406, message: 'HTTP 406 Not Acceptable' },
  { ask: 'GET /connectors/f1', headers: { accept: 'text/html, */*;q=0.1' }, status: 200 },
  { ask: 'PUT /connectors', status: 405, message: 'HTTP 405 Method Not Allowed' },
  { ask: 'POST /connectors/f1', status: 405, message: 'HTTP 405 Method Not Allowed' },
  { ask: 'GET /connectors/f1/pause', status: 405, message: 'HTTP 405 Method Not Allowed' },
  { ask: 'GET /connectors/f1/whatever', status: 404, message: 'HTTP 404 Not Found' },
  { ask: 'HEAD /connectors', status: 200 },
  { ask: 'OPTIONS /connectors', status: 200 },
  // Connectors go
  { ask: 'DELETE /connectors/f2', status: 204 },
  { ask: 'GET /connectors/f2', status: 404, soon: true, message: 'Connector f2 not found' },
  { ask: 'GET /connectors/f2/status', status: 404, soon: true, message: 'No status found for connector f2' },
  { ask: 'DELETE /connectors/nope', status: 404, message: 'Connector nope not found' },
  // Plugins
  { ask: 'GET /connector-plugins', status: 200 },
  { ask: 'GET /connector-plugins/Nope/config', status: 404, message: 'Unknown plugin Nope.' },
  { ask: 'GET /connector-plugins/org.apache.kafka.connect.transforms.Filter/config', status: 200, answer: [] },
  {
    ask: 'PUT /connector-plugins/FileStreamSink/config/validate',
    body: FILE,
    status: 400,
    message: 'Included connector type FileStreamSource does not match request type FileStreamSink',
  },
  {
    ask: 'PUT /connector-plugins/FileStreamSource/config/validate',
    body: { topic: 't' },
    status: 500,
    message:
      'org.apache.kafka.connect.runtime.rest.errors.BadRequestException: Connector config {topic=t} contains no connector type',
  },
  {
    ask: 'PUT /connector-plugins/FileStreamSourceConnector/config/validate',
    body: { ...FILE, name: 'v' },
    status: 200,
  },
  // Loggers (a Java worker without log4j has none)
  {
    ask: 'PUT /admin/loggers/org.apache.kafka.connect',
    body: {},
    status: 400,
    message: "Desired 'level' parameter was not specified in request.",
  },
  {
    ask: 'PUT /admin/loggers/org.apache.kafka.connect',
    body: { level: 'LOUD' },
    status: 404,
    message: "invalid log level 'LOUD'.",
  },
  { ask: 'GET /admin/loggers/made.up.name', status: 404, message: 'Logger made.up.name not found.' },
  { ask: 'PUT /admin/loggers/made.up', body: { level: 'TRACE' }, status: 200, answer: ['made.up'] },
  { ask: 'PUT /admin/loggers/made.up', body: { level: 'trace' }, status: 200, answer: [] },
  { ask: 'PUT /admin/loggers/made.up?scope=zzz', body: { level: 'warn' }, status: 200, answer: ['made.up'] },
  { ask: 'PUT /admin/loggers/made.up?scope=cluster', body: { level: 'DEBUG' }, status: 204 },
  // Between workers
  {
    ask: 'POST /connectors/f1/tasks',
    body: [],
    status: 400,
    message: 'Internal request missing required signature',
    only: 'distributed',
  },
  {
    ask: 'PUT /connectors/f1/fence',
    status: 400,
    message: 'Internal request missing required signature',
    only: 'distributed',
  },
  {
    ask: 'POST /connectors/f1/tasks',
    body: [],
    status: 500,
    message: 'Kafka Connect in standalone mode does not support externally setting task configurations.',
    only: 'standalone',
  },
  {
    ask: 'PUT /connectors/f1/fence',
    status: 500,
    message: 'Kafka Connect in standalone mode does not support exactly-once source connectors.',
    only: 'standalone',
  },
];
