// Node's modules of HTTP, each loaded when it is first used. An `import` of them has all their names looked at, and among those of
// node:http is WebSocket, which loads all that belongs to fetch: 40 ms of every start.

export const nodeHttp = {
  get http() {
    return process.getBuiltinModule('node:http');
  },
  get https() {
    return process.getBuiltinModule('node:https');
  },
  get http2() {
    return process.getBuiltinModule('node:http2');
  },
};
