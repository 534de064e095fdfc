import { bundle, plugin } from '../../tsup.base.js';

export default [...plugin(), bundle({ opencode: 'src/opencode.ts' }, 'esm')];
