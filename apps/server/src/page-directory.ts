/** Beside this file in `src`, and beside the bundle in `dist`, where the build copies it. */
export const PAGE_DIRECTORY = new URL('./page/', import.meta.url);
