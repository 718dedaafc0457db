/** Something to report: a stable code, its subject (a unit, a path, a name), and a sentence. */
export type Remark<C extends string> = { code: C; of?: string; text: string };
