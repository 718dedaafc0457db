/** The mark in place of what a text has lost at its beginning. */
export const cutMark = (bytes: number): string => `[${bytes} bytes cut here]\n`;

/** How many bytes a text has lost at its beginning, and what stands behind the mark that says so. */
export function readCut(text: string): { cut: number; rest: string } {
  const [mark = '', bytes = '0'] = /^\[(\d+) bytes cut here\]\n/.exec(text) ?? [];
  return { cut: Number(bytes), rest: text.slice(mark.length) };
}
