/** Types of the part used here; the package has none (https://github.com/yargs/cliui). */
declare module 'cliui' {
  type Column = {
    text: string;
    width: number;
    padding: readonly [top: number, right: number, bottom: number, left: number];
  };
  export default function cliui(options: { width: number; wrap: boolean }): {
    div(...columns: readonly Column[]): void;
    toString(): string;
  };
}
