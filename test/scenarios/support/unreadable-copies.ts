import type { Instrument } from '../../../agent/compose.ts';
import { AgentError } from '../../../src/base/errors.ts';

/** Makes the kept copies unreadable when they are needed. */
export const unreadableCopies: Instrument = {
  disk: (real) => ({
    ...real,
    read: async (path) => {
      if (path.includes('/generation/previous/')) throw new AgentError('disk', `reading ${path}: broken`);
      return await real.read(path);
    },
  }),
};
