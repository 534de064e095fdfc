import { bundle, plugin } from '../../tsup.base.js';

export default [...plugin({ hook: false }), bundle({ opencode: 'src/opencode.ts' }, 'esm')];
