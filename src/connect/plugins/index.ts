// What a worker can run, by the names of configurations.
export { Plugins } from './plugins.ts';
export { TransformationChain, TransformationFault } from './transformation-chain.ts';
export { taskConfig } from './connector-config.ts';
export { loadUserPlugins } from './user-plugins.ts';
