/** Medians of repeated figures, and the table that shows them beside their targets. */

/** One measured figure. */
export interface Figure {
  /** Whose figure it is: `k6d`, `k6`, `wrk`. */
  readonly tool: string;
  /** What was measured, with its unit: `CPU a request, µs`. */
  readonly name: string;
  readonly value: number;
  /** What k6d must reach; none for other tools and for figures that only inform. */
  readonly target?: Target;
}

/** `atMost` for costs, `atLeast` for throughput. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** A figure of a case after all its repetitions. */
export interface Row extends Figure {
  readonly case: string;
  /** Null without a target. */
  readonly met: boolean | null;
}

/** Folds the repetitions of a case into one row a figure: medians, in the order of first sight. */
export function toRows(name: string, repetitions: readonly (readonly Figure[])[]): Row[] {
  const groups = Map.groupBy(repetitions.flat(), (figure) => `${figure.tool}\n${figure.name}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const value = median(group.map((figure) => figure.value));
    return [{ ...first, case: name, value, met: first.target === undefined ? null : isMet(value, first.target) }];
  });
}

/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The rows as a table for a terminal. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.case,
    row.tool,
    row.name,
    formatNumber(row.value),
    row.target === undefined ? "" : formatTarget(row.target),
    row.met === null ? "" : row.met ? "met" : "MISSED",
  ]);
  const lines = [["case", "tool", "figure", "value", "target", "verdict"], ...cells];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join(
    "\n",
  );
}

function isMet(value: number, target: Target): boolean {
  return "atMost" in target ? value <= target.atMost : value >= target.atLeast;
}

function formatTarget(target: Target): string {
  return "atMost" in target ? `≤ ${formatNumber(target.atMost)}` : `≥ ${formatNumber(target.atLeast)}`;
}

function formatNumber(value: number): string {
  return value.toLocaleString("en-US", {
    maximumFractionDigits: Math.abs(value) < 1 ? 4 : Math.abs(value) < 100 ? 2 : 0,
  });
}
