/** Where a command writes: answers to one stream, progress and failures to the other. */
export interface Terminal {
  print(text: string): void;
  printError(text: string): void;
  readonly isTerminal: boolean;
}

const redrawEveryMs = 1000;

/** Shows that something long is going on, on a terminal only. */
export async function withProgress<T>(terminal: Terminal, doing: string, work: () => Promise<T>): Promise<T> {
  if (!terminal.isTerminal) return work();
  const startMs = Date.now();
  const draw = () => terminal.printError(`\r${doing} … ${Math.floor((Date.now() - startMs) / 1000)} s `);
  draw();
  const timer = setInterval(draw, redrawEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    terminal.printError('\r\u001b[K');
  }
}

/** Columns, each as wide as its longest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
