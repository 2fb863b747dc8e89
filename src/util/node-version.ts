// The first thing that runs of every entry of the package: a Node that is too old is refused in a sentence, before anything fails
// that it does not have. `bin/millrace` says the same of itself.
export const OLDEST_NODE = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  throw new Error(
    `millrace needs Node ${OLDEST_NODE} or newer, this is ${process.version}. Install it, or run: npm install node@${OLDEST_NODE}`,
  );
}
