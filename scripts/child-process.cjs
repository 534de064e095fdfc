/*
 * What commander and our commands take of node:child_process. Commander wants it for subcommands that are
 * programs of their own, which we have none of, and loading the real one costs every command 4 ms.
 */
// Without "node:", which would lead back to this file.
// biome-ignore lint/style/useNodejsImportProtocol: see above
const load = () => require('child_process');

exports.spawn = (...args) => load().spawn(...args);
exports.execFile = (...args) => load().execFile(...args);
