import type { Description } from './description.ts';

/** What is looked at, and how it is. */
export type Seen = readonly [of: string, is: string];
export type Look = (description: Description) => Promise<Seen[]>;

/** What a look waits for an answer. */
export const LOOK_MS = 3000;
