/** Figures become Markdown: medians, and ratios taken round by round, since the two halves of a round share its weather. */

/** One figure for each round, by column. */
export type Figures = { [column: string]: number[] };

export type Line = { what: string; figures: Figures; must: string };

export type Section = {
  title: string;
  /** The first cell of the heading: what is counted. */
  unit: string;
  columns: string[];
  /** `[a, b]` asks for a ÷ b. */
  ratios: [string, string][];
  lines: Line[];
};

export function toMarkdown({ title, unit, columns: wanted, ratios: allRatios, lines }: Section): string {
  const columns = wanted.filter((column) => lines.some((line) => line.figures[column]?.length));
  const ratios = allRatios.filter((pair) => pair.every((column) => columns.includes(column)));
  const heading = [unit, ...columns, ...ratios.map(([a, b]) => `${a} ÷ ${b}`), 'must reach'];
  const rows = lines.map(({ what, figures, must }) => [
    what,
    ...columns.map((column) => rounded(median(figures[column] ?? []))),
    ...ratios.map(([a, b]) => ratio(figures[a] ?? [], figures[b] ?? [])),
    must,
  ]);
  return [
    `**${title}**`,
    '',
    row(heading),
    row(heading.map((_, index) => (index ? '--:' : '---'))),
    ...rows.map(row),
  ].join('\n');
}

export function note(figures: Figures, column: string, figure: number): void {
  (figures[column] ??= []).push(figure);
}

export function median(figures: number[]): number {
  const sorted = figures.filter((figure) => Number.isFinite(figure)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** The median of the rounds' ratios, and in brackets the least and the greatest: how much the machine wavered. */
function ratio(above: number[], below: number[]): string {
  const ratios = above
    .map((figure, round) => figure / (below[round] ?? NaN))
    .filter((value) => Number.isFinite(value));
  if (ratios.length === 0) return '';
  const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  return `**${median(ratios).toFixed(2)}** (${range})`;
}

function rounded(figure: number): string {
  if (!Number.isFinite(figure)) return '–';
  return figure.toFixed(figure >= 100 ? 0 : figure >= 10 ? 1 : 2);
}

function row(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
