import { plugin } from '@opensync/core/tsup';

export default plugin();
