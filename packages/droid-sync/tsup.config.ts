import { plugin } from '../../tsup.base.js';

export default plugin();
