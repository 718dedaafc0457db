import type { Description } from './description.ts';

/** A subject with its state. */
export type Seen = readonly [of: string, is: string];
export type Look = (description: Description) => Promise<Seen[]>;

/** Time-out of a look. */
export const LOOK_MS = 3000;
