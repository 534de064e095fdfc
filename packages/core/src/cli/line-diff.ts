export interface Change {
  sign: '-' | '+';
  /** Index of the line, in the old text or in the new one. */
  at: number;
}

/** The fewest lines to take out of one text and to put in to get another, in their order. */
export function lineDiff(old: readonly string[], now: readonly string[]): Change[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let [i, j] = [old.length, now.length];
  while (i > start && j > start && old[i - 1] === now[j - 1]) [i, j] = [i - 1, j - 1];
  const [oldEnd, nowEnd] = [i, j];
  const stay = lastingLines(old.slice(start, oldEnd), now.slice(start, nowEnd));
  const stayAt = (row: number, column: number) => stay[row - start]?.[column - start] ?? -1;
  const changes: Change[] = [];
  for ([i, j] = [start, start]; i < oldEnd || j < nowEnd; ) {
    if (i < oldEnd && j < nowEnd && old[i] === now[j]) [i, j] = [i + 1, j + 1];
    else if (stayAt(i + 1, j) >= stayAt(i, j + 1)) changes.push({ sign: '-', at: i++ });
    else changes.push({ sign: '+', at: j++ });
  }
  return changes;
}

/** For each place in both texts, how many lines from there on are in both, in their order. */
function lastingLines(old: readonly string[], now: readonly string[]): Uint32Array[] {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const lasting = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      rows[i]?.fill(lasting, j, j + 1);
    }
  }
  return rows;
}
