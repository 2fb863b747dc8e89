// What the programs of this folder are made of: `scenario` declares what is to be tried, `run.mjs` tries it.

/** @type {{ name: string, run: (context: object) => Promise<unknown> }[]} */
export const scenarios = [];

/** `run` gets the registry's URL, the broker's address and a topic of its own; it fails by throwing. */
export function scenario(name, run) {
  scenarios.push({ name, run });
}
