/** What a process is given by whoever starts it; nothing else reads argv or the environment. */
export type World = {
  /** Without the interpreter and the program. */
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  pid: number;
  stdout: Output;
  stderr: Output;
};

export type Output = { write(text: string): unknown; isTTY?: boolean };
