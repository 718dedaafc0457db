import * as v from 'valibot';
import type { EventCode } from '../../../agent/events.ts';

const Line = v.pipe(v.string(), v.parseJson(), v.looseObject({ event: v.string() }));

/** Returns every occurrence of an event in JSON log lines, with its level and fields. */
export function logged(lines: readonly string[] | string, event: EventCode): Record<string, unknown>[] {
  return (typeof lines === 'string' ? lines.split('\n') : lines).flatMap((line) => {
    const parsed = v.safeParse(Line, line);
    return parsed.success && parsed.output.event === event ? [parsed.output] : [];
  });
}
