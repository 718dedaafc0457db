/** Marks text whose beginning was truncated. */
export const cutMark = (bytes: number): string => `[${bytes} bytes cut here]\n`;

/** Returns how many bytes a text lost at its beginning, and the text after the mark. */
export function readCut(text: string): { cut: number; rest: string } {
  const [mark = '', bytes = '0'] = /^\[(\d+) bytes cut here\]\n/.exec(text) ?? [];
  return { cut: Number(bytes), rest: text.slice(mark.length) };
}
