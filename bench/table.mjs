const HEADER = ['WHAT', 'CPU', 'FLOOR', 'RATIO (MIN-MAX)', 'TARGET', 'MEMORY', ''];

/** Prints the rows and returns how many miss a target. */
export function printTable(rows) {
  const lines = [HEADER, ...rows.map(cells)];
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines) {
    process.stdout.write(
      `${line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
  for (const { name, note } of rows.filter((row) => row.note !== undefined))
    process.stdout.write(`\n${name}: ${note}\n`);
  return rows.filter((row) => isOver(row)).length;
}

function cells(row) {
  const { name, measuredMs, floorMs, ratio, least, most, target, memoryMb, memoryTarget } = row;
  return [
    name,
    milliseconds(measuredMs),
    milliseconds(floorMs),
    ratio === undefined ? '' : `${ratio.toFixed(2)} (${least.toFixed(2)}-${most.toFixed(2)})`,
    target === undefined ? '' : `<= ${target}`,
    memoryMb === undefined ? '' : megabytes(memoryMb, memoryTarget),
    verdict(row, target ?? memoryTarget),
  ];
}

function megabytes(value, target) {
  return `${Math.round(value)} MB${target === undefined ? '' : ` (< ${target})`}`;
}

function verdict(row, target) {
  if (target === undefined) return '';
  return isOver(row) ? 'over' : 'ok';
}

function isOver({ ratio, target, memoryMb, memoryTarget }) {
  return (target !== undefined && ratio > target) || (memoryTarget !== undefined && memoryMb >= memoryTarget);
}

function milliseconds(value) {
  return value === undefined ? '' : `${Math.round(value)} ms`;
}
