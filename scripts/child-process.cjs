/*
 * What commander imports of node:child_process, for subcommands that are programs of their own. We have
 * none, and loading the real one costs every command 4 ms.
 */
// Without "node:", which would lead back to this file.
// biome-ignore lint/style/useNodejsImportProtocol: see above
exports.spawn = (...args) => require('child_process').spawn(...args);
