/** What a process is given by whoever starts it; nothing else reads argv or the environment. */
export type World = {
  /** Without the interpreter and the program. */
  argv: readonly string[];
  /** The interpreter and the program, by which it starts itself once more; undefined: as the sources have it. */
  self?: readonly string[];
  env: NodeJS.ProcessEnv;
  pid: number;
  /** Standard input, to its end; undefined: there is none. */
  stdin?: () => Promise<string>;
  stdout: Output;
  stderr: Output;
};

export type Output = { write(text: string): unknown; isTTY?: boolean };
