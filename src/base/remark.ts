/** Something that is told: a code that stays, what it is about (a unit, a path, a name), and its sentence. */
export type Remark<C extends string> = { code: C; of?: string; text: string };
